"""One run over files of events: from the stream to the engine, its outcomes to the outlet, and a way to stop."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Final, final

import msgspec
import trio

from isthmus import InvalidInput
from isthmus.events import Request
from isthmus.functions import Kind
from isthmus.outcomes import ItemResult, Outcome

from .faults import CLOSED, FAILED, INTERRUPTED, OK
from .interrupts import interrupts
from .opening import Opened
from .outlet import Taker
from .progress import Snapshot, follow
from .results import SMALL, Results, heads_of
from .screen import Screen, named, visible
from .stream import EventStream, Origin, Place
from .summary import show_end, show_summary, show_trace
from .units import plural
from .webhooks import webhook

if TYPE_CHECKING:
    from .companions.messages import Done
    from .companions.sharing import Companions

__all__ = ["Job"]

SHARE: Final = 64
"""Events taken from the stream at once."""

FLAWS_SHOWN: Final = 20
"""Broken lines that a terminal is told of one by one; elsewhere all are."""


@final
class Job:
    """One run.

    Args:
        opened: the function.
        screen: for people.
        paths: files of events.
        first: number of the line to begin with.
        concurrency: events under way at the same time.
        batch: events of one ``onBatch`` call, None for single handlers.
        grace: seconds that calls under way have after an interrupt.
        quiet: show broken lines and what is left after an interrupt, nothing else.
        bar: show progress, unless quiet.
        trace: show a call in full; None for on a terminal only.
        companions: processes that may run a part of the events, or None.

    Attributes:
        stream: where the events come from; whoever made the job closes it.
        opened: the function.
        heads: see :func:`heads_of`.
        concurrency: events under way at the same time.
        results: what became of them.
        broken: lines that held no event.
        interrupted: whether it was told to stop.
        closed: whether nobody reads the outcomes any more.
    """

    def __init__(
        self,
        opened: Opened,
        screen: Screen,
        *,
        paths: Sequence[str],
        first: int = 1,
        concurrency: int = 256,
        batch: int | None = None,
        grace: float = 10.0,
        quiet: bool = False,
        bar: bool = True,
        trace: bool | None = None,
        companions: Companions | None = None,
    ) -> None:
        source = opened.kind is Kind.SOURCE
        self.opened = opened
        self.screen = screen
        self.broken = 0
        self.interrupted = False
        self.closed = False
        self.elapsed = 0.0
        self.stream = EventStream(
            paths,
            first=first,
            # Text within JSON is longer than the text; the engine knows the exact limit.
            limit=opened.limits.input_bytes * (2 if source else 1),
            concurrency=None if batch else concurrency,
            on_flaw=self._flaw,
            admit=self._admit,
        )
        self.heads = heads_of(paths)
        self.results = Results(self.heads, None)
        self._convert = webhook if source else None
        self._places: dict[int, Place] = {}  # of events under way in this process
        self.concurrency = concurrency
        self._batch = batch
        self._grace = grace
        self._quiet = quiet
        self._bar = bar and not quiet
        self._trace = trace
        self._companions = companions
        self._outlet: Taker | None = None
        self._calls = trio.CancelScope()
        self._began = 0.0
        self._gathered: list[Place] = []  # events of the batch whose results come in

    # ------------------------------------------------------------ the run

    async def run(self, outlet: Taker | None) -> int:
        """Run to the end, or until interrupted, and give the exit status."""
        self._outlet = outlet
        self.results = Results(self.heads, None if outlet is None else outlet.put)
        self._began = trio.current_time()
        written = trio.Event()
        async with trio.open_nursery() as nursery:
            await nursery.start(self._watch_signals)
            if self._bar:
                nursery.start_soon(follow, self._look, self.screen)
            if outlet is not None:
                nursery.start_soon(self._write, outlet, written)
            with self._calls:
                async with aclosing(self._events()) as events:
                    await (self._run_batches(events) if self._batch else self._run_all(events))
            self.elapsed = trio.current_time() - self._began
            if outlet is not None:
                outlet.end()
                await written.wait()
            nursery.cancel_scope.cancel()
        await self._report()
        if self.interrupted:
            return INTERRUPTED
        if self.closed:
            return CLOSED
        return FAILED if self.results.tally.failed or self.broken else OK

    async def _write(self, outlet: Taker, written: trio.Event) -> None:
        try:
            await outlet.run()
        finally:
            written.set()

    async def _events(self) -> AsyncGenerator[bytes | Request, None]:
        """The events that this process runs; where each came from is in ``_places``, by its index."""
        convert, index = self._convert, 0
        while (share := await self.stream.take(SHARE)) is not None:
            for number, text in zip(share.numbers, share.texts, strict=True):
                place = (share.file, number)
                try:
                    event = text if convert is None else convert(text)
                except InvalidInput as exc:
                    self._no_event(place, str(exc))
                    continue
                self._places[index] = place
                index += 1
                yield event

    async def _run_all(self, events: AsyncIterator[bytes | Request]) -> None:
        async with trio.open_nursery() as nursery:
            if self._companions is not None:
                nursery.start_soon(self._companions.join, self)
            await self.opened.engine.invoke_each(
                self.opened.instance, events, self._deliver, concurrency=self.concurrency
            )
            if self._companions is not None:
                self._companions.no_more()

    async def _run_batches(self, events: AsyncIterator[bytes | Request]) -> None:
        places: dict[int, Place] = {}  # the batcher counts only what it took
        taken = 0

        def deliver(index: int, _item: ItemResult, outcome: Outcome) -> None:
            self._gathered.append(places.pop(index))
            if len(self._gathered) >= len(outcome.items):
                batch, self._gathered = self._gathered, []
                self._deliver_batch(batch, outcome)

        size = self._batch or 1
        batcher = self.opened.engine.open_batcher(
            self.opened.instance, deliver, max_count=size, concurrency=max(1, self.concurrency // size)
        )
        index = -1
        async with batcher as adding:
            async for event in events:
                index += 1
                places[taken] = place = self._places.pop(index)
                try:
                    await adding.add(event)  # type: ignore[arg-type]
                except InvalidInput as exc:
                    del places[taken]
                    self._no_event(place, str(exc))
                else:
                    taken += 1

    async def _admit(self) -> None:
        await trio.lowlevel.checkpoint()
        if self._outlet is not None:
            await self._outlet.admit()

    # ------------------------------------------------------------ outcomes

    def _deliver(self, index: int, outcome: Outcome | InvalidInput) -> None:
        """Take what became of one event; the path of every event, so it does little."""
        place = self._places.pop(index)
        if type(outcome) is InvalidInput:
            self._no_event(place, str(outcome))
        else:
            self.stream.release(place)
            self.results.add(place, outcome)

    def _deliver_batch(self, places: list[Place], outcome: Outcome) -> None:
        for place in places:
            self.stream.release(place)
        self.results.add_batch(places, outcome)

    def take_done(self, done: Done) -> None:
        """Take what became of the events of a companion, but for their lines."""
        flaws = dict(done.flaws)
        for place in done.places:
            if place in flaws:
                self._no_event(place, flaws[place])
            else:
                self.stream.release(place)
        self.results.tally.merge(done.counted)
        if done.failing is not None:
            place, text = done.failing
            self.results.remember(place, msgspec.json.decode(text, type=Outcome))

    def take_lost(self, place: Place, outcome: Outcome) -> None:
        """Take the outcome of an event of a companion that has gone."""
        self.stream.release(place)
        self.results.add(place, outcome)

    def _no_event(self, place: Place, message: str) -> None:
        self.stream.release(place)
        self._flaw(self.stream.origin(place), message)

    def _flaw(self, origin: Origin, message: str) -> None:
        self.broken += 1
        if self.screen.terminal and self.broken > FLAWS_SHOWN:
            return
        file = named(origin.file)
        place = f"{file}, {origin.noun} {origin.number}" if origin.number else file
        self.screen.print(f"{self.screen.paint(place, 'magenta')}: {visible(message)}")

    # ------------------------------------------------------------ stopping

    async def _watch_signals(self, task_status: trio.TaskStatus[None]) -> None:
        with interrupts() as signals:
            task_status.started()
            async for _ in signals:
                if self._calls.cancel_called or self.interrupted:
                    self._calls.cancel()
                    return
                self.interrupted = True
                if under_way := self._stop():
                    self.screen.print(
                        f"interrupted: {plural(under_way, 'call')} under way may go on for {self._grace:g} s; "
                        "interrupt again to stop at once"
                    )

    def outlet_broken(self, reason: str) -> None:
        """Stop, for the outcomes can no more be written; without a reason, their reader has gone."""
        self.closed = True
        self.screen.print(f"the outcomes cannot be written: {reason or 'their reader has gone'}")
        self._stop()

    def _stop(self) -> int:
        """Begin no more calls, and count those under way."""
        self.stream.stop()
        self._calls.deadline = trio.current_time() + self._grace
        return self.stream.under_way

    # ------------------------------------------------------------ for people

    def _look(self) -> Snapshot:
        tally = self.results.tally
        return Snapshot(
            events=tally.events,
            counts={**tally.by_status, "broken": self.broken},
            consumed=self.stream.consumed * self.stream.done,
            size=self.stream.size,
            elapsed=trio.current_time() - self._began,
        )

    async def _report(self) -> None:
        results = self.results
        if not self._quiet:
            if self._wants_trace() and (shown := results.failing or results.sample):
                place, outcome = shown
                show_trace(self.stream.origin(place), outcome, self.screen, several=len(self.heads) > 1)
            show_summary(
                results.tally,
                self.screen,
                self.stream,
                elapsed=self.elapsed,
                broken=self.broken,
                stopped=self.interrupted or self.closed,
                sink=self.opened.sink,
                kept=self._outlet is not None,
            )
        if self.interrupted or self.closed:
            await show_end(self.stream, self.screen)

    def _wants_trace(self) -> bool:
        if self._trace is not None:
            return self._trace
        return self.screen.terminal and (
            self.results.failing is not None or self.results.tally.events <= SMALL
        )
