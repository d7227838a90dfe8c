"""Checks of queues: what is published, by whom it is claimed, and that it stays."""

from __future__ import annotations

import trio
import trio.testing

from isthmus.errors import InvalidInput
from isthmus.queues import Claim, Entry, QueueOptions

from ._queue_subject import QueueSubject, check, claimed, claimed_one, entries_of

__all__: list[str] = []


@check
async def what_is_published_is_claimed_as_it_was(subject: QueueSubject) -> None:
    async with subject.opened() as (queue, name):
        bodies = [b"", b"\x00\xff\x00", "ü€".encode(), bytes(range(256)) * 40]
        entries = [
            Entry(queue=name, message_id=f"é {number}/*.>", body=body, key="k" if number else None)
            for number, body in enumerate(bodies)
        ]
        await queue.publish(entries)
        claims = {claim.message_id: claim for claim in await claimed(queue, name)}
        assert len(claims) == len(entries)
        for entry in entries:
            claim = claims[entry.message_id]
            assert (claim.queue, claim.body, claim.key) == (name, entry.body, entry.key)
            assert claim.attempt == 1
            assert claim.published_at <= claim.first_at + 0.01
        await queue.ack(list(claims.values()))
        await subject.advance(subject.lease + 1)
        assert not await queue.claim(name, 10), "what was acknowledged came again"


@check
async def publishing_again_stores_nothing(subject: QueueSubject) -> None:
    async with subject.opened() as (queue, name):
        await queue.publish(entries_of(name, 20))
        await queue.publish(entries_of(name, 20))
        await queue.publish([*entries_of(name, 10), *entries_of(name, 1, first=20)])
        claims = await claimed(queue, name)
        assert sorted(claim.message_id for claim in claims) == sorted(f"m{number}" for number in range(21))
        await queue.ack(claims)
        await queue.publish(entries_of(name, 21))
        assert not await queue.claim(name, 10, wait=0.3), (
            "an acknowledged id was stored again within the window"
        )


@check
async def an_id_is_new_after_its_window(subject: QueueSubject) -> None:
    if subject.window is None:
        return
    async with subject.opened(dedupe_window=subject.window) as (queue, name):
        await queue.publish(entries_of(name, 1))
        await queue.ack([await claimed_one(queue, name)])
        await subject.advance(subject.window + 0.5)
        await queue.publish(entries_of(name, 1))
        assert (await claimed_one(queue, name)).attempt == 1


@check
async def queues_do_not_share_ids(subject: QueueSubject) -> None:
    async with subject.opened() as (queue, name):
        other = await subject.declared(queue)
        await queue.publish([*entries_of(name, 1), *entries_of(other, 1)])
        first, second = await claimed_one(queue, name), await claimed_one(queue, other)
        assert (first.queue, second.queue) == (name, other)
        names = await queue.names()  # others may declare theirs meanwhile
        assert {name, other} <= set(names)
        assert names == sorted(names)


@check
async def a_waiting_claim_is_woken(subject: QueueSubject) -> None:
    async with subject.opened() as (queue, name):
        woken: list[Claim] = []

        async def wait() -> None:
            woken.extend(await queue.claim(name, 1, wait=60))

        with trio.fail_after(30):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(wait)
                await trio.testing.wait_all_tasks_blocked(0.02)
                await queue.publish(entries_of(name, 1))
        assert [claim.message_id for claim in woken] == ["m0"]
        await queue.retry([(woken[0], 1.2)])
        with trio.fail_after(30):
            claims = await queue.claim(name, 1, wait=60)
        assert [claim.attempt for claim in claims] == [2], "nothing came when the retry was due"
        before = trio.current_time()
        assert await queue.claim(name, 1, wait=0.2) == []
        assert trio.current_time() - before >= 0.15


@check
async def what_can_not_be_kept_is_refused_whole(subject: QueueSubject) -> None:
    async with subject.opened() as (queue, name):
        good = entries_of(name, 1)
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
        assert len((await claimed_one(queue, name)).body) == queue.max_body


@check
async def many_tasks_get_each_delivery_once(subject: QueueSubject) -> None:
    async with subject.opened(lease=600.0) as (queue, name):
        found: list[str] = []

        async def publish(part: int) -> None:
            for number in range(10):
                await queue.publish(entries_of(name, 5, first=part * 50 + number * 5))

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


@check
async def cancelled_calls_strand_nothing(subject: QueueSubject) -> None:
    async with subject.opened() as (queue, name):
        await queue.publish(entries_of(name, 3))
        with trio.CancelScope() as scope:
            scope.cancel()
            await queue.claim(name, 3)
        assert scope.cancelled_caught, "a claim is no checkpoint"
        with trio.CancelScope() as scope:
            scope.cancel()
            await queue.publish(entries_of(name, 1, first=3))
        assert scope.cancelled_caught, "publishing is no checkpoint"
        await queue.publish(entries_of(name, 1, first=3))
        for moment in (0.0, 0.0003, 0.001, 0.003):
            with trio.move_on_after(moment):
                await queue.claim(name, 3, wait=60)
        await subject.advance(subject.lease + 0.5)
        claims = await claimed(queue, name)
        assert {claim.message_id for claim in claims} == {"m0", "m1", "m2", "m3"}


@check
async def declaring_again_keeps_what_waits(subject: QueueSubject) -> None:
    async with subject.opened() as (queue, name):
        await queue.publish(entries_of(name, 3))
        await queue.declare(name, QueueOptions(lease=subject.lease * 2, max_unacked=2))
        assert len(await claimed(queue, name)) == 2, "the new options do not hold"
        await queue.declare(name, QueueOptions(lease=subject.lease * 2))
        assert len(await claimed(queue, name)) == 1


@check
async def what_was_published_outlives_the_storage_being_closed(subject: QueueSubject) -> None:
    if not subject.durable:
        return
    async with subject.opened() as (queue, name):
        await queue.publish(entries_of(name, 5, key="k"))
        claims = await queue.claim(name, 2, wait=5)
        await queue.ack(claims[:1])
        await queue.dead_letter([(claims[1], "gone")])
    async with subject.open_queue() as queue:
        assert name in await queue.names()
        assert [letter.reason for letter in await queue.dead(name)] == ["gone"]
        await queue.publish(entries_of(name, 5, key="k"))
        left = await claimed(queue, name)
        assert {claim.message_id for claim in left} | {claim.message_id for claim in claims} == {
            f"m{number}" for number in range(5)
        }
        assert len(left) == 3
        assert {claim.key for claim in left} == {"k"}
