"""What is done with deliveries: inserts, then a function, a sink, or the way into the destinations' queues."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, final

import trio

from isthmus._rules.bisection import Bisection
from isthmus.errors import InvalidInput
from isthmus.events import Request
from isthmus.outcomes import Code, Outcome, Problem, Status
from isthmus.pipelines import Attempt, Destination, Sink, Source
from isthmus.queues import Entry

from .attempts import DELIVERED, attempt_of, attempts_of, refused
from .events import kept_event, kept_request
from .fanout import pass_spreading
from .faults import traced
from .items import Item, Settle
from .parts import in_parts, is_part, own_id, parts_of
from .routes import Routes

if TYPE_CHECKING:
    from isthmus._engine import Engine
    from isthmus._instances import Instance

__all__ = ["DestinationStage", "EventStage", "Forward", "WebhookStage"]

logger = logging.getLogger("isthmus")

Forward = Callable[[Source, Sequence[tuple[bytes, str]]], Awaitable[None]]
"""Keeps events of a source in the queues they go to: the text of each, and the id it gets where it has none."""


async def _pass(
    engine: Engine, insert: Instance, items: list[Item], settle: Settle, now: float
) -> list[Item]:
    """Those an insert lets go on, as it left them."""
    going: list[Item] = []

    def take(index: int, outcome: Outcome | InvalidInput) -> None:
        item = items[index]
        if isinstance(outcome, InvalidInput):
            settle(item, refused(outcome))
        elif outcome.status is Status.DELIVERED and outcome.value is not None:
            item.text = bytes(outcome.value)
            going.append(item)
        else:
            settle(item, attempt_of(outcome, now))

    await engine.invoke_each(insert, [item.text for item in items], take, concurrency=len(items))
    return going


def _own_id(item: Item) -> str:
    return own_id(item.claim)


@final
class EventStage:
    """Events of a source: its inserts, then the queues they go to."""

    def __init__(self, engine: Engine, source: Source, forward: Forward, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._source = source
        self._forward = forward
        self._clock = clock

    async def prepare(self, items: list[Item], settle: Settle) -> list[Item]:
        spreading = False
        for insert in self._source.inserts:
            spreading |= insert.function.fan_out
            if items:
                now = self._clock()
                if spreading:
                    items = await pass_spreading(self._engine, insert, items, settle, now, self._id_of)
                else:
                    items = await _pass(self._engine, insert, items, settle, now)
        return items

    def _id_of(self, item: Item) -> str:
        """The id under which it was accepted."""
        return item.claim.message_id[len(self._source.id) + 1 :]

    async def attempt(self, items: list[Item], settle: Settle) -> None:
        # Where an insert took an event's id away: the one under which it was accepted, and others for what else is made of it.
        events = [
            (text, f"{self._id_of(item)}.{place}" if place else self._id_of(item))
            for item in items
            for place, text in enumerate(item.texts)
        ]
        try:
            await self._forward(self._source, events)
        except InvalidInput as exc:
            if len(items) == 1:
                settle(items[0], refused(exc))
                return
            # An insert made one too large, or what is none: the others go on.
            for item in items:
                await self.attempt([item], settle)
        else:
            for item in items:
                settle(item, DELIVERED)


@final
class WebhookStage:
    """Webhooks of a source: its function, then the way of the events that it sends."""

    def __init__(self, engine: Engine, source: Source, forward: Forward, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._source = source
        self._forward = forward
        self._clock = clock

    async def prepare(self, items: list[Item], settle: Settle) -> list[Item]:
        await trio.lowlevel.checkpoint()
        return items

    async def attempt(self, items: list[Item], settle: Settle) -> None:
        assert self._source.function is not None  # noqa: S101 -- the pipeline asked
        requests: list[Request] = []
        begun: list[Item] = []
        for item in items:
            try:
                requests.append(kept_request(item.text))
            except InvalidInput as exc:
                settle(item, refused(exc))
            else:
                begun.append(item)
        outcomes: list[tuple[Item, Outcome]] = []

        def take(index: int, outcome: Outcome | InvalidInput) -> None:
            if isinstance(outcome, InvalidInput):
                settle(begun[index], refused(outcome))
            else:
                outcomes.append((begun[index], outcome))

        if begun:
            await self._engine.invoke_each(self._source.function, requests, take, concurrency=len(begun))
        for item, outcome in outcomes:
            # Made of the webhook's, so that another attempt sends the same events and not more.
            made = [
                (bytes(message), f"{item.claim.message_id}.{place}")
                for place, message in enumerate(outcome.messages)
            ]
            try:
                await self._forward(self._source, made)
            except InvalidInput as exc:
                settle(item, refused(exc))
            else:
                settle(item, attempt_of(outcome, self._clock()))


@final
class DestinationStage:
    """Deliveries to one destination: its inserts, then its function or its sink."""

    def __init__(
        self, engine: Engine, destination: Destination, routes: Routes, clock: Callable[[], float]
    ) -> None:
        self._engine = engine
        self._routes = routes
        self._destination = destination
        self._clock = clock
        to = destination.to
        self.takes_batches = isinstance(to, Sink) or "onBatch" in to.handlers

    async def prepare(self, items: list[Item], settle: Settle) -> list[Item]:
        if self._destination.inserts:
            parts = [item for item in items if is_part(item.claim)]  # have passed them
            if parts:
                items = [item for item in items if not is_part(item.claim)]
            items = parts + await self._inserted(items, settle)
        if not isinstance(self._destination.to, Sink):
            return items
        # A function's call looks at its event itself; a sink would hand on whatever is there.
        going: list[Item] = []
        for item in items:
            try:
                item.text = kept_event(item.text)
            except InvalidInput as exc:
                settle(item, refused(exc))
            else:
                going.append(item)
        return going

    async def _inserted(self, items: list[Item], settle: Settle) -> list[Item]:
        spreading = False
        for insert in self._destination.inserts:
            spreading |= insert.function.fan_out
            if items:
                now = self._clock()
                if spreading:
                    items = await pass_spreading(self._engine, insert, items, settle, now, _own_id)
                else:
                    items = await _pass(self._engine, insert, items, settle, now)
        return await self._parted(items, settle) if spreading else items

    async def _parted(self, items: list[Item], settle: Settle) -> list[Item]:
        """Those that are one event still; of the others the parts are kept, and they are done with."""
        several = [item for item in items if item.more]
        entries: list[Entry] = []
        parted: list[Item] = []
        for item in several:
            try:
                entries += parts_of(item.claim, item.texts, most=self._routes.event_bytes)
            except InvalidInput as exc:
                settle(item, refused(exc))
            else:
                parted.append(item)
        await self._routes.keep_parts(entries)
        for item in parted:
            settle(item, in_parts(len(item.texts)))
        return [item for item in items if not item.more] if several else items

    async def attempt(self, items: list[Item], settle: Settle) -> None:
        to = self._destination.to
        if isinstance(to, Sink) or self.takes_batches:
            await self._bisect(items, settle)
            return

        def take(index: int, outcome: Outcome | InvalidInput) -> None:
            if isinstance(outcome, InvalidInput):
                settle(items[index], refused(outcome))
            else:
                settle(items[index], attempt_of(outcome, self._clock()))

        await self._engine.invoke_each(to, [item.text for item in items], take, concurrency=len(items))

    async def _bisect(self, items: list[Item], settle: Settle) -> None:
        bisection = Bisection(items)
        while (part := bisection.next()) is not None:
            attempts = await self._together([item.text for item in part])
            if isinstance(attempts, Attempt):
                timed_out = attempts.problem is not None and attempts.problem.code is Code.GATEWAY_TIMEOUT
                if attempts.status is Status.REFUSED or timed_out:
                    part = bisection.failed(part, timed_out=timed_out)
                attempts = [attempts] * len(part)
            for item, attempt in zip(part, attempts, strict=False):
                settle(item, attempt)

    async def _together(self, texts: list[bytes]) -> Attempt | Sequence[Attempt]:
        """How a batch ended: one attempt where it ended as a whole."""
        to = self._destination.to
        if isinstance(to, Sink):
            return await self._sink(to, texts)
        try:
            outcome = await self._engine.invoke_batch(to, texts)
        except InvalidInput as exc:
            return refused(exc)
        return attempts_of(outcome, self._clock())

    async def _sink(self, sink: Sink, texts: list[bytes]) -> Attempt | Sequence[Attempt]:
        seconds = self._destination.timeout
        with trio.move_on_after(seconds):
            try:
                return await sink.deliver(texts)
            except Exception as exc:  # noqa: BLE001 -- the sink's own, and in the attempt
                logger.error("destination %r: its sink failed: %s", self._destination.name, traced(exc))
                said = f"the sink failed ({type(exc).__name__})"
                problem = Problem(name="RuntimeFault", message=said, code=Code.INTERNAL)
                return Attempt(status=Status.RETRY, problem=problem)
        said = f"the sink took longer than its {seconds} s (Destination.timeout)"
        problem = Problem(name="Timeout", message=said, code=Code.GATEWAY_TIMEOUT)
        return Attempt(status=Status.RETRY, problem=problem)
