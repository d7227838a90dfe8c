"""The engine for services on asyncio: ``async with isthmus.asyncio.open_engine() as engine``.

The engine itself lives in a Trio run in a thread of its own, and the methods here have the names and the meaning of
:class:`isthmus.Engine`'s.  Each call runs with its caller's context variables; cancelling a caller cancels its call and
waits until that has unwound; calls that are under way when the engine is left end with :class:`isthmus.EngineClosed`.
The thread handles no signals: those stay the server's.  Any event loop in any thread may call; the one that opened the
engine closes it.  A process that was forked from the engine's has no such thread, and is told so.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, final

import msgspec

from ._batches import DeliverItem, EventBatcher as TrioBatcher
from ._bridge.feeding import Feed
from ._bridge.loop import LoopBridge, in_loop, open_bridge
from ._bridge.loop_each import run_each
from ._bulk import Deliver
from ._engine import DEFAULT_EGRESS, NO_CAPABILITIES, NO_SETTINGS, Engine as TrioEngine
from ._fetching import CallableFetcher, FetchFunction
from ._instances import Instance
from ._opening import DEFAULT_LIMITS, open_engine as open_trio
from ._plugins import PluginInfo
from ._rules.batching import DEFAULT_COUNT, DEFAULT_WAIT
from ._sharing import CarriedCache
from ._slots import Slots
from .abc import Egress, Fetcher, SharedCache
from .calls import EngineStats, Observe
from .capabilities import Capability, call_here
from .events import Event, Request
from .functions import Function
from .limits import Limits
from .outcomes import ItemResult, Outcome
from .settings import SettingsSource

if TYPE_CHECKING:
    from ._bridge.loop_pipeline import Pipeline as Pipeline, open_pipeline as open_pipeline
    from .tapes import Recording, Replayed, Tape

__all__ = ["Engine", "EventBatcher", "Pipeline", "open_engine", "open_pipeline"]

T = TypeVar("T")


def __getattr__(name: str) -> object:
    """Import what a process that only runs functions does without."""
    if name in {"Pipeline", "open_pipeline"}:
        from ._bridge import loop_pipeline

        return getattr(loop_pipeline, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@asynccontextmanager
async def open_engine(
    *,
    plugins: Sequence[object] = (),
    load_entry_points: bool = True,
    limits: Limits = DEFAULT_LIMITS,
    wall_clock: Callable[[], float] = time.time,
    entropy: Callable[[int], bytes] = os.urandom,
    record: Recording | None = None,
    capabilities: Mapping[str, Callable[..., Any]] = NO_CAPABILITIES,
    observe: Observe | None = None,
    fetcher: Fetcher | FetchFunction | None = None,
    cache: SharedCache | None = None,
) -> AsyncIterator[Engine]:
    """Open an engine in a thread of its own, and close it on the way out; as :func:`isthmus.open_engine`.

    Open it where the loop runs that serves: in a lifespan, after a server has forked.  A function that is handed in as
    ``fetcher``, and those of ``capabilities``, are called in this loop; ``observe`` and what ``record`` keeps are called
    in the engine's thread.
    """
    manager = open_trio(
        plugins=plugins,
        load_entry_points=load_entry_points,
        limits=limits,
        wall_clock=wall_clock,
        entropy=entropy,
        record=record,
        observe=observe,
        fetcher=fetcher
        if fetcher is None or isinstance(fetcher, Fetcher)
        else CallableFetcher(fetcher, _carrier()),
        cache=None if cache is None else CarriedCache(cache, _carrier()),
    )
    async with open_bridge(manager) as (bridge, engine):
        facade = Engine(engine, bridge)
        for name, function in capabilities.items():
            facade.capability(name)(function)
        yield facade


def _carrier() -> Callable[..., Awaitable[Any]]:
    """What has functions called in the loop that runs now."""
    loop = asyncio.get_running_loop()

    async def carry(function: Callable[..., Any], *args: Any) -> Any:
        return await in_loop(loop, call_here, function, *args)

    return carry


def _carried(settings: Mapping[str, object] | SettingsSource) -> Mapping[str, object] | SettingsSource:
    """The same, a source of settings being asked in the loop that runs now."""
    if not isinstance(settings, SettingsSource):
        return settings
    return msgspec.structs.replace(settings, ask=partial(_carrier(), settings.ask))


@final
class Engine:
    """Runs functions; made by :func:`open_engine`.

    Attributes:
        plugins: as of :class:`isthmus.Engine`.
    """

    def __init__(self, engine: TrioEngine, bridge: LoopBridge) -> None:
        self._engine = engine
        self._bridge = bridge
        self.plugins: tuple[PluginInfo, ...] = engine.plugins

    def capability(
        self, name: str, *, timeout: float | None = None
    ) -> Callable[[Callable[..., T]], Callable[..., T]]:
        """Offer functions something of your own, under a name; as :meth:`isthmus.Engine.capability`.

        It is called in the event loop that calls this.
        """
        carry = _carrier()

        def offer(function: Callable[..., T]) -> Callable[..., T]:
            self._engine._offer(  # noqa: SLF001 -- a face of the same engine
                Capability(name, function, timeout=timeout, carry=carry)
            )
            return function

        return offer

    @property
    def _crossing(self) -> tuple[TrioEngine, LoopBridge]:
        return self._engine, self._bridge

    def __repr__(self) -> str:
        return f"<isthmus.asyncio.Engine over {self._engine!r}>"

    async def load(
        self,
        function: Function,
        *,
        settings: Mapping[str, object] | SettingsSource = NO_SETTINGS,
        name: str | None = None,
        limits: Limits | None = None,
        egress: Egress = DEFAULT_EGRESS,
        retry_network_errors: bool = False,
        source_id: str | None = None,
        slots: Slots | None = None,
    ) -> Instance:
        """Make an instance of a function; as :meth:`isthmus.Engine.load`."""
        load = partial(
            self._engine.load,
            function,
            settings=_carried(settings),
            name=name,
            limits=limits,
            egress=egress,
            retry_network_errors=retry_network_errors,
            source_id=source_id,
            slots=slots,
        )
        return await self._bridge.call(load, lost=self._engine.unload)

    async def replace(
        self,
        instance: Instance,
        function: Function | None = None,
        *,
        settings: Mapping[str, object] | SettingsSource | None = None,
        limits: Limits | None = None,
        egress: Egress | None = None,
    ) -> None:
        """Give an instance another function or other settings while it is in use; as :meth:`isthmus.Engine.replace`."""
        replace = partial(
            self._engine.replace,
            instance,
            function,
            settings=None if settings is None else _carried(settings),
            limits=limits,
            egress=egress,
        )
        await self._bridge.call(replace)

    def stats(self) -> EngineStats:
        """What was done, and what is under way; as :meth:`isthmus.Engine.stats`."""
        return self._engine.stats()

    async def unload(self, instance: Instance) -> None:
        """Take no more calls for an instance, and give it back; as :meth:`isthmus.Engine.unload`."""
        await self._bridge.call(self._engine.unload, instance)

    async def invoke(
        self, instance: Instance, event: Event | Request, *, record: Recording | None = None
    ) -> Outcome:
        """Run the handler for one event or webhook; as :meth:`isthmus.Engine.invoke`."""
        invoke = self._engine.invoke
        if record is not None:
            invoke = partial(invoke, record=record)
        return await self._bridge.call(invoke, instance, event)

    async def replay(self, tape: Tape, function: Function | None = None) -> Replayed:
        """Run a call again as its tape has it; as :meth:`isthmus.Engine.replay`."""
        return await self._bridge.call(self._engine.replay, tape, function)

    async def invoke_batch(self, instance: Instance, events: Sequence[Event]) -> Outcome:
        """Run ``onBatch`` on events; as :meth:`isthmus.Engine.invoke_batch`."""
        return await self._bridge.call(self._engine.invoke_batch, instance, events)

    async def invoke_each(
        self,
        instance: Instance,
        events: Iterable[Event | Request] | AsyncIterable[Event | Request],
        deliver: Deliver,
        *,
        concurrency: int = 256,
        stop: asyncio.Event | None = None,
    ) -> None:
        """Run the handlers for many events; as :meth:`isthmus.Engine.invoke_each`.

        ``events`` is read and ``deliver`` is called in this loop.
        """

        async def run(feed: Feed) -> None:
            await self._engine.invoke_each(
                instance, feed, feed.deliver, concurrency=concurrency, stop=feed.stop
            )

        await run_each(self._bridge, run, events, deliver, concurrency=concurrency, stop=stop)

    @asynccontextmanager
    async def open_batcher(
        self,
        instance: Instance,
        deliver: DeliverItem,
        *,
        max_count: int = DEFAULT_COUNT,
        max_wait: float = DEFAULT_WAIT,
        concurrency: int = 16,
    ) -> AsyncIterator[EventBatcher]:
        """Gather events into batches for ``onBatch``; as :meth:`isthmus.Engine.open_batcher`.

        ``deliver`` is called in this loop.
        """
        loop = asyncio.get_running_loop()
        errors: list[Exception] = []

        def deliver_here(index: int, result: ItemResult, outcome: Outcome) -> None:
            if not errors:
                try:
                    deliver(index, result, outcome)
                except Exception as exc:  # noqa: BLE001 -- raised where the batcher is used, and where it is left
                    errors.append(exc)

        def deliver_there(index: int, result: ItemResult, outcome: Outcome) -> None:
            loop.call_soon_threadsafe(deliver_here, index, result, outcome)

        manager = self._engine.open_batcher(
            instance, deliver_there, max_count=max_count, max_wait=max_wait, concurrency=concurrency
        )
        async with self._bridge.hold(manager) as batcher:
            yield EventBatcher(batcher, self._bridge, errors)
            if errors:
                raise errors[0]  # from within, so that what is under way is cancelled
        if errors:
            raise errors[0]


@final
class EventBatcher:
    """Takes events for one instance; made by :meth:`Engine.open_batcher`."""

    def __init__(self, batcher: TrioBatcher, bridge: LoopBridge, errors: list[Exception]) -> None:
        self._batcher = batcher
        self._bridge = bridge
        self._errors = errors

    async def add(self, event: Event) -> int:
        """Take an event; as :meth:`isthmus.EventBatcher.add`."""
        if self._errors:
            raise self._errors[0]
        return await self._bridge.call(self._batcher.add, event)
