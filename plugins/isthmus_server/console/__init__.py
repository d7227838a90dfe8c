"""The service's console: pages over a store, for people with a browser.

::

    app = console(store, engine, live=Live(deliveries=Path("data/deliveries")))
    await hypercorn.trio.serve(app, config)
"""

from __future__ import annotations

from isthmus_server._extra import of_the_extra

with of_the_extra():
    import jinja2 as _jinja2  # noqa: F401 -- only to see that it is there
    import starlette as _starlette  # noqa: F401

from .application import ROOT as ROOT, console as console
from .live import Live as Live
