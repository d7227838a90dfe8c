"""Opens a pipeline, and closes it in peace."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import trio

from isthmus.archive import EventArchive
from isthmus.pipelines import Destination, Observation, Source
from isthmus.queues import Queue

from .pipeline import Pipeline

if TYPE_CHECKING:
    from isthmus._engine import Engine

__all__ = ["open_pipeline"]

EVENT_BYTES: Final = 32 * 1024
"""Bytes of one event (Segment: 32 KB)."""

CLOSING: Final = 10.0
"""Seconds for sinks to give back what they hold, also where the pipeline is cancelled."""


@asynccontextmanager
async def open_pipeline(
    engine: Engine,
    queue: Queue,
    *,
    sources: Sequence[Source],
    destinations: Sequence[Destination],
    observe: Callable[[Observation], None] | None = None,
    archive: EventArchive | None = None,
    grace: float = 10.0,
    event_bytes: int = EVENT_BYTES,
    clock: Callable[[], float] = time.time,
) -> AsyncIterator[Pipeline]:
    """Carry events from sources to destinations, and stop in peace on the way out.

    Left normally, nothing more is claimed; what is under way has ``grace`` seconds to end, and what has not begun
    is given back to the queue.  Left by an exception, what is under way is cancelled at once.  What is cancelled, or
    killed at any time, is delivered again once its lease is out.

    Args:
        engine: runs the functions, whose instances are its own.
        queue: see :func:`isthmus.open_queue`; several processes may work on one.
        sources: where events come from.
        destinations: where they go.
        observe: told of what happens, in the Trio thread; must not block.
        archive: keeps the events that are sent on their way, so that they can be sent again; see
            :func:`isthmus.archive.open_archive`.  What it does not take is not accepted.
        grace: seconds.
        event_bytes: of JSON that one event may have.
        clock: seconds since the epoch, as the queue counts them.

    Raises:
        EngineError: the definitions contradict each other.
        QueueError: the queue can't be made ready.
        Exception: what the body raised, as it was; or what the queue did that it should not, of which nothing is lost.
    """
    pipeline = Pipeline(
        engine,
        queue,
        sources,
        destinations,
        observe=observe,
        clock=clock,
        event_bytes=event_bytes,
        archive=archive,
    )
    error: BaseException | None = None
    try:
        await pipeline._declare()  # noqa: SLF001 -- the pipeline's own, as below
        async with trio.open_nursery() as nursery:
            pipeline._start(nursery)  # noqa: SLF001
            try:
                yield pipeline
            except Exception as exc:  # noqa: BLE001 -- raised again below, and not in a group
                error = exc
                nursery.cancel_scope.cancel()
            pipeline._stop()  # noqa: SLF001
            nursery.cancel_scope.deadline = trio.current_time() + grace
    except BaseExceptionGroup as group:
        error = _plain(group if error is None else BaseExceptionGroup(str(group.message), [error, group]))
    finally:
        pipeline._stop()  # noqa: SLF001
        with trio.move_on_after(CLOSING, shield=True):
            await pipeline._aclose_sinks()  # noqa: SLF001
    if error is not None:
        raise error


def _plain(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error of a group; a group where there are several, or all is cancelled."""
    left: BaseException = group.split(trio.Cancelled)[1] or group
    while isinstance(left, BaseExceptionGroup) and len(left.exceptions) == 1:
        left = left.exceptions[0]
    return left
