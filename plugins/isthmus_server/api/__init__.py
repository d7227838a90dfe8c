"""Segment's Public API over a store: functions, versions, insert instances, and what their clients need beside them.

::

    app = public_api(store, engine, webhook_url="https://hooks.example.com/")
    await hypercorn.trio.serve(app, config)
"""

from __future__ import annotations

from isthmus_server._extra import of_the_extra

with of_the_extra():
    import starlette as _starlette  # noqa: F401 -- only to see that it is there

from .application import public_api as public_api
from .throttle import RateLimit as RateLimit
