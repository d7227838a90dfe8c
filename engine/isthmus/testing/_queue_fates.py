"""Checks of queues: what becomes of what was claimed: leases, retries, dead letters, order, counts."""

from __future__ import annotations

from isthmus.queues import Entry

from ._queue_subject import QueueSubject, check, claimed, claimed_one, entries_of

__all__: list[str] = []


@check
async def a_retry_comes_when_it_is_due(subject: QueueSubject) -> None:
    async with subject.opened(lease=3600.0) as (queue, name):
        await queue.publish(entries_of(name, 1))
        claim = await claimed_one(queue, name)
        await queue.retry([(claim, 4.0)])
        await subject.advance(2.5)
        assert not await queue.claim(name, 1), "it came more than a second early"
        await subject.advance(2.0)
        again = await claimed_one(queue, name)
        assert (again.message_id, again.body, again.attempt) == (claim.message_id, claim.body, 2)
        assert abs(again.published_at - claim.published_at) < 0.5
        assert again.first_at <= again.published_at + 3600


@check
async def a_delayed_entry_waits(subject: QueueSubject) -> None:
    async with subject.opened() as (queue, name):
        await queue.publish([Entry(queue=name, message_id="later", body=b"", delay=4.0)])
        await subject.advance(2.5)
        assert not await queue.claim(name, 1)
        assert (await queue.stats(name)).oldest is not None
        await subject.advance(2.0)
        assert (await claimed_one(queue, name)).attempt == 1


@check
async def a_lease_that_runs_out_puts_the_delivery_back(subject: QueueSubject) -> None:
    async with subject.opened() as (queue, name):
        await queue.publish(entries_of(name, 1))
        claim = await claimed_one(queue, name)
        assert not await queue.claim(name, 1), "a leased delivery was claimed"
        await subject.advance(subject.lease + 0.5)
        again = await claimed_one(queue, name)
        assert again.attempt == 2
        await queue.ack([claim])
        if subject.fenced:
            await queue.retry([(claim, 0.0)])
            await queue.dead_letter([(claim, "stale")])
            assert not await queue.claim(name, 1), "a stale retry put it back"
            assert not await queue.dead(name), "a stale claim buried it"
            await subject.advance(subject.lease + 0.5)
            assert (await claimed_one(queue, name)).attempt == 3, "a stale acknowledgement took it away"


@check
async def extending_begins_a_lease_anew(subject: QueueSubject) -> None:
    async with subject.opened() as (queue, name):
        await queue.publish(entries_of(name, 1))
        claim = await claimed_one(queue, name)
        for _ in range(3):
            await subject.advance(subject.lease * 0.6)
            await queue.extend([claim])
        assert not await queue.claim(name, 1), "an extended lease ran out"
        await queue.ack([claim])
        await subject.advance(subject.lease + 0.5)
        assert not await queue.claim(name, 1)


@check
async def dead_letters_are_kept_listed_revived_and_discarded(subject: QueueSubject) -> None:
    async with subject.opened() as (queue, name):
        await queue.publish(entries_of(name, 5, key="k"))
        claims = await claimed(queue, name)
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
        again = await claimed(queue, name)
        assert {claim.message_id for claim in again} == {letters[1].message_id, letters[2].message_id}
        assert {claim.attempt for claim in again} == {1}, "a revived delivery's attempts begin anew"


@check
async def a_queue_that_waits_holds_back_no_other(subject: QueueSubject) -> None:
    async with subject.opened(max_unacked=50) as (queue, name):
        other = await subject.declared(queue)
        await queue.publish(entries_of(name, 100))
        await queue.publish(entries_of(other, 100))
        await queue.retry([(claim, 600.0) for claim in await claimed(queue, name)])
        claims = await claimed(queue, other)
        assert len(claims) == 100


@check
async def no_more_than_max_unacked_are_claimed(subject: QueueSubject) -> None:
    async with subject.opened(max_unacked=3, lease=3600.0) as (queue, name):
        await queue.publish(entries_of(name, 10))
        claims = await claimed(queue, name)
        assert len(claims) == 3
        await queue.retry([(claims[0], 3600.0)])
        assert not await queue.claim(name, 10), "a retry that waits counts as not acknowledged"
        await queue.ack(claims[1:])
        assert len(await claimed(queue, name)) == 2


@check
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
        heads = {claim.message_id: claim for claim in await claimed(queue, name)}
        assert set(heads) == {"a0", "b0", "0", "free"}
        await queue.retry([(heads["a0"], 0.0)])
        again = await claimed_one(queue, name)
        assert (again.message_id, again.attempt) == ("a0", 2), "a later one overtook a retry"
        await queue.dead_letter([(heads["b0"], "gone")])
        assert (await claimed_one(queue, name)).message_id == "b1"
        await queue.ack([again])
        assert (await claimed_one(queue, name)).message_id == "a1"
        assert not await queue.claim(name, 10)


@check
async def counts_add_up(subject: QueueSubject) -> None:
    async with subject.opened(lease=3600.0) as (queue, name):
        assert (await queue.stats(name)).oldest is None
        await queue.publish(entries_of(name, 10))
        claims = await queue.claim(name, 4, wait=5)
        assert len(claims) == 4
        await queue.retry([(claims[0], 3600.0)])
        await queue.dead_letter([(claims[1], "gone")])
        stats = await queue.stats(name)
        assert (stats.waiting, stats.in_flight + stats.delayed, stats.dead) == (6, 3, 1)
        assert stats.oldest is not None
        assert stats.oldest >= 0
