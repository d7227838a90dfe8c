"""The machinery of :func:`isthmus.open_pipeline`: from an accepted event to every destination."""
