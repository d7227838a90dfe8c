"""The engine: loads functions, invokes them, and closes everything again."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar, final

import trio

from ._batches import DeliverItem, EventBatcher
from ._bulk import Bulk, Deliver
from ._calling import Calling
from ._instances import Instance, Terms
from ._intake import batch_text, event_texts, prepare
from ._invocation import unrun
from ._loading import Loading
from ._offering import Offering
from ._plugins import PluginInfo, Plugins, runtime_among
from ._programs import CLOSE_GRACE, Programs, close_guarded
from ._rules.batching import DEFAULT_COUNT, DEFAULT_WAIT
from ._rules.dispatch import Chosen, choose_batch
from ._scopes import Scopes
from ._slots import Slots
from ._tally import Watch
from .abc import Egress, Fetcher, Runtime, SharedCache
from .calls import EngineStats, Observe
from .capabilities import Capability
from .errors import EngineError
from .events import Event, Request
from .functions import Function
from .limits import Limits
from .outcomes import Outcome
from .settings import SettingsSource

if TYPE_CHECKING:
    from .tapes import Recording, Replayed, Tape

__all__ = ["DEFAULT_EGRESS", "NO_CAPABILITIES", "NO_SETTINGS", "Engine"]

T = TypeVar("T")

NO_SETTINGS: Final[Mapping[str, object]] = MappingProxyType({})
NO_CAPABILITIES: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType({})
DEFAULT_EGRESS: Final = Egress()


@final
class Engine:
    """Runs functions; made by :func:`isthmus.open_engine`.

    Attributes:
        plugins: what was found, with what each offers and why one is not used.
        runtimes: by language; a second one of a language by :attr:`isthmus.abc.Runtime.key`.
        fetcher: what carries requests out, None where no plugin offers that.
        pipeline_observers: of plugins; every pipeline over this engine tells them what happens.
        middlewares: of plugins; see :func:`isthmus.hookspecs.isthmus_middlewares`.
    """

    def __init__(
        self,
        plugins: Plugins,
        limits: Limits,
        wall_clock: Callable[[], float],
        entropy: Callable[[int], bytes],
        record: Recording | None = None,
        offering: Offering | None = None,
        observers: Sequence[Observe] = (),
        fetcher: Fetcher | None = None,
        cache: SharedCache | None = None,
    ) -> None:
        self.plugins: tuple[PluginInfo, ...] = plugins.infos
        self.runtimes: Mapping[str, Runtime] = plugins.runtimes
        self.fetcher = plugins.fetcher if fetcher is None else fetcher
        self.pipeline_observers = plugins.pipeline_observers
        self.middlewares = plugins.middlewares
        self._limits = limits
        self._offering = Offering(NO_CAPABILITIES) if offering is None else offering
        for capability in plugins.capabilities.values():
            self._offering.offer(capability)
        self._watch = Watch((*plugins.observers, *observers), wall_clock)
        self._programs = Programs()
        self._scopes = Scopes()
        self._loading = Loading(
            self.runtime_of, self.fetcher, self._offering, self._programs, self._scopes, self._watch, cache
        )
        self._bindings = self._loading.bindings
        self._calling = Calling(
            self.runtime_of, self._loading.refresh, self._scopes, wall_clock, entropy, record
        )

    def __repr__(self) -> str:
        state = "closed" if self._scopes.closed else f"{len(self._bindings)} instances"
        return f"<isthmus.Engine of {', '.join(self.runtimes) or 'no language'}, {state}>"

    # ------------------------------------------------------------ capabilities

    def capability(
        self, name: str, *, timeout: float | None = None
    ) -> Callable[[Callable[..., T]], Callable[..., T]]:
        """Offer functions something of your own, under a name; a decorator.

        As in::

            @engine.capability("geo.lookup")
            async def lookup(where: Where) -> Place: ...

        What it takes and gives is checked by its annotations (see :mod:`isthmus.capabilities`).  Only functions that
        were granted the name can use it, and those are loaded after it was offered.  A :class:`CapabilityError` that it raises
        reaches the function that asked; of any other exception that learns only that it failed.

        Args:
            name: words of lower-case letters, digits and underscores, joined by dots.
            timeout: seconds one use may take; by default what is left of the call.

        Raises:
            EngineError: the name is none, or taken; or no JSON is of a type in the annotations.
        """

        def offer(function: Callable[..., T]) -> Callable[..., T]:
            self._offer(Capability(name, function, timeout=timeout))
            return function

        return offer

    def _offer(self, capability: Capability) -> None:
        self._offering.offer(capability)

    # ------------------------------------------------------------ loading

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
        """Make an instance of a function.

        Instances of equal functions under equal limits share one program; settings, egress rules
        and cache are each one's own.

        Args:
            function: what to run.
            settings: values for its settings, by name; or what is asked for them.
            name: of the instance, the function's by default.
            limits: of each call, the engine's by default.
            egress: where its requests may go.
            retry_network_errors: an uncaught network error in a fetch is retried, not refused.
            source_id: of a source function, part of the ids of what it forwards; the name by default.
            slots: that its calls take, shared with other instances; None for as many as come.

        Raises:
            InvalidSettings: the values do not fit the function's definitions.
            InvalidFunction: the function is none that can be run.
            EngineError: an egress rule is malformed, or it is to have a capability that is not offered.
            PluginError: no runtime for its language.
            LoadError: its code does not load.
            RuntimeFault: its runtime failed.
            EngineClosed: the engine has been closed.
        """
        name = function.name if name is None and isinstance(function, Function) else name
        terms = Terms(
            function=function,
            settings=settings,
            limits=self._limits if limits is None else limits,
            egress=egress,
            retry_network_errors=retry_network_errors,
            source_id=name if source_id is None else source_id,
            slots=slots,
        )
        return await self._loading.load(name, terms)

    async def replace(
        self,
        instance: Instance,
        function: Function | None = None,
        *,
        settings: Mapping[str, object] | SettingsSource | None = None,
        limits: Limits | None = None,
        egress: Egress | None = None,
    ) -> None:
        """Give an instance another function, other settings, limits or egress rules, while it is in use.

        Calls under way end on what they began with, and those that begin once the new one is loaded run on that;
        no event is refused in between.  What does not load changes nothing.  The cache begins empty.  Returns when the
        last call on the old one has ended; where this is cancelled, the new one stays.

        Args:
            instance: of this engine.
            function: of the same kind; None for the one it has.
            settings: values for all its settings; None for those it has.
            limits: None for those it has.
            egress: None for the one it has.

        Raises:
            InvalidFunction: the function is of another kind, or none that can be run.
            Exception: as :meth:`load`.
        """
        parts = {"function": function, "settings": settings, "limits": limits, "egress": egress}
        await self._loading.replace(
            instance, {name: part for name, part in parts.items() if part is not None}
        )

    async def unload(self, instance: Instance) -> None:
        """Take no more calls for an instance, wait for those under way, and give it back.

        The same as :meth:`Instance.aclose`, for whoever is not on Trio and has an engine's facade.
        """
        await self._loading.close(instance)

    def runtime_of(self, function: Function) -> Runtime:
        """What runs a function, by its language and its isolation.

        Raises:
            PluginError: nothing does.
        """
        return runtime_among(self.runtimes, function)

    # ------------------------------------------------------------ invoking

    async def invoke(
        self, instance: Instance, event: Event | Request, *, record: Recording | None = None
    ) -> Outcome:
        """Run the handler for one event, or for the webhook of a source function.

        What the function does, and what its runtime does wrong, is in the outcome.

        Args:
            instance: of this engine.
            event: JSON text, which is passed on as it came, or a mapping; a request for a source.
            record: keep a tape of this call; by default as the engine was opened.

        Raises:
            InvalidInput: ``event`` is not JSON, too large, or not what the function takes.
            EngineClosed: the instance or the engine was closed, before or meanwhile.
        """
        binding = self._loading.binding(instance)
        choice, text = prepare(binding, event)
        if not isinstance(choice, Chosen):
            await trio.lowlevel.checkpoint()
            binding.tally.pass_over()
            return unrun(binding, choice, text)
        body = event.body if isinstance(event, Request) else b""
        return await self._calling.call(binding, choice.handler, text, None, body, record)

    async def invoke_batch(self, instance: Instance, events: Sequence[Event]) -> Outcome:
        """Run ``onBatch`` on events; the outcome has one result for each.

        A function without ``onBatch`` supports no batch: the outcome is refused.  See
        :meth:`open_batcher` for what falls back to the single handlers.

        Raises:
            InvalidInput: the batch is empty, too large, or an event is not one.
            EngineClosed: the instance or the engine was closed, before or meanwhile.
        """
        binding = self._loading.binding(instance)
        texts = event_texts(binding, events)
        text = batch_text(binding, texts)
        choice = choose_batch(binding.kind, binding.handlers)
        if not isinstance(choice, Chosen):
            await trio.lowlevel.checkpoint()
            return unrun(binding, choice, text, len(texts))
        return await self._calling.call(binding, choice.handler, text, texts)

    async def invoke_each(
        self,
        instance: Instance,
        events: Iterable[Event | Request] | AsyncIterable[Event | Request],
        deliver: Deliver,
        *,
        concurrency: int = 256,
        stop: trio.Event | None = None,
    ) -> None:
        """Run the handlers for many events, many at a time; by far the cheapest way by the event.

        An event that is not one goes to ``deliver`` as :class:`InvalidInput`, and the run goes on.
        Outcomes come in the order in which calls end.  Where ``events`` raises, calls under way
        are waited for and delivered first; where ``deliver`` raises, they are cancelled.

        Args:
            instance: of this engine.
            events: a plain iterable must not block for long, for it is read in the Trio thread.
            deliver: called with each event's index, from 0, and its outcome; must not block.
            concurrency: calls under way at the same time.
            stop: set it to begin no more calls: those under way are waited for and delivered, events
                that were read ahead of them are not.

        Raises:
            EngineClosed: the instance or the engine was closed, before or meanwhile.
        """
        if concurrency < 1:
            raise EngineError(f"concurrency takes a whole number from 1, not {concurrency!r}")
        binding = self._loading.binding(instance)
        bulk = Bulk(
            binding,
            deliver,
            concurrency=concurrency,
            wall_clock=self._calling.wall_clock,
            entropy=self._calling.entropy,
            refresh=self._loading.refresh,
            taking=self._calling.taking,
            stop=stop,
        )
        with self._scopes.entered("the engine was closed before all events had been taken"):
            await bulk.run(events)

    def open_batcher(
        self,
        instance: Instance,
        deliver: DeliverItem,
        *,
        max_count: int = DEFAULT_COUNT,
        max_wait: float = DEFAULT_WAIT,
        concurrency: int = 16,
    ) -> AbstractAsyncContextManager[EventBatcher]:
        """Gather events that come one by one into batches for ``onBatch``.

        A batch runs when it is full or its first event has waited long enough, whichever comes
        first.  Where the function has no ``onBatch``, each event goes to its own handler at once.
        Left normally, the batcher runs what waits and waits for all results; left by an
        exception, it cancels what is under way and drops what waits.

        Args:
            instance: of this engine.
            deliver: called with each event's index (as ``EventBatcher.add`` gave it), its result,
                and the outcome of the invocation, which a batch's events share; must not block.
            max_count: events of a batch.
            max_wait: seconds its first event waits at most.
            concurrency: invocations under way before ``add`` waits.

        Raises:
            EngineError: a bound is out of its range.
            InvalidInput: a source function takes no batches.
            EngineClosed: the instance or the engine was closed, before or meanwhile.
        """
        binding = self._loading.binding(instance)
        invoke = partial(self._calling.call_latest, binding)
        batcher = EventBatcher(
            binding, invoke, deliver, max_count=max_count, max_wait=max_wait, concurrency=concurrency
        )
        return batcher.running()

    def stats(self) -> EngineStats:
        """What was done since it was opened, and what is under way; may be asked from any thread."""
        tallies = [binding.tally for binding in list(self._bindings.values())]
        return self._watch.stats(tallies, programs=len(self._programs))

    # ------------------------------------------------------------ tapes

    async def replay(self, tape: Tape, function: Function | None = None) -> Replayed:
        """Run a call again as its tape has it, without network, and say whether it went as it did.

        What ran into its limit of wall time takes as long again.

        Args:
            tape: of a call that this engine's runtimes can run.
            function: to run in place of the one on the tape: a later version of it, say.

        Raises:
            TapeError: the tape is truncated, or holds no code and ``function`` is None; or the code has not
                its handler.
            LoadError: the code does not load.
            EngineError: as :meth:`load`.
        """
        from ._taping.replays import replayed  # most engines replay nothing

        return await replayed(tape, function, self._loading, self._calling)

    # ------------------------------------------------------------ closing

    async def _aclose(self) -> None:
        for binding in self._bindings.values():
            binding.closed = True
        self._bindings.clear()
        await self._scopes.close(CLOSE_GRACE)
        await self._programs.aclose()
        for language, runtime in self.runtimes.items():
            await close_guarded(f"the runtime of {language}", runtime.aclose)
        if self.fetcher is not None:
            await close_guarded("the fetcher", self.fetcher.aclose)


Engine.__module__ = "isthmus"
