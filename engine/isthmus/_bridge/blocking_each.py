"""Many events of a plain thread: read and delivered by it, run in the Trio thread."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Final

from isthmus._bulk import Deliver
from isthmus.events import Event, Request

from .blocking import Answer, BlockingBridge, until
from .feeding import Feed
from .thread import Crossing

__all__ = ["run_each"]

LOOK: Final = 0.05
"""Seconds between two looks at an event of threads, which wakes nobody who waits for something else as well."""

AT_A_TIME: Final = 64
"""Events read between two deliveries."""


def run_each(
    bridge: BlockingBridge,
    run: Callable[[Feed], Awaitable[None]],
    events: Iterable[Event | Request],
    deliver: Deliver,
    *,
    concurrency: int,
    stop: threading.Event | None,
    deadline: float | None,
) -> None:
    """Feed events to a run over them, and hand out what comes of them.

    Args:
        bridge: to the engine.
        run: what takes them, in the Trio thread.
        events: read by this thread.
        deliver: called by this thread; what it raises ends the run.
        concurrency: of the run.
        stop: begin no more calls once it is set.
        deadline: on ``time.monotonic``: the run is cancelled then.

    Raises:
        TimeoutError: the deadline has passed.
    """
    awake = threading.Event()
    feed = Feed(bridge.thread, concurrency, awake.set)
    ended: Answer[None] = Answer()

    def settle(value: object, error: BaseException | None) -> None:
        ended.settle(value, error)
        awake.set()

    crossing = Crossing(run, (feed,), settle)
    reading: Iterator[Event | Request] | None = iter(events)
    try:
        bridge.thread.submit(crossing)
        while not ended.wait(0):
            if stop is not None and stop.is_set():
                feed.ask_to_stop()
                stop = reading = None
            if reading is not None and feed.room > 0:
                reading = _read(feed, reading)
            else:
                left = until(deadline)
                awake.wait(left if stop is None else LOOK if left is None else min(LOOK, left))
            if deadline is not None and until(deadline) == 0:
                raise TimeoutError("the events were not at an end in time")
            awake.clear()
            _hand_out(feed, deliver)
        _hand_out(feed, deliver)
    except BaseException:
        bridge.thread.cancel(crossing)
        ended.wait()
        raise
    ended.result()


def _read(feed: Feed, reading: Iterator[Event | Request]) -> Iterator[Event | Request] | None:
    """Put some events; what is left of them, None at their end."""
    try:
        for _ in range(min(feed.room, AT_A_TIME)):
            feed.put(next(reading))
    except StopIteration:
        feed.end()
        return None
    except Exception as exc:  # noqa: BLE001 -- the run ends with it, once what is under way has ended
        feed.end(exc)
        return None
    return reading


def _hand_out(feed: Feed, deliver: Deliver) -> None:
    for index, outcome in feed.outcomes():
        deliver(index, outcome)
