"""The service: what functions, sources and destinations there are is kept in a store, and reached over HTTP.

Importing this imports no HTTP server and no database; what needs them is in :mod:`isthmus_server.store` and
:mod:`isthmus_server.api`, and comes with ``pip install 'isthmus[server]'``.
"""
