"""The engine for threads and plain scripts: ``with isthmus.sync.open_engine() as engine``.

The engine itself lives in a Trio run in a thread of its own, and the methods here have the names and the meaning of
:class:`isthmus.Engine`'s, with a ``timeout`` in seconds beside.  Any number of threads may call at the same time, and each
waits for its own call, which runs with the thread's context variables.  A call that is out of time is cancelled, and has
unwound when :class:`TimeoutError` is raised; so has one that Ctrl-C interrupts.  Calls that are under way when the engine
is left end with :class:`isthmus.EngineClosed`.  A process that was forked from the engine's has no such thread, and is told so.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, final

import msgspec
import trio

from ._batches import DeliverItem, EventBatcher as TrioBatcher
from ._bridge.blocking import BlockingBridge, open_bridge
from ._bridge.blocking_each import run_each
from ._bridge.feeding import Feed
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
from .capabilities import Capability
from .events import Event, Request
from .functions import Function
from .limits import Limits
from .outcomes import Outcome
from .settings import SettingsSource

if TYPE_CHECKING:
    from ._bridge.blocking_pipeline import Pipeline as Pipeline, open_pipeline as open_pipeline
    from .tapes import Recording, Replayed, Tape

__all__ = ["Engine", "EventBatcher", "Pipeline", "open_engine", "open_pipeline"]

T = TypeVar("T")


def __getattr__(name: str) -> object:
    """Import what a process that only runs functions does without."""
    if name in {"Pipeline", "open_pipeline"}:
        from ._bridge import blocking_pipeline

        return getattr(blocking_pipeline, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@contextmanager
def open_engine(
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
) -> Iterator[Engine]:
    """Open an engine in a thread of its own, and close it on the way out; as :func:`isthmus.open_engine`.

    Open it after a server has forked.  A function that is handed in as ``fetcher``, and those of ``capabilities``, are plain
    ones, called in threads of their own; ``observe`` and what ``record`` keeps are called in the engine's thread.
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
        else CallableFetcher(fetcher, _carry),
        cache=None if cache is None else CarriedCache(cache, _carry),
    )
    with open_bridge(manager) as (bridge, engine):
        facade = Engine(engine, bridge)
        for name, function in capabilities.items():
            facade.capability(name)(function)
        yield facade


async def _carry(function: Callable[..., Any], *args: Any) -> Any:
    """Have a function called in a thread of its own; one that is given up is left to end by itself."""
    return await trio.to_thread.run_sync(function, *args, abandon_on_cancel=True)


def _carried(settings: Mapping[str, object] | SettingsSource) -> Mapping[str, object] | SettingsSource:
    """The same, a source of settings being asked in a thread of its own."""
    if not isinstance(settings, SettingsSource):
        return settings
    return msgspec.structs.replace(settings, ask=partial(_carry, settings.ask))


@final
class Engine:
    """Runs functions; made by :func:`open_engine`.

    Attributes:
        plugins: as of :class:`isthmus.Engine`.
    """

    def __init__(self, engine: TrioEngine, bridge: BlockingBridge) -> None:
        self._engine = engine
        self._bridge = bridge
        self.plugins: tuple[PluginInfo, ...] = engine.plugins

    def capability(
        self, name: str, *, timeout: float | None = None
    ) -> Callable[[Callable[..., T]], Callable[..., T]]:
        """Offer functions something of your own, under a name; as :meth:`isthmus.Engine.capability`.

        It is called in a thread of its own, one for each use; a use that is given up is left to end by itself.
        """

        def offer(function: Callable[..., T]) -> Callable[..., T]:
            self._engine._offer(  # noqa: SLF001 -- a face of the same engine
                Capability(name, function, timeout=timeout, carry=_carry)
            )
            return function

        return offer

    @property
    def _crossing(self) -> tuple[TrioEngine, BlockingBridge]:
        return self._engine, self._bridge

    def __repr__(self) -> str:
        return f"<isthmus.sync.Engine over {self._engine!r}>"

    def load(
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
        timeout: float | None = None,
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
        return self._bridge.call(load, timeout=timeout)

    def replace(
        self,
        instance: Instance,
        function: Function | None = None,
        *,
        settings: Mapping[str, object] | SettingsSource | None = None,
        limits: Limits | None = None,
        egress: Egress | None = None,
        timeout: float | None = None,
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
        self._bridge.call(replace, timeout=timeout)

    def stats(self) -> EngineStats:
        """What was done, and what is under way; as :meth:`isthmus.Engine.stats`."""
        return self._engine.stats()

    def unload(self, instance: Instance, *, timeout: float | None = None) -> None:
        """Take no more calls for an instance, and give it back; as :meth:`isthmus.Engine.unload`."""
        self._bridge.call(self._engine.unload, instance, timeout=timeout)

    def invoke(
        self,
        instance: Instance,
        event: Event | Request,
        *,
        record: Recording | None = None,
        timeout: float | None = None,
    ) -> Outcome:
        """Run the handler for one event or webhook; as :meth:`isthmus.Engine.invoke`."""
        invoke = self._engine.invoke
        if record is not None:
            invoke = partial(invoke, record=record)
        return self._bridge.call(invoke, instance, event, timeout=timeout)

    def replay(
        self, tape: Tape, function: Function | None = None, *, timeout: float | None = None
    ) -> Replayed:
        """Run a call again as its tape has it; as :meth:`isthmus.Engine.replay`."""
        return self._bridge.call(self._engine.replay, tape, function, timeout=timeout)

    def invoke_batch(
        self, instance: Instance, events: Sequence[Event], *, timeout: float | None = None
    ) -> Outcome:
        """Run ``onBatch`` on events; as :meth:`isthmus.Engine.invoke_batch`."""
        return self._bridge.call(self._engine.invoke_batch, instance, events, timeout=timeout)

    def invoke_each(
        self,
        instance: Instance,
        events: Iterable[Event | Request],
        deliver: Deliver,
        *,
        concurrency: int = 256,
        stop: threading.Event | None = None,
        timeout: float | None = None,
    ) -> None:
        """Run the handlers for many events; as :meth:`isthmus.Engine.invoke_each`.

        The calling thread reads ``events`` and calls ``deliver``, by turns: while it waits for an event, it delivers nothing.
        """

        async def run(feed: Feed) -> None:
            await self._engine.invoke_each(
                instance, feed, feed.deliver, concurrency=concurrency, stop=feed.stop
            )

        deadline = None if timeout is None else time.monotonic() + timeout
        run_each(self._bridge, run, events, deliver, concurrency=concurrency, stop=stop, deadline=deadline)

    @contextmanager
    def open_batcher(
        self,
        instance: Instance,
        deliver: DeliverItem,
        *,
        max_count: int = DEFAULT_COUNT,
        max_wait: float = DEFAULT_WAIT,
        concurrency: int = 16,
    ) -> Iterator[EventBatcher]:
        """Gather events into batches for ``onBatch``; as :meth:`isthmus.Engine.open_batcher`.

        ``deliver`` is called in the engine's thread: it must not block, and call nothing of this engine.
        """
        manager = self._engine.open_batcher(
            instance, deliver, max_count=max_count, max_wait=max_wait, concurrency=concurrency
        )
        with self._bridge.hold(manager) as batcher:
            yield EventBatcher(batcher, self._bridge)


@final
class EventBatcher:
    """Takes events for one instance; made by :meth:`Engine.open_batcher`."""

    def __init__(self, batcher: TrioBatcher, bridge: BlockingBridge) -> None:
        self._batcher = batcher
        self._bridge = bridge

    def add(self, event: Event, *, timeout: float | None = None) -> int:
        """Take an event; as :meth:`isthmus.EventBatcher.add`."""
        return self._bridge.call(self._batcher.add, event, timeout=timeout)
