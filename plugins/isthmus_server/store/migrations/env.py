"""What alembic runs for each migration: on the connection that the store hands in, within its transaction."""

from alembic import context

from isthmus_server.store.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"], target_metadata=METADATA, render_as_batch=True
)
with context.begin_transaction():
    context.run_migrations()
