"""One run over files of events: from the stream to the engine, its outcomes to the outlet, and a way to stop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, final

import msgspec
import trio

from isthmus import InvalidInput
from isthmus.functions import Kind
from isthmus.outcomes import ItemResult, Outcome, Status

from .faults import CLOSED, FAILED, INTERRUPTED, OK
from .interrupts import interrupts
from .opening import Opened
from .outlet import Taker
from .progress import Snapshot, follow
from .screen import Screen, named, visible
from .stream import EventStream, Origin
from .summary import show_end, show_summary, show_trace
from .tally import Tally
from .units import plural
from .webhooks import webhook

__all__ = ["Job"]

SMALL: Final = 100
"""Events of a run that somebody looks at more than measures; one of its calls is shown in full."""

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

    Attributes:
        stream: where the events come from; whoever made the job closes it.
        tally: what became of them.
        broken: lines that held no event.
        interrupted: whether it was told to stop.
        closed: whether nobody reads the outcomes any more.
        failing: the first outcome that was not good, and where its event came from.
        sample: the first outcome of all.
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
    ) -> None:
        source = opened.kind is Kind.SOURCE
        self.opened = opened
        self.screen = screen
        self.tally = Tally()
        self.broken = 0
        self.interrupted = False
        self.closed = False
        self.elapsed = 0.0
        self.failing: tuple[Origin, Outcome] | None = None
        self.sample: tuple[Origin, Outcome] | None = None
        self._sample_index = 0
        self._failing_index = 0
        self._failing_ran = False
        self.stream = EventStream(
            paths,
            first=first,
            # Text within JSON is longer than the text; the engine knows the exact limit.
            limit=opened.limits.input_bytes * (2 if source else 1),
            on_flaw=self._flaw,
            admit=self._admit,
            convert=webhook if source else None,
        )
        self._heads = [b'{"file":%b,"line":%%d' % _percent(msgspec.json.encode(path)) for path in paths]
        if len(paths) == 1:
            self._heads = [b'{"line":%d']
        self._concurrency = concurrency
        self._batch = batch
        self._grace = grace
        self._quiet = quiet
        self._bar = bar and not quiet
        self._trace = trace
        self._outlet: Taker | None = None
        self._calls = trio.CancelScope()
        self._began = 0.0
        self._gathered: list[int] = []  # events of the batch whose results come in
        self._halt = trio.Event()
        self._begun = 0  # events, when it was told to stop; those after them were only read ahead

    # ------------------------------------------------------------ the run

    async def run(self, outlet: Taker | None) -> int:
        """Run to the end, or until interrupted, and give the exit status."""
        self._outlet = outlet
        self._began = trio.current_time()
        written = trio.Event()
        async with trio.open_nursery() as nursery:
            await nursery.start(self._watch_signals)
            if self._bar:
                nursery.start_soon(follow, self._look, self.screen)
            if outlet is not None:
                nursery.start_soon(self._write, outlet, written)
            with self._calls:
                await (self._run_batches() if self._batch else self._run_each())
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
        return FAILED if self.tally.failed or self.broken else OK

    async def _write(self, outlet: Taker, written: trio.Event) -> None:
        try:
            await outlet.run()
        finally:
            written.set()

    async def _run_each(self) -> None:
        await self.opened.engine.invoke_each(
            self.opened.instance,
            self.stream,
            self._deliver,
            concurrency=self._concurrency,
            stop=self._halt,
        )

    async def _run_batches(self) -> None:
        indices: dict[int, int] = {}  # the batcher counts only what it took
        taken = 0

        def deliver(place: int, _item: ItemResult, outcome: Outcome) -> None:
            self._gathered.append(indices.pop(place))
            if len(self._gathered) >= len(outcome.items):
                batch, self._gathered = self._gathered, []
                self._deliver_batch(batch, outcome)

        size = self._batch or 1
        batcher = self.opened.engine.open_batcher(
            self.opened.instance, deliver, max_count=size, concurrency=max(1, self._concurrency // size)
        )
        index = -1
        async with batcher as adding:
            async for event in self.stream:
                index += 1
                indices[taken] = index
                try:
                    await adding.add(event)  # type: ignore[arg-type]
                except InvalidInput as exc:
                    del indices[taken]
                    self._no_event(index, exc)
                else:
                    taken += 1

    async def _admit(self) -> None:
        await trio.lowlevel.checkpoint()
        if self._outlet is not None:
            await self._outlet.admit()

    # ------------------------------------------------------------ outcomes

    def _deliver(self, index: int, outcome: Outcome | InvalidInput) -> None:
        """Take what became of one event; the path of every event, so it does little."""
        if type(outcome) is InvalidInput:
            self._no_event(index, outcome)
            return
        number = self.stream.release(index)
        if self._outlet is not None:
            self._outlet.put(self._head(index) % number, outcome)
        self.tally.add_one(outcome, number, self._file(index))
        if index < SMALL or self.sample is None or (outcome.problem is not None and not self._failing_ran):
            self._remember(index, number, outcome)

    def _deliver_batch(self, indices: list[int], outcome: Outcome) -> None:
        numbers = [self.stream.release(index) for index in indices]
        if self._outlet is not None:
            lines = b',"lines":' + msgspec.json.encode(numbers)
            self._outlet.put(self._head(indices[0]) % numbers[0] + lines, outcome)
        self.tally.add(outcome, numbers, self._file(indices[0]))
        self._remember(indices[0], numbers[0], outcome)

    def _head(self, index: int) -> bytes:
        return self._heads[self._file(index)]

    def _file(self, index: int) -> int:
        return 0 if len(self._heads) == 1 else self.stream.file_of(index)

    def _remember(self, index: int, number: int, outcome: Outcome) -> None:
        ran = outcome.usage.wall > 0
        if self.sample is None or index < self._sample_index:
            self.sample, self._sample_index = (self.stream.origin(index, number), outcome), index
        if outcome.status not in {Status.REFUSED, Status.RETRY}:
            return
        # One that ran says more than one that had no handler to run.
        if self.failing is None or (not ran, index) < (not self._failing_ran, self._failing_index):
            self.failing = self.stream.origin(index, number), outcome
            self._failing_ran, self._failing_index = ran, index

    def _no_event(self, index: int, error: InvalidInput) -> None:
        self._flaw(self.stream.origin(index, self.stream.release(index)), str(error))

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
        taken = self.stream.under_way()
        # They begin in the order in which they came, and none waits while there is room.
        begun = taken if self._batch else taken[: self._concurrency]
        self._begun = begun[-1] + 1 if begun else 0
        self._halt.set()
        self.stream.stop()
        self._calls.deadline = trio.current_time() + self._grace
        return len(begun)

    # ------------------------------------------------------------ for people

    def _look(self) -> Snapshot:
        return Snapshot(
            events=self.tally.events,
            counts={**self.tally.by_status, "broken": self.broken},
            consumed=self.stream.consumed * self.stream.done,
            size=self.stream.size,
            elapsed=trio.current_time() - self._began,
        )

    async def _report(self) -> None:
        if not self._quiet:
            if self._wants_trace():
                show_trace(self.failing or self.sample, self.screen, several=len(self._heads) > 1)
            show_summary(
                self.tally,
                self.screen,
                self.stream,
                elapsed=self.elapsed,
                broken=self.broken,
                stopped=self.interrupted or self.closed,
                sink=self.opened.sink,
                kept=self._outlet is not None,
            )
        if self.interrupted or self.closed:
            await show_end(self.stream, self._begun, self.screen)

    def _wants_trace(self) -> bool:
        if self._trace is not None:
            return self._trace
        return self.screen.terminal and (self.failing is not None or self.tally.events <= SMALL)


def _percent(text: bytes) -> bytes:
    return text.replace(b"%", b"%%")
