"""Conformance of queues: each promise of :mod:`isthmus.queues` as a check, for whoever writes one.

``await check_queue(open_queue)`` runs them all; ``QUEUE_CHECKS`` has them one by one, by name, for a parametrised test::

    @pytest.mark.parametrize("name", QUEUE_CHECKS)
    async def test_the_queue_keeps_its_promises(name: str) -> None:
        await QUEUE_CHECKS[name](QueueSubject(open_queue))
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, final

import trio
import trio.testing

from isthmus.errors import InvalidInput
from isthmus.queues import Claim, Entry, Queue, QueueOptions

__all__ = ["QUEUE_CHECKS", "QueueCheck", "QueueSubject", "check_queue"]

_numbers: Final = itertools.count(1)


@final
class QueueSubject:
    """A queue under test, and what is special about it.

    Args:
        open_queue: opens the storage; called again, the same one with what is in it.
        advance: lets so many seconds pass for the storage; ``trio.sleep`` where its time is the real one.
        lease: seconds of a lease in the checks: little where time is real, but more than the storage's grain.
        window: seconds of the window in which ids are remembered, None where it can't be set so short.
        fenced: an acknowledgement whose lease ran out does nothing to the next claim; else it may complete it.
        ordered: it takes ``QueueOptions.ordered``.
        durable: what is published is there when the storage is opened again.
    """

    def __init__(
        self,
        open_queue: Callable[[], AbstractAsyncContextManager[Queue]],
        *,
        advance: Callable[[float], Awaitable[object]] = trio.sleep,
        lease: float = 2.0,
        window: float | None = 2.0,
        fenced: bool = True,
        ordered: bool = True,
        durable: bool = True,
    ) -> None:
        self.open_queue = open_queue
        self.advance = advance
        self.lease = lease
        self.window = window
        self.fenced = fenced
        self.ordered = ordered
        self.durable = durable

    @asynccontextmanager
    async def opened(self, **options: object) -> AsyncIterator[tuple[Queue, str]]:
        """The storage with a queue of a name of its own."""
        async with self.open_queue() as queue:
            yield queue, await self.declared(queue, **options)

    async def declared(self, queue: Queue, **options: object) -> str:
        """Declare a queue that no other check has, with the lease unless it is given."""
        name = f"check-{next(_numbers)}"
        await queue.declare(name, QueueOptions(**{"lease": self.lease, **options}))  # type: ignore[arg-type]
        return name


QueueCheck = Callable[[QueueSubject], Awaitable[None]]
QUEUE_CHECKS: Final[dict[str, QueueCheck]] = {}
"""Each promise by its name."""


async def check_queue(open_queue: Callable[[], AbstractAsyncContextManager[Queue]]) -> None:
    """Hold a queue to every promise, in real time.

    Args:
        open_queue: opens the storage; called again, the same one with what is in it.

    Raises:
        AssertionError: one is not kept; the traceback's function says which.
    """
    for check in QUEUE_CHECKS.values():
        await check(QueueSubject(open_queue))


def _check(check: QueueCheck) -> QueueCheck:
    QUEUE_CHECKS[check.__name__] = check
    return check


def _entries(queue: str, count: int, *, first: int = 0, key: str | None = None) -> list[Entry]:
    numbers = range(first, first + count)
    return [
        Entry(queue=queue, message_id=f"m{number}", body=b"body %d" % number, key=key) for number in numbers
    ]


async def _all(queue: Queue, name: str, wait: float = 0.5) -> list[Claim]:
    """Claim until nothing comes, acknowledging nothing."""
    found: list[Claim] = []
    while claims := await queue.claim(name, 100, wait=wait):
        found += claims
    return found


async def _one(queue: Queue, name: str, wait: float = 5.0) -> Claim:
    claims = await queue.claim(name, 1, wait=wait)
    assert len(claims) == 1, "nothing was claimed"
    return claims[0]


@_check
async def what_is_published_is_claimed_as_it_was(subject: QueueSubject) -> None:
    async with subject.opened() as (queue, name):
        bodies = [b"", b"\x00\xff\x00", "ü€".encode(), bytes(range(256)) * 40]
        entries = [
            Entry(queue=name, message_id=f"é {number}/*.>", body=body, key="k" if number else None)
            for number, body in enumerate(bodies)
        ]
        await queue.publish(entries)
        claims = {claim.message_id: claim for claim in await _all(queue, name)}
        assert len(claims) == len(entries)
        for entry in entries:
            claim = claims[entry.message_id]
            assert (claim.queue, claim.body, claim.key) == (name, entry.body, entry.key)
            assert claim.attempt == 1
            assert claim.published_at <= claim.first_at + 0.01
        await queue.ack(list(claims.values()))
        await subject.advance(subject.lease + 1)
        assert not await queue.claim(name, 10), "what was acknowledged came again"


@_check
async def publishing_again_stores_nothing(subject: QueueSubject) -> None:
    async with subject.opened() as (queue, name):
        await queue.publish(_entries(name, 20))
        await queue.publish(_entries(name, 20))
        await queue.publish([*_entries(name, 10), *_entries(name, 1, first=20)])
        claims = await _all(queue, name)
        assert sorted(claim.message_id for claim in claims) == sorted(f"m{number}" for number in range(21))
        await queue.ack(claims)
        await queue.publish(_entries(name, 21))
        assert not await queue.claim(name, 10, wait=0.3), (
            "an acknowledged id was stored again within the window"
        )


@_check
async def an_id_is_new_after_its_window(subject: QueueSubject) -> None:
    if subject.window is None:
        return
    async with subject.opened(dedupe_window=subject.window) as (queue, name):
        await queue.publish(_entries(name, 1))
        await queue.ack([await _one(queue, name)])
        await subject.advance(subject.window + 0.5)
        await queue.publish(_entries(name, 1))
        assert (await _one(queue, name)).attempt == 1


@_check
async def queues_do_not_share_ids(subject: QueueSubject) -> None:
    async with subject.opened() as (queue, name):
        other = await subject.declared(queue)
        await queue.publish([*_entries(name, 1), *_entries(other, 1)])
        first, second = await _one(queue, name), await _one(queue, other)
        assert (first.queue, second.queue) == (name, other)
        assert {name, other} <= set(await queue.names())
        assert await queue.names() == sorted(await queue.names())


@_check
async def a_retry_comes_when_it_is_due(subject: QueueSubject) -> None:
    async with subject.opened(lease=3600.0) as (queue, name):
        await queue.publish(_entries(name, 1))
        claim = await _one(queue, name)
        await queue.retry([(claim, 4.0)])
        await subject.advance(2.5)
        assert not await queue.claim(name, 1), "it came more than a second early"
        await subject.advance(2.0)
        again = await _one(queue, name)
        assert (again.message_id, again.body, again.attempt) == (claim.message_id, claim.body, 2)
        assert abs(again.published_at - claim.published_at) < 0.5
        assert again.first_at <= again.published_at + 3600


@_check
async def a_delayed_entry_waits(subject: QueueSubject) -> None:
    async with subject.opened() as (queue, name):
        await queue.publish([Entry(queue=name, message_id="later", body=b"", delay=4.0)])
        await subject.advance(2.5)
        assert not await queue.claim(name, 1)
        assert (await queue.stats(name)).oldest is not None
        await subject.advance(2.0)
        assert (await _one(queue, name)).attempt == 1


@_check
async def a_lease_that_runs_out_puts_the_delivery_back(subject: QueueSubject) -> None:
    async with subject.opened() as (queue, name):
        await queue.publish(_entries(name, 1))
        claim = await _one(queue, name)
        assert not await queue.claim(name, 1), "a leased delivery was claimed"
        await subject.advance(subject.lease + 0.5)
        again = await _one(queue, name)
        assert again.attempt == 2
        await queue.ack([claim])
        if subject.fenced:
            await queue.retry([(claim, 0.0)])
            await queue.dead_letter([(claim, "stale")])
            assert not await queue.claim(name, 1), "a stale retry put it back"
            assert not await queue.dead(name), "a stale claim buried it"
            await subject.advance(subject.lease + 0.5)
            assert (await _one(queue, name)).attempt == 3, "a stale acknowledgement took it away"


@_check
async def extending_begins_a_lease_anew(subject: QueueSubject) -> None:
    async with subject.opened() as (queue, name):
        await queue.publish(_entries(name, 1))
        claim = await _one(queue, name)
        for _ in range(3):
            await subject.advance(subject.lease * 0.6)
            await queue.extend([claim])
        assert not await queue.claim(name, 1), "an extended lease ran out"
        await queue.ack([claim])
        await subject.advance(subject.lease + 0.5)
        assert not await queue.claim(name, 1)


@_check
async def dead_letters_are_kept_listed_revived_and_discarded(subject: QueueSubject) -> None:
    async with subject.opened() as (queue, name):
        await queue.publish(_entries(name, 5, key="k"))
        claims = await _all(queue, name)
        await queue.dead_letter([(claim, f"because {claim.message_id}") for claim in claims])
        assert not await queue.claim(name, 10)
        assert (await queue.stats(name)).dead == 5
        first = await queue.dead(name, count=2)
        letters = first + await queue.dead(name, after=first[-1].id)
        assert {letter.message_id for letter in letters} == {claim.message_id for claim in claims}
        assert len({letter.id for letter in letters}) == len(letters) == 5
        for letter in letters:
            assert letter.reason == f"because {letter.message_id}"
            assert (letter.queue, letter.key, letter.attempts) == (name, "k", 1)
            assert letter.body == next(each.body for each in claims if each.message_id == letter.message_id)
        assert {each.id for each in await queue.dead(None, count=1000)} >= {each.id for each in letters}
        assert await queue.discard([letters[0].id]) == 1
        assert await queue.revive([letters[1].id, letters[2].id]) == 2
        assert (await queue.stats(name)).dead == 2
        again = await _all(queue, name)
        assert {claim.message_id for claim in again} == {letters[1].message_id, letters[2].message_id}
        assert {claim.attempt for claim in again} == {1}, "a revived delivery's attempts begin anew"


@_check
async def a_queue_that_waits_holds_back_no_other(subject: QueueSubject) -> None:
    async with subject.opened(max_unacked=50) as (queue, name):
        other = await subject.declared(queue)
        await queue.publish(_entries(name, 100))
        await queue.publish(_entries(other, 100))
        await queue.retry([(claim, 600.0) for claim in await _all(queue, name)])
        claims = await _all(queue, other)
        assert len(claims) == 100


@_check
async def no_more_than_max_unacked_are_claimed(subject: QueueSubject) -> None:
    async with subject.opened(max_unacked=3, lease=3600.0) as (queue, name):
        await queue.publish(_entries(name, 10))
        claims = await _all(queue, name)
        assert len(claims) == 3
        await queue.retry([(claims[0], 3600.0)])
        assert not await queue.claim(name, 10), "a retry that waits counts as not acknowledged"
        await queue.ack(claims[1:])
        assert len(await _all(queue, name)) == 2


@_check
async def an_ordered_key_goes_one_after_the_other(subject: QueueSubject) -> None:
    if not subject.ordered:
        return
    async with subject.opened(ordered=True, lease=3600.0) as (queue, name):
        entries = [
            Entry(queue=name, message_id=f"{key}{number}", body=b"", key=key)
            for number in range(3)
            for key in ("a", "b", "")
        ]
        await queue.publish(entries[:5])
        await queue.publish(entries[5:])
        await queue.publish([Entry(queue=name, message_id="free", body=b"")])
        heads = {claim.message_id: claim for claim in await _all(queue, name)}
        assert set(heads) == {"a0", "b0", "0", "free"}
        await queue.retry([(heads["a0"], 0.0)])
        again = await _one(queue, name)
        assert (again.message_id, again.attempt) == ("a0", 2), "a later one overtook a retry"
        await queue.dead_letter([(heads["b0"], "gone")])
        assert (await _one(queue, name)).message_id == "b1"
        await queue.ack([again])
        assert (await _one(queue, name)).message_id == "a1"
        assert not await queue.claim(name, 10)


@_check
async def a_waiting_claim_is_woken(subject: QueueSubject) -> None:
    async with subject.opened() as (queue, name):
        woken: list[Claim] = []

        async def wait() -> None:
            woken.extend(await queue.claim(name, 1, wait=60))

        with trio.fail_after(30):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(wait)
                await trio.testing.wait_all_tasks_blocked(0.02)
                await queue.publish(_entries(name, 1))
        assert [claim.message_id for claim in woken] == ["m0"]
        await queue.retry([(woken[0], 1.2)])
        with trio.fail_after(30):
            claims = await queue.claim(name, 1, wait=60)
        assert [claim.attempt for claim in claims] == [2], "nothing came when the retry was due"
        before = trio.current_time()
        assert await queue.claim(name, 1, wait=0.2) == []
        assert trio.current_time() - before >= 0.15


@_check
async def what_can_not_be_kept_is_refused_whole(subject: QueueSubject) -> None:
    async with subject.opened() as (queue, name):
        good = _entries(name, 1)
        bad = [
            Entry(queue=name + "-unknown", message_id="x", body=b""),
            Entry(queue=name, message_id="", body=b""),
            Entry(queue=name, message_id="x" * 513, body=b""),
            Entry(queue=name, message_id="x", body=bytes(queue.max_body + 1)),
        ]
        for entry in bad:
            try:
                await queue.publish([*good, entry])
            except InvalidInput:
                continue
            raise AssertionError(f"{entry.message_id[:20]!r} was taken")
        assert not await queue.claim(name, 10, wait=0.3), "a part of a refused call was kept"
        for unfit in ("", "a b", "x" * 201, "a\n"):
            try:
                await queue.declare(unfit)
            except InvalidInput:
                continue
            raise AssertionError(f"a queue named {unfit!r} was declared")
        await queue.publish([])
        await queue.ack([])
        await queue.publish([Entry(queue=name, message_id="x" * 512, body=bytes(queue.max_body))])
        assert len((await _one(queue, name)).body) == queue.max_body


@_check
async def many_tasks_get_each_delivery_once(subject: QueueSubject) -> None:
    async with subject.opened(lease=600.0) as (queue, name):
        found: list[str] = []

        async def publish(part: int) -> None:
            for number in range(10):
                await queue.publish(_entries(name, 5, first=part * 50 + number * 5))

        async def take() -> None:
            while len(found) < 500:
                claims = await queue.claim(name, 7, wait=0.2)
                found.extend(claim.message_id for claim in claims)
                await queue.ack(claims)

        with trio.fail_after(120):
            async with trio.open_nursery() as nursery:
                for part in range(10):
                    nursery.start_soon(publish, part)
                for _ in range(5):
                    nursery.start_soon(take)
        assert sorted(found) == sorted(f"m{number}" for number in range(500))


@_check
async def cancelled_calls_strand_nothing(subject: QueueSubject) -> None:
    async with subject.opened() as (queue, name):
        await queue.publish(_entries(name, 3))
        with trio.CancelScope() as scope:
            scope.cancel()
            await queue.claim(name, 3)
        assert scope.cancelled_caught, "a claim is no checkpoint"
        with trio.CancelScope() as scope:
            scope.cancel()
            await queue.publish(_entries(name, 1, first=3))
        assert scope.cancelled_caught, "publishing is no checkpoint"
        await queue.publish(_entries(name, 1, first=3))
        for moment in (0.0, 0.0003, 0.001, 0.003):
            with trio.move_on_after(moment):
                await queue.claim(name, 3, wait=60)
        await subject.advance(subject.lease + 0.5)
        claims = await _all(queue, name)
        assert {claim.message_id for claim in claims} == {"m0", "m1", "m2", "m3"}


@_check
async def declaring_again_keeps_what_waits(subject: QueueSubject) -> None:
    async with subject.opened() as (queue, name):
        await queue.publish(_entries(name, 3))
        await queue.declare(name, QueueOptions(lease=subject.lease * 2, max_unacked=2))
        assert len(await _all(queue, name)) == 2, "the new options do not hold"
        await queue.declare(name, QueueOptions(lease=subject.lease * 2))
        assert len(await _all(queue, name)) == 1


@_check
async def counts_add_up(subject: QueueSubject) -> None:
    async with subject.opened(lease=3600.0) as (queue, name):
        assert (await queue.stats(name)).oldest is None
        await queue.publish(_entries(name, 10))
        claims = await queue.claim(name, 4, wait=5)
        assert len(claims) == 4
        await queue.retry([(claims[0], 3600.0)])
        await queue.dead_letter([(claims[1], "gone")])
        stats = await queue.stats(name)
        assert (stats.waiting, stats.in_flight + stats.delayed, stats.dead) == (6, 3, 1)
        assert stats.oldest is not None
        assert stats.oldest >= 0


@_check
async def what_was_published_outlives_the_storage_being_closed(subject: QueueSubject) -> None:
    if not subject.durable:
        return
    async with subject.opened() as (queue, name):
        await queue.publish(_entries(name, 5, key="k"))
        claims = await queue.claim(name, 2, wait=5)
        await queue.ack(claims[:1])
        await queue.dead_letter([(claims[1], "gone")])
    async with subject.open_queue() as queue:
        assert name in await queue.names()
        assert [letter.reason for letter in await queue.dead(name)] == ["gone"]
        await queue.publish(_entries(name, 5, key="k"))
        left = await _all(queue, name)
        assert {claim.message_id for claim in left} | {claim.message_id for claim in claims} == {
            f"m{number}" for number in range(5)
        }
        assert len(left) == 3
        assert {claim.key for claim in left} == {"k"}
