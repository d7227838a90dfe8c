"""The queue of a command that only sends: it hands nothing out, and is the other queue in all else."""

from __future__ import annotations

import trio
import trio.testing

from isthmus._cli.acceptingqueue import AcceptingQueue
from isthmus.queues import Entry, QueueOptions
from isthmus.testing import MemoryQueue


async def test_it_hands_nothing_out_and_the_rest_is_the_others(
    autojump_clock: trio.testing.MockClock,
) -> None:
    other = MemoryQueue()
    queue = AcceptingQueue(other)
    assert (queue.max_body, queue.max_batch) == (other.max_body, other.max_batch)
    await queue.declare("q", QueueOptions(lease=5.0))
    await queue.publish([Entry(queue="q", message_id=f"m{number}", body=b"1") for number in range(5)])
    began = trio.current_time()
    assert await queue.claim("q", 5, wait=3.0) == []
    assert trio.current_time() - began == 3.0
    assert await queue.names() == await other.names() == ["q"]
    assert (await queue.stats("q")).waiting == 5
    assert await queue.measures() == await other.measures()

    first, second, third, *_ = claims = await other.claim("q", 5)
    await queue.extend(claims)
    await queue.ack([first])
    await queue.retry([(second, 60.0)])
    await queue.dead_letter([(third, "no reason"), (claims[3], "nor here")])
    stats = await queue.stats("q")
    assert (stats.waiting, stats.in_flight, stats.delayed, stats.dead) == (0, 1, 1, 2)
    letters = await queue.dead("q")
    assert [letter.reason for letter in letters] == ["no reason", "nor here"]
    assert await queue.revive([letters[0].id]) == 1
    assert await queue.discard([letters[1].id]) == 1
    stats = await queue.stats("q")
    assert (stats.waiting, stats.dead) == (1, 0)
