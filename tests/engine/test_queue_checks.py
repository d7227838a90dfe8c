"""The checks of queues have teeth: a queue that breaks one promise fails the check of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from isthmus.queues import Claim, Entry, Queue
from isthmus.testing import QUEUE_CHECKS, MemoryQueue, QueueSubject
from isthmus.testing._lines import Kept, Line
from isthmus.testing.queue_machine import queue_machine

from .test_memory_queue import MemorySubject

Patch = Callable[[pytest.MonkeyPatch], None]
Method = Callable[..., Any]


def wrapped(owner: type, name: str, wrap: Callable[[Method], Method]) -> Patch:
    return lambda patch: patch.setattr(owner, name, wrap(getattr(owner, name)))


def forgets_ids(original: Method) -> Method:
    def add(self: MemoryQueue, entry: Entry, now: float) -> None:
        original(self, entry, now)
        self._lines[entry.queue].seen.clear()

    return add


def remembers_for_good(original: Method) -> Method:
    def add(self: MemoryQueue, entry: Entry, now: float) -> None:
        original(self, entry, now)
        self._lines[entry.queue].seen[entry.message_id] = float("inf")

    return add


def leases_for_good(original: Method) -> Method:
    def lease(self: MemoryQueue, line: Line, count: int, now: float) -> list[Claim]:
        claims: list[Claim] = original(self, line, count, now)
        for kept in line.kept.values():
            if kept.leased:
                kept.due = float("inf")
        return claims

    return lease


def takes_stale_claims(_: Method) -> Method:
    def held(self: MemoryQueue, claims: Sequence[Claim]) -> list[Any]:
        found = []
        for claim in claims:
            line = self._lines[claim.queue]
            kept = line.kept.get(claim.token.number)  # type: ignore[attr-defined]
            found.append((line, kept) if kept else None)
        return found

    return held


def offers_everything(_: Method) -> Method:
    import heapq

    def offer(self: Line, kept: Kept) -> None:
        self.turns.clear()
        heapq.heappush(self.tried if kept.attempt else self.fresh, (kept.due, kept.number))

    return offer


def retries_at_once(original: Method) -> Method:
    async def retry(self: MemoryQueue, retries: Sequence[tuple[Claim, float]]) -> None:
        await original(self, [(claim, 0.0) for claim, _ in retries])

    return retry


def does_nothing(_: Method) -> Method:
    async def nothing(self: MemoryQueue, *arguments: object) -> int:
        await trio.lowlevel.checkpoint()
        return 0

    return nothing


def keeps_a_part(original: Method) -> Method:
    async def publish(self: MemoryQueue, entries: Sequence[Entry]) -> None:
        for entry in entries:
            await original(self, [entry])

    return publish


BROKEN: dict[str, tuple[Patch, str]] = {
    "forgets ids": (wrapped(MemoryQueue, "_add", forgets_ids), "publishing_again_stores_nothing"),
    "remembers ids": (wrapped(MemoryQueue, "_add", remembers_for_good), "an_id_is_new_after_its_window"),
    "leases for good": (
        wrapped(MemoryQueue, "_lease", leases_for_good),
        "a_lease_that_runs_out_puts_the_delivery_back",
    ),
    "takes stale claims": (
        wrapped(MemoryQueue, "_held", takes_stale_claims),
        "a_lease_that_runs_out_puts_the_delivery_back",
    ),
    "no order": (wrapped(Line, "offer", offers_everything), "an_ordered_key_goes_one_after_the_other"),
    "early": (wrapped(MemoryQueue, "retry", retries_at_once), "a_retry_comes_when_it_is_due"),
    "extends nothing": (wrapped(MemoryQueue, "extend", does_nothing), "extending_begins_a_lease_anew"),
    "acknowledges nothing": (
        wrapped(MemoryQueue, "ack", does_nothing),
        "what_is_published_is_claimed_as_it_was",
    ),
    "revives nothing": (
        wrapped(MemoryQueue, "revive", does_nothing),
        "dead_letters_are_kept_listed_revived_and_discarded",
    ),
    "wakes nobody": (
        wrapped(MemoryQueue, "_wake", lambda _: lambda self, name: None),
        "a_waiting_claim_is_woken",
    ),
    "keeps a part": (wrapped(MemoryQueue, "publish", keeps_a_part), "what_can_not_be_kept_is_refused_whole"),
}


@pytest.mark.parametrize("how", BROKEN)
async def test_a_broken_promise_is_found(
    how: str, monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.testing.MockClock
) -> None:
    patch, name = BROKEN[how]
    patch(monkeypatch)
    queue = MemoryQueue()

    @asynccontextmanager
    async def open_queue() -> AsyncIterator[Queue]:
        yield queue

    with pytest.raises((AssertionError, trio.TooSlowError)):
        await QUEUE_CHECKS[name](QueueSubject(open_queue, durable=False))


async def test_what_does_not_outlive_its_process_is_found(autojump_clock: trio.testing.MockClock) -> None:
    @asynccontextmanager
    async def open_queue() -> AsyncIterator[Queue]:
        yield MemoryQueue()

    with pytest.raises(AssertionError):
        await QUEUE_CHECKS["what_was_published_outlives_the_storage_being_closed"](QueueSubject(open_queue))


@pytest.mark.parametrize("how", ["forgets ids", "leases for good", "takes stale claims", "no order"])
def test_the_model_finds_it_as_well(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    BROKEN[how][0](monkeypatch)
    with pytest.raises((AssertionError, StopIteration)):
        run_state_machine_as_test(
            queue_machine(MemorySubject),
            # Found is enough; making it small would take minutes.
            settings=settings(
                max_examples=300,
                stateful_step_count=40,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                report_multiple_bugs=False,
            ),
        )
