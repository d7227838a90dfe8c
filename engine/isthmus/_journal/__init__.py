"""Records kept in append-only files: what deliveries came to, and the events that were accepted."""
