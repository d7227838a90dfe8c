"""The embedded queue: deliveries in one SQLite file, for one process.

Importing this imports neither SQLite nor anything else of weight; that happens where a queue is opened.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from isthmus import hookimpl

if TYPE_CHECKING:
    from isthmus.queues import OpenQueue, Queue

__all__ = ["isthmus_queues", "open_sqlite_queue"]


@asynccontextmanager
async def open_sqlite_queue(url: str, options: Mapping[str, str] | None = None) -> AsyncIterator[Queue]:
    """Open the queue in a file, which is made where it is not there, and close it on the way out.

    Args:
        url: ``sqlite:PATH``, relative to the working directory or absolute, percent-encoded where it must be.
        options: by name, as in a URL's query; ``plugins/README.md`` lists them.

    Raises:
        EngineError: the URL or an option is none.
        QueueInUse: the file is another process's.
        QueueError: the file is damaged, of another program or of a newer version, or an option is not safe.
    """
    from ._options import options_from, path_from

    if options_from(options or {}).beside:
        from ._beside import opened_beside

        async with opened_beside(path_from(url)) as queue:
            yield queue
    else:
        from ._opening import opened

        async with opened(url, options or {}) as queue:
            yield queue


@hookimpl
def isthmus_queues() -> Mapping[str, OpenQueue]:
    """Offer ``sqlite:``."""
    return {"sqlite": open_sqlite_queue}
