"""What runs in the processes of functions: confinement, and the life of one call; the standard library alone."""
