"""Steps from one schema to the next, for alembic; a store takes them by itself when it is opened."""
