"""From what a store says is to run to a pipeline's parts: each function loaded, and none able to keep the others from running."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Final, final

import trio

from isthmus import Code, Egress, Engine, EngineError, Instance, IsthmusError, LoadError, Problem, Status
from isthmus.pipelinefiles import Entrance, LoadedPipeline
from isthmus.pipelines import Attempt, Destination, Rate, Sink, Source
from isthmus.sinks import HttpSink

from .sharedslots import SharedSlots
from .store import (
    NOTHING_LOCKED,
    UNBOUNDED,
    WEBHOOKS,
    WORKSPACE,
    Bounds,
    Locks,
    RunnableDestination,
    RunnableFunction,
    RunnableSource,
    Snapshot,
)

__all__ = ["load_snapshot"]

logger = logging.getLogger("isthmus.server")

DEFAULT_EGRESS: Final = Egress()


async def load_snapshot(
    engine: Engine,
    snapshot: Snapshot,
    *,
    egress: Egress = DEFAULT_EGRESS,
    locks: Locks = NOTHING_LOCKED,
    slots: SharedSlots | None = None,
) -> LoadedPipeline:
    """Load what is to run.

    A destination that cannot be run keeps its events, which are tried again by its schedule; the senders of a source
    that cannot be are told to come back.  Why is logged.

    Args:
        engine: to load it in.
        snapshot: of a store.
        egress: where requests of functions and of built-in destinations may go.
        locks: what is stopped: what waits for it goes on waiting, and senders of webhooks are told to come back (429).
        slots: of the calls under way, where what ran before has some of them.
    """
    loading = _Loading(engine, egress, snapshot.bounds, locks, slots or SharedSlots())
    try:
        for source in snapshot.sources:
            await loading.source(source, snapshot.destinations)
        for destination in snapshot.destinations:
            await loading.destination(destination)
    except BaseException:
        with trio.CancelScope(shield=True):
            await loading.loaded().aclose()
        raise
    return loading.loaded()


@final
class _Loading:
    def __init__(
        self,
        engine: Engine,
        egress: Egress,
        bounds: Mapping[str, Bounds],
        locks: Locks,
        slots: SharedSlots,
    ) -> None:
        self._engine = engine
        self._egress = egress
        self._bounds = bounds
        self._locks = locks
        self._slots = slots
        self._sources: list[Source] = []
        self._destinations: list[Destination] = []
        self._entrances: list[Entrance] = []
        self._instances: list[Instance] = []

    def loaded(self) -> LoadedPipeline:
        return LoadedPipeline(
            sources=tuple(self._sources),
            destinations=tuple(self._destinations),
            entrances=tuple(self._entrances),
            instances=tuple(self._instances),
        )

    async def source(self, runnable: RunnableSource, destinations: Sequence[RunnableDestination]) -> None:
        source = runnable.source
        function: Instance | None = None
        inserts: tuple[Instance, ...] = ()
        available = True
        try:
            if source.function is not None:
                function = await self._function(runnable.function)
            inserts = await self._inserts(runnable.inserts)
        except IsthmusError as exc:
            _log("source", source.id, exc)
            available = False
        connected = tuple(
            each.destination.id for each in destinations if each.destination.source == source.id
        )
        if available:
            self._sources.append(
                Source(
                    id=source.id,
                    function=function,
                    inserts=inserts,
                    destinations=connected,
                    paused=self._are_held(runnable),
                )
            )
        self._entrances.append(
            Entrance(
                source=source.id,
                write_keys=source.write_keys,
                secrets=(source.webhook_secret,) if source.function is not None else (),
                rate=self._rate(source.function),
                shared_rate=self._rate(WORKSPACE),
                locked="all"
                if self._locks.events
                else "webhooks"
                if source.function is not None and self._locks.hold(source.function)
                else "",
                available=available,
            )
        )

    async def destination(self, runnable: RunnableDestination) -> None:
        destination = runnable.destination
        to: Instance | Sink
        inserts: tuple[Instance, ...] = ()
        try:
            inserts = await self._inserts(runnable.inserts)
            to = await self._goal(runnable)
        except IsthmusError as exc:
            _log("destination", destination.id, exc)
            to, inserts = Unrunnable(_first_line(exc)), ()
        self._destinations.append(
            Destination(
                name=destination.id,
                to=to,
                integration=runnable.integration,
                inserts=inserts,
                enabled=destination.enabled,
                rate=self._rate(destination.function),
                paused=self._are_held(runnable),
            )
        )

    def _are_held(self, runnable: RunnableSource | RunnableDestination) -> bool:
        """Whether one of the functions that run for it is locked."""
        made_of = (*runnable.inserts, *([runnable.function] if runnable.function else []))
        return any(self._locks.hold(function.id) for function in made_of)

    def _rate(self, subject: str | None) -> Rate | None:
        """Of a function by its class id, or of the workspace."""
        bounds = self._bounds.get(subject, UNBOUNDED) if subject is not None else UNBOUNDED
        return None if bounds.rate is None else Rate(per_second=bounds.rate)

    async def _goal(self, runnable: RunnableDestination) -> Instance | Sink:
        destination = runnable.destination
        if destination.metadata_id != WEBHOOKS:
            return await self._function(runnable.function)
        values = destination.settings.values
        headers = values.get("headers") or {}
        return HttpSink(
            self._engine, str(values.get("url", "")), headers=list(headers.items()), egress=self._egress
        )

    async def _inserts(self, runnables: Sequence[RunnableFunction]) -> tuple[Instance, ...]:
        return tuple([await self._function(runnable) for runnable in runnables])

    async def _function(self, runnable: RunnableFunction | None) -> Instance:
        if runnable is None:
            raise EngineError("its function is not deployed")
        instance = await self._engine.load(
            runnable.function,
            settings=runnable.settings,
            name=runnable.instance,
            egress=self._egress,
            source_id=runnable.instance,
            slots=self._slots.of(runnable.id, self._bounds),
        )
        self._instances.append(instance)
        return instance


@final
class Unrunnable(Sink):
    """Stands where a destination cannot be run: what arrives is tried again, when it may be mended.

    Args:
        why: shown beside each delivery.
    """

    def __init__(self, why: str) -> None:
        problem = Problem(name="InvalidSettings", message=why, code=Code.INVALID_SETTINGS)
        self._attempt = Attempt(status=Status.RETRY, problem=problem)

    async def deliver(self, events: Sequence[bytes]) -> Attempt:
        """Deliver nothing."""
        await trio.lowlevel.checkpoint()
        return self._attempt


def _log(what: str, id_: str, exc: IsthmusError) -> None:
    logger.error("%s cannot be run: %s", what, _first_line(exc), extra={"fields": {what: id_}})


def _first_line(exc: IsthmusError) -> str:
    """Without the excerpt of the code that a load error shows."""
    return (exc.message if isinstance(exc, LoadError) else str(exc)).partition("\n")[0]
