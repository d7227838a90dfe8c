"""A queue's file opened: locked, looked through, given to its thread; and closed again."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager

from ._clock import Clock
from ._faults import fault
from ._file import connected, made
from ._jobs import Job
from ._lock import locked
from ._options import options_from, path_from
from ._queue import SqliteQueue
from ._serving import served
from ._store import Store
from ._writer import Writer

__all__ = ["opened"]


@asynccontextmanager
async def opened(
    url: str, options: Mapping[str, str], *, make_clock: Callable[[int], Clock] = Clock
) -> AsyncIterator[SqliteQueue]:
    """Open the queue that a URL names; see :func:`isthmus_sqlite.open_sqlite_queue`."""
    how, path = options_from(options), path_from(url)
    stack = ExitStack()
    stores: list[Store] = []
    queues: list[SqliteQueue] = []

    def open_store() -> Store:
        made(path)
        stack.enter_context(locked(path))
        connection = stack.enter_context(connected(path, how))
        try:
            stores.append(Store(connection, path.absolute(), how, make_clock))
        except sqlite3.Error as exc:
            raise fault(exc, str(path)) from exc
        return stores[0]

    def close_store() -> None:
        with stack:
            for store in stores:
                store.close()

    def on_done(job: Job) -> None:
        queues[0].done(job)

    writer = Writer(open_store, close_store, on_done)
    store = await writer.open()
    queue = SqliteQueue(store, writer, path.absolute(), how)
    queues.append(queue)
    try:
        async with served(queue, path):
            yield queue
    finally:
        queue.close()
        await writer.aclose()
