"""The queue in a file, as tasks see it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, final

import trio

from isthmus import InvalidInput
from isthmus.queues import (
    DEFAULT_OPTIONS,
    Claim,
    DeadLetter,
    Entry,
    Finding,
    Measure,
    Queue,
    QueueOptions,
    QueueStats,
)
from isthmus.rules import check_batch, check_entries, check_name, check_retries

from ._findings import findings
from ._jobs import Job, Lease, Leasing, Publishing, Settling
from ._options import Options
from ._store import Store
from ._writer import Writer

__all__ = ["SqliteQueue"]

_LONGEST_WAIT: Final = 30.0
"""Seconds after which a waiting claim looks again: Trio's clock stands still while the machine sleeps, leases do not."""


@final
class _Arrivals:
    """Tells those who wait for deliveries of one queue that there may be some."""

    __slots__ = ("changed", "number")

    def __init__(self) -> None:
        self.number = 0
        self.changed = trio.Event()

    def tell(self) -> None:
        self.number += 1
        self.changed.set()
        self.changed = trio.Event()


@final
class SqliteQueue(Queue):
    """Keeps deliveries in one SQLite file.

    Args:
        store: behind the writer.
        writer: runs what is asked.
        path: of the file.
        options: how it is kept.
    """

    def __init__(self, store: Store, writer: Writer, path: Path, options: Options) -> None:
        self._store = store
        self._writer = writer
        self._path = path
        self._options = options
        self._arrivals: dict[str, _Arrivals] = {}
        self._seen: dict[Job, int] = {}

    def done(self, job: Job) -> None:
        """Hear of a job from the writer, in the order of the file, before its task does."""
        work = job.work
        if job.error is not None:
            return
        if isinstance(work, Leasing):
            # Whatever comes after this moment, the claim has not seen.
            claims, when = job.answer
            job.answer = (claims, when, self._arriving(work.queue).number)
        elif isinstance(work, Publishing):
            for name in {entry.queue for entry in work.entries}:
                self._arriving(name).tell()
        elif isinstance(work, Settling):
            if work.how != "extend":
                for name in {claim.queue for claim in work.claims}:
                    self._arriving(name).tell()
        elif job.answer == "changed":
            for arrivals in self._arrivals.values():
                arrivals.tell()

    def close(self) -> None:
        """Wake those who wait, for nothing will come any more."""
        for arrivals in self._arrivals.values():
            arrivals.tell()

    def _arriving(self, name: str) -> _Arrivals:
        return self._arrivals.setdefault(name, _Arrivals())

    async def declare(self, name: str, options: QueueOptions = DEFAULT_OPTIONS) -> None:
        check_name(name)
        store = self._store

        def work() -> str:
            store.lines.declare(name, options)
            return "changed"

        await self._writer.run(work)

    async def publish(self, entries: Sequence[Entry]) -> None:
        known = self._store.lines.known
        check_entries(entries, known, max_body=self.max_body, max_batch=self.max_batch)
        await self._settled_or(Publishing(entries), entries)

    async def claim(self, name: str, count: int, *, wait: float = 0.0) -> list[Claim]:
        check_batch(count, self.max_batch)
        if count < 1:
            raise InvalidInput(f"a claim takes from 1 delivery, not {count!r}")
        until = trio.current_time() + wait
        while True:
            claims: list[Claim]
            claims, when, number = await self._writer.run(Leasing(name, count))
            left = until - trio.current_time()
            if claims or left <= 0:
                return claims
            arrivals = self._arriving(name)
            if arrivals.number == number:
                with trio.move_on_after(min(left, _LONGEST_WAIT, left if when is None else when)):
                    await arrivals.changed.wait()

    async def ack(self, claims: Sequence[Claim]) -> None:
        _check_own(claims)
        await self._settled_or(Settling("ack", claims), claims)

    async def retry(self, retries: Sequence[tuple[Claim, float]]) -> None:
        check_retries(retries)
        claims = [claim for claim, _ in retries]
        _check_own(claims)
        await self._settled_or(Settling("retry", claims, [delay for _, delay in retries]), claims)

    async def dead_letter(self, buried: Sequence[tuple[Claim, str]]) -> None:
        claims = [claim for claim, _ in buried]
        _check_own(claims)
        await self._settled_or(Settling("bury", claims, [reason for _, reason in buried]), claims)

    async def extend(self, claims: Sequence[Claim]) -> None:
        _check_own(claims)
        await self._settled_or(Settling("extend", claims), claims)

    async def _settled_or(self, work: Publishing | Settling, what: Sequence[Any]) -> None:
        """Have it done, or nothing where it is about nothing."""
        if what:
            await self._writer.run(work)
        else:
            await trio.lowlevel.checkpoint()

    async def stats(self, name: str) -> QueueStats:
        store = self._store
        found: QueueStats = await self._writer.run(
            lambda: store.lines.stats(store.line(name), store.clock.now())
        )
        return found

    async def names(self) -> list[str]:
        await trio.lowlevel.checkpoint()
        return sorted(self._store.lines.known)

    async def dead(self, name: str | None = None, *, after: str = "", count: int = 100) -> list[DeadLetter]:
        store, last = self._store, _number(after) if after else 0

        def work() -> list[DeadLetter]:
            if name is not None:
                store.line(name)
            return store.letters.read(store.lines.known, name, last, max(0, count), store.clock.now())

        found: list[DeadLetter] = await self._writer.run(work)
        return found

    async def revive(self, ids: Sequence[str]) -> int:
        store, numbers = self._store, [_number(each) for each in ids]
        count: list[int] = []

        def work() -> str:
            count[:] = [store.letters.revive(store.lines.known, numbers, store.clock.now())]
            return "changed"

        await self._writer.run(work)
        return count[0]

    async def discard(self, ids: Sequence[str]) -> int:
        store, numbers = self._store, [_number(each) for each in ids]
        found: int = await self._writer.run(lambda: store.letters.discard(numbers))
        return found

    async def measures(self) -> list[Measure]:
        found: list[Measure] = await self._writer.run(self._store.measures)
        return found

    async def findings(self) -> list[Finding]:
        store = self._store
        used: int = await self._writer.run(store.used)
        disk = os.statvfs(self._path.parent)
        return findings(self._path, self._options, used, disk.f_bavail * disk.f_frsize)


def _check_own(claims: Sequence[Claim]) -> None:
    for claim in claims:
        if not isinstance(claim.token, Lease):
            raise InvalidInput("the claim is not of a queue in a file")


def _number(letter: str) -> int:
    if letter.isascii() and letter.isdecimal() and len(letter) < 19:
        return int(letter)
    raise InvalidInput(f"{letter[:80]!r} is no id of a dead letter")
