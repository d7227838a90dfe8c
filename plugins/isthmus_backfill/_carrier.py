"""Carries parts to a destination within one process: an engine, a pipeline of one lane, and several parts under way."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, final

import msgspec
import trio

from isthmus import Engine, InvalidInput, open_engine, open_pipeline
from isthmus.commands import UsageFault, load_destination
from isthmus.eventfiles import Flaw, Piece, Taken, taken
from isthmus.pipelines import Batching, BreakerMoved, Destination, Observation, Rate, Sink
from isthmus.rules import DESTINATION, Schedule, fields_of, route
from isthmus.sinks import FileSink

from ._account import Account
from ._ledger import Ledger
from ._messages import Carry, Failed, Finished, Progress, Setup
from ._partqueue import PartQueue
from ._plan import File
from ._reading import EVENT_BYTES, Lost, Reading

__all__ = ["Carrier", "open_carrier", "serving", "shared"]

RETRIES: Final = Schedule(first=(1.0, 2.0), cap=60.0, window=600.0)
"""Where the destination names no schedule: somebody waits for a backfill, and its parts wait for their last event."""

LONGEST_WAIT: Final = 0.5
"""Seconds that a batch waits for others: what there is comes at once, and after the last event nothing does."""


@final
class Carrier:
    """Carries parts; made by :func:`open_carrier` or :func:`serving`.

    Attributes:
        queue: that the pipeline's lane works on.
        left_alone: the destination does not answer, and is tried now and then only.
    """

    def __init__(self, destination: Destination, ledger: Ledger, clock: Callable[[], float]) -> None:
        self._destination = destination
        self._condition = destination.filter.condition
        self._ledger = ledger
        self._numbers = itertools.count()
        self.queue = PartQueue(self._finished, clock)
        self._open: dict[str, tuple[Account, Reading]] = {}
        self._ended: dict[str, trio.Event] = {}
        self._reading = trio.Lock()
        self.left_alone = False

    async def carry(self, work: Carry, *, read: Callable[[], None] = lambda: None) -> Finished | Failed:
        """Carry one part and write down what became of it.

        Several may be carried at a time: their files are read one after the other, and a part that only waits for
        retries holds up no other.

        Args:
            work: the part.
            read: called when its file was read to the end.
        """
        account = Account(work.place, work.file, work.part, next(self._numbers))
        ended = self._ended[account.name] = trio.Event()
        try:
            async with self._reading:
                reading = await trio.to_thread.run_sync(Reading, work.file, work.part)
                self._open[account.name] = account, reading
                self.queue.open(account)
                try:
                    await self._read(account, reading, work.file)
                finally:
                    reading.close()
            read()
            await ended.wait()
            result, failed = account.result()
            result = await trio.to_thread.run_sync(self._ledger.write, work.place, result, failed)
        except Lost as exc:
            read()
            return Failed(work.place, str(exc))
        except OSError as exc:
            return Failed(work.place, f"what became of it cannot be written: {exc.strerror or exc}")
        finally:
            self._open.pop(account.name, None)
            del self._ended[account.name]
        return Finished(work.place, result)

    def progress(self) -> Progress:
        """How far the parts have come that are under way."""
        return Progress(
            [
                (account.place, account.share(reading.consumed), account.counts)
                for account, reading in self._open.values()
            ],
            self.left_alone,
        )

    def observe(self, seen: Observation) -> None:
        """Take note of what the pipeline tells of."""
        if isinstance(seen, BreakerMoved):
            self.left_alone = seen.state != "closed"
        else:
            self.queue.observe(seen)

    def _finished(self, account: Account) -> None:
        self._ended[account.name].set()

    async def _read(self, account: Account, reading: Reading, file: File) -> None:
        def ready() -> list[tuple[str, bytes]] | None:
            pieces = reading.next()
            return None if pieces is None else self._events(account, file, pieces)

        while (events := await trio.to_thread.run_sync(ready)) is not None:
            await self.queue.put(account, events)
        if reading.trouble:
            account.flaw(0, f"the rest of the file cannot be read: {reading.trouble}")
        self.queue.read(account)

    def _events(
        self, account: Account, file: File, pieces: Sequence[tuple[int, Piece]]
    ) -> list[tuple[str, bytes]]:
        """The events among some pieces that are for this destination, with ids."""
        events: list[tuple[str, bytes]] = []
        filtered = 0
        for at, piece in pieces:
            if isinstance(piece, Flaw):
                account.flaw(at, str(piece))
                continue
            try:
                event = taken(piece, most=EVENT_BYTES, default_id=partial(_id_at, file, at))
                wanted = self._wants(event)
            except InvalidInput as exc:
                account.flaw(at, str(exc), piece)
                continue
            if wanted:
                events.append((f"{account.name}:{at}", event.text))
            else:
                filtered += 1
        account.filter(filtered)
        return events

    def _wants(self, event: Taken) -> bool:
        """Whether an event is for the destination, which a backfill reaches as a replay does: switched on or not.

        Raises:
            InvalidInput: the filter looks into the event, and it is nested too deeply for that.
        """
        destination, head = self._destination, event.head
        if not destination.filter.admits(head.type, head.event):
            return False
        if head.integrations is not None and not route(head, [destination], replay=True).reached:
            return False
        if self._condition is None:
            return True
        try:
            return self._condition(fields_of(event.text))
        except RecursionError:
            raise InvalidInput("the event is nested too deeply for a filter to look into it") from None


def _id_at(file: File, at: int) -> str:
    """The id of an event that has none: the same whenever the file is read."""
    return f"{file.identity}-{at}"


@asynccontextmanager
async def open_carrier(setup: Setup, *, plugins: Sequence[object] = ()) -> AsyncIterator[Carrier]:
    """Load the destination, and be ready to carry parts to it.

    Raises:
        UsageFault: the destination is none, or can't be shared by processes.
        IsthmusError: see :func:`isthmus.commands.load_destination`.
    """
    async with open_engine(plugins=plugins, limits=setup.limits) as engine:
        destination = await load_destination(
            engine,
            setup.to,
            pipeline=Path(setup.pipeline) if setup.pipeline else None,
            settings=setup.settings,
            egress=setup.egress,
        )
        if isinstance(destination.to, FileSink) and setup.sharing > 1:
            raise UsageFault(
                f"destination {destination.name!r} is a file, which one process writes to: give --processes 1"
            )
        if several := [insert.name for insert in destination.inserts if insert.function.fan_out]:
            raise UsageFault(
                f"destination {destination.name!r} has the insert {several[0]!r}, which makes several events of one "
                "(fan_out): a backfill counts what becomes of each event of a file; isthmus send takes them into a queue"
            )
        if destination.concurrency < setup.sharing:
            raise UsageFault(
                f"destination {destination.name!r} takes {destination.concurrency} calls at one time, and a process makes "
                f"one at the least: give --processes {destination.concurrency}"
            )
        destination = shared(destination, setup.sharing, setup.retry_for)
        async with serving(engine, destination, Ledger(Path(setup.ledger))) as carrier:
            yield carrier


@asynccontextmanager
async def serving(
    engine: Engine, destination: Destination, ledger: Ledger, *, clock: Callable[[], float] = time.time
) -> AsyncIterator[Carrier]:
    """Be ready to carry parts to a destination.

    Args:
        engine: whose instances it goes to.
        destination: as this process serves it.
        ledger: where results go.
        clock: seconds since the epoch.
    """
    carrier = Carrier(destination, ledger, clock)
    async with open_pipeline(
        engine,
        carrier.queue,
        sources=(),
        destinations=[destination],
        observe=carrier.observe,
        grace=0.0,  # what is not done by now is done anew
        event_bytes=EVENT_BYTES,
        clock=clock,
    ):
        yield carrier


def shared(destination: Destination, sharing: int, retry_for: float) -> Destination:
    """A destination as one of several processes serves it, which together keep to what is defined.

    Args:
        destination: as defined.
        sharing: the processes.
        retry_for: seconds from an event's first attempt in which others may start.
    """
    fields: dict[str, Any] = {
        "concurrency": destination.concurrency // sharing,
        # Parts run beside each other, so that there is no order to keep.
        "ordered_by": None,
    }
    if rate := destination.rate:
        fields["rate"] = Rate(
            per_second=rate.per_second / sharing, burst=max(1, math.floor(rate.most / sharing))
        )
    batching = destination.batching
    if batching is None and not isinstance(destination.to, Sink):
        batching = Batching()  # which a function without onBatch does not mind
    if batching is not None:
        fields["batching"] = msgspec.structs.replace(batching, wait=min(batching.wait, LONGEST_WAIT))
    schedule = RETRIES if destination.schedule == DESTINATION else destination.schedule
    window = retry_for if schedule is RETRIES else min(retry_for, schedule.window or retry_for)
    fields["schedule"] = msgspec.structs.replace(schedule, window=window)
    return msgspec.structs.replace(destination, **fields)
