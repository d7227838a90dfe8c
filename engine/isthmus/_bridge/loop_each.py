"""Many events of an asyncio caller: read and delivered in its loop, run in the Trio thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from contextlib import suppress

from isthmus._bulk import Deliver
from isthmus.events import Event, Request

from .feeding import Feed
from .loop import LoopBridge

__all__ = ["run_each"]


async def run_each(
    bridge: LoopBridge,
    run: Callable[[Feed], Awaitable[None]],
    events: Iterable[Event | Request] | AsyncIterable[Event | Request],
    deliver: Deliver,
    *,
    concurrency: int,
    stop: asyncio.Event | None,
) -> None:
    """Feed events to a run over them, and hand out what comes of them.

    Args:
        bridge: to the engine.
        run: what takes them, in the Trio thread.
        events: read in this loop.
        deliver: called in this loop; what it raises ends the run.
        concurrency: of the run.
        stop: begin no more calls once it is set.
    """
    loop = asyncio.get_running_loop()
    awake, room = asyncio.Event(), asyncio.Event()

    def wake() -> None:
        with suppress(RuntimeError):  # the loop is closed, and nobody waits in it
            loop.call_soon_threadsafe(awake.set)

    feed = Feed(bridge.thread, concurrency, wake)
    running = loop.create_task(bridge.call(run, feed))
    running.add_done_callback(lambda _: awake.set())
    others = {loop.create_task(_read(feed, events, room))}
    if stop is not None:
        others.add(loop.create_task(_heed(feed, stop)))
    try:
        while not running.done():
            await awake.wait()
            awake.clear()
            _hand_out(feed, deliver)
            room.set()
        _hand_out(feed, deliver)
        await running
    finally:
        for task in (running, *others):
            task.cancel()
        await asyncio.wait({running, *others})


def _hand_out(feed: Feed, deliver: Deliver) -> None:
    for index, outcome in feed.outcomes():
        deliver(index, outcome)


async def _read(
    feed: Feed, events: Iterable[Event | Request] | AsyncIterable[Event | Request], room: asyncio.Event
) -> None:
    async def put(event: Event | Request) -> None:
        while feed.room <= 0:
            room.clear()
            await room.wait()
        feed.put(event)

    try:
        if isinstance(events, AsyncIterable):
            async for event in events:
                await put(event)
        else:
            for event in events:
                await put(event)
    except Exception as exc:  # noqa: BLE001 -- the run ends with it, once what is under way has ended
        feed.end(exc)
    else:
        feed.end()


async def _heed(feed: Feed, stop: asyncio.Event) -> None:
    await stop.wait()
    feed.ask_to_stop()
