"""A queue in this process's memory: every promise of :mod:`isthmus.queues` but the first, for it is not durable."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final, final

import trio

from isthmus.errors import InvalidInput, QueueFull
from isthmus.queues import (
    DEFAULT_OPTIONS,
    Claim,
    DeadLetter,
    Entry,
    Finding,
    Queue,
    QueueOptions,
    QueueStats,
)
from isthmus.rules import REASON_LENGTH, check_batch, check_entries, check_name, check_retries

from ._lines import Kept, Lease, Line

__all__ = ["MemoryQueue"]


@final
class MemoryQueue(Queue):
    """Keeps deliveries in memory, for tests of what works on a queue; what is in it ends with the process.

    Args:
        clock: seconds, going forward; Trio's own unless given, so that a test's clock that jumps moves leases and delays.
        max_bytes: of all bodies together, dead letters included; more is :class:`isthmus.QueueFull`.
    """

    def __init__(self, *, clock: Callable[[], float] = trio.current_time, max_bytes: int = 2**40) -> None:
        self._clock = clock
        self._max_bytes = max_bytes
        self._epoch: float | None = None
        self._lines: dict[str, Line] = {}
        self._dead: dict[int, DeadLetter] = {}
        self._number: Final = iter(range(1, 2**62))
        self._bytes = 0

    def _now(self) -> float:
        """Seconds since the epoch, by the clock."""
        if self._epoch is None:
            self._epoch = time.time() - self._clock()
        return self._epoch + self._clock()

    def _line(self, name: str) -> Line:
        line = self._lines.get(name)
        if line is None:
            raise InvalidInput(f"there is no queue {name!r}; it has to be declared first")
        return line

    async def declare(self, name: str, options: QueueOptions = DEFAULT_OPTIONS) -> None:
        await trio.lowlevel.checkpoint()
        check_name(name)
        if name in self._lines:
            self._lines[name].change(options)
            self._wake(name)
        else:
            self._lines[name] = Line(options)

    async def publish(self, entries: Sequence[Entry]) -> None:
        await trio.lowlevel.checkpoint()
        check_entries(entries, self._lines, max_body=self.max_body, max_batch=self.max_batch)
        now = self._now()
        fresh: dict[tuple[str, str], Entry] = {}
        for entry in entries:
            self._lines[entry.queue].forget(now)
            if self._lines[entry.queue].seen.get(entry.message_id, now) <= now:
                fresh.setdefault((entry.queue, entry.message_id), entry)
        size = sum(len(entry.body) for entry in fresh.values())
        if self._bytes + size > self._max_bytes:
            raise QueueFull(f"the queue holds {self._bytes:,} bytes of {self._max_bytes:,}")
        for entry in fresh.values():
            self._add(entry, now)
        for name in {entry.queue for entry in fresh.values()}:
            self._wake(name)

    def _add(self, entry: Entry, now: float) -> None:
        line = self._lines[entry.queue]
        line.seen.pop(entry.message_id, None)
        line.seen[entry.message_id] = now + line.options.dedupe_window
        line.add(Kept(next(self._number), entry, now))
        self._bytes += len(entry.body)

    async def claim(self, name: str, count: int, *, wait: float = 0.0) -> list[Claim]:
        await trio.lowlevel.checkpoint()
        check_batch(count, self.max_batch)
        line = self._line(name)
        until = self._now() + wait
        while True:
            now = self._now()
            claims = self._lease(line, count, now)
            if claims or now >= until:
                return claims
            due = line.due()
            with trio.move_on_after((until if due is None else min(due, until)) - now):
                await line.changed.wait()

    def _lease(self, line: Line, count: int, now: float) -> list[Claim]:
        claims: list[Claim] = []
        while len(claims) < count and (kept := line.next(now)) is not None:
            if not kept.attempt:
                line.unacked += 1
            claims.append(kept.claimed(now, now + line.options.lease))
            line.offer(kept)
        return claims

    def _held(self, claims: Iterable[Claim]) -> list[tuple[Line, Kept] | None]:
        """What claims stand for; None in place of one that was claimed again since, or is gone."""
        held: list[tuple[Line, Kept] | None] = []
        for claim in claims:
            line = self._line(claim.queue)
            if not isinstance(claim.token, Lease):
                raise InvalidInput("the claim is not this queue's")
            kept = line.kept.get(claim.token.number)
            fits = kept is not None and kept.leased and kept.attempt == claim.token.attempt
            held.append((line, kept) if kept is not None and fits else None)
        return held

    async def ack(self, claims: Sequence[Claim]) -> None:
        await trio.lowlevel.checkpoint()
        for claim in claims:
            for line, kept in filter(None, self._held([claim])):
                line.remove(kept)
                self._bytes -= len(kept.entry.body)
                self._wake(claim.queue)

    async def retry(self, retries: Sequence[tuple[Claim, float]]) -> None:
        await trio.lowlevel.checkpoint()
        check_retries(retries)
        now = self._now()
        for claim, delay in retries:
            for line, kept in filter(None, self._held([claim])):
                kept.due, kept.leased = now + delay, False
                line.offer(kept)
                self._wake(claim.queue)

    async def dead_letter(self, buried: Sequence[tuple[Claim, str]]) -> None:
        await trio.lowlevel.checkpoint()
        now = self._now()
        for claim, reason in buried:
            for line, kept in filter(None, self._held([claim])):
                line.remove(kept)
                number = next(self._number)
                self._dead[number] = DeadLetter(
                    id=str(number),
                    queue=claim.queue,
                    message_id=claim.message_id,
                    body=claim.body,
                    key=claim.key,
                    reason=reason[:REASON_LENGTH],
                    attempts=kept.attempt,
                    published_at=kept.published_at,
                    buried_at=now,
                )
                self._wake(claim.queue)

    async def extend(self, claims: Sequence[Claim]) -> None:
        await trio.lowlevel.checkpoint()
        now = self._now()
        for line, kept in filter(None, self._held(claims)):
            kept.due = now + line.options.lease
            line.offer(kept)

    async def stats(self, name: str) -> QueueStats:
        await trio.lowlevel.checkpoint()
        line, now = self._line(name), self._now()
        later = [kept for kept in line.kept.values() if kept.due > now]
        in_flight = sum(kept.leased for kept in later)
        dead = [letter for letter in self._dead.values() if letter.queue == name]
        return QueueStats(
            waiting=len(line.kept) - len(later),
            in_flight=in_flight,
            delayed=len(later) - in_flight,
            dead=len(dead),
            oldest=max((now - kept.published_at for kept in line.kept.values()), default=None),
            bytes=sum(len(kept.entry.body) for kept in line.kept.values())
            + sum(len(letter.body) for letter in dead),
        )

    async def names(self) -> list[str]:
        await trio.lowlevel.checkpoint()
        return sorted(self._lines)

    async def dead(self, name: str | None = None, *, after: str = "", count: int = 100) -> list[DeadLetter]:
        await trio.lowlevel.checkpoint()
        last = _number(after) if after else 0
        letters = (letter for number, letter in self._dead.items() if number > last)
        return [letter for letter in letters if name is None or letter.queue == name][:count]

    async def revive(self, ids: Sequence[str]) -> int:
        await trio.lowlevel.checkpoint()
        letters = self._taken(ids)
        now = self._now()
        for letter in letters:
            self._bytes -= len(letter.body)
            self._add(
                Entry(queue=letter.queue, message_id=letter.message_id, body=letter.body, key=letter.key), now
            )
            self._wake(letter.queue)
        return len(letters)

    async def discard(self, ids: Sequence[str]) -> int:
        await trio.lowlevel.checkpoint()
        letters = self._taken(ids)
        self._bytes -= sum(len(letter.body) for letter in letters)
        return len(letters)

    async def findings(self) -> list[Finding]:
        await trio.lowlevel.checkpoint()
        what = "deliveries are kept in memory and end with the process"
        return [Finding(level="unsafe", what=what, remedy="use it for tests only")]

    def _taken(self, ids: Sequence[str]) -> list[DeadLetter]:
        numbers = dict.fromkeys(_number(each) for each in ids)
        return [letter for number in numbers if (letter := self._dead.pop(number, None)) is not None]

    def _wake(self, name: str) -> None:
        line = self._lines[name]
        line.changed.set()
        line.changed = trio.Event()


def _number(letter: str) -> int:
    try:
        return int(letter)
    except ValueError as exc:
        raise InvalidInput(f"{letter[:80]!r} is no id of a dead letter") from exc
