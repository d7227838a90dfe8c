"""The API on a port of loopback, as it is served."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import hypercorn
import hypercorn.trio
import trio
from starlette.applications import Starlette


@asynccontextmanager
async def served(application: Starlette) -> AsyncIterator[str]:
    """An application on hypercorn for as long as this lasts; its address."""
    config = hypercorn.Config()
    config.bind = ["127.0.0.1:0"]
    config.graceful_timeout = 1.0
    config.errorlog = None
    done = trio.Event()
    async with trio.open_nursery() as nursery:
        serve = partial(hypercorn.trio.serve, application, config, shutdown_trigger=done.wait)  # type: ignore[arg-type]
        (address, *_) = await nursery.start(serve)
        try:
            yield address
        finally:
            done.set()
