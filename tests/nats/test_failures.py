"""Servers, publishers and claimers are killed: nothing that was accepted is lost."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time

import pytest
import trio

from isthmus import QueueError
from isthmus.queues import Claim, Entry, Queue, QueueOptions

from .conftest import LONG, open_
from .load import working
from .servers import Cluster, running, stop

# The client leaves the streams of a connection that it gave up to the collector of garbage.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <StreamWriter:ResourceWarning")

ROUNDS = 5 if LONG else 1
DELAYED = 20_000 if LONG else 400


async def collect(queue: Queue, name: str, count: int, *, seconds: float = 90) -> dict[str, Claim]:
    """Claim and acknowledge until that many ids have come, or the time is over."""
    found: dict[str, Claim] = {}
    with trio.move_on_after(seconds):
        while len(found) < count:
            claims = await queue.claim(name, 500, wait=1)
            found |= {claim.message_id: claim for claim in claims}
            await queue.ack(claims)
    return found


async def test_the_stream_s_leader_is_killed_under_load(own_cluster: Cluster, prefix: str) -> None:
    async with open_(own_cluster.url(prefix)) as queue, working(queue) as load:
        for _ in range(ROUNDS):
            leader = await trio.to_thread.run_sync(own_cluster.leader, f"{prefix}-0")
            leader.kill()
            await load.grow(200)
            leader.start()
            await trio.to_thread.run_sync(own_cluster.wait)
            await load.grow(200)
    assert load.lost == set()
    assert len(load.accepted) >= 600


async def test_the_servers_are_restarted_one_after_the_other_under_load(
    own_cluster: Cluster, prefix: str
) -> None:
    """As for an upgrade: each is asked to end, is away for a while, and is waited for."""
    async with open_(own_cluster.url(prefix)) as queue, working(queue) as load:
        for _ in range(ROUNDS):
            for node in own_cluster.nodes:
                await trio.to_thread.run_sync(node.end)
                await load.grow(100)
                node.start()
                await trio.to_thread.run_sync(own_cluster.wait)
                await load.grow(100)
    assert load.lost == set()
    assert len(load.accepted) >= 800


@pytest.mark.skipif(not LONG, reason="takes as long as the others together; ISTHMUS_DURABILITY=long runs it")
async def test_the_stream_s_leader_hangs_and_comes_back(own_cluster: Cluster, prefix: str) -> None:
    async with open_(own_cluster.url(prefix)) as queue, working(queue) as load:
        for _ in range(ROUNDS):
            leader = await trio.to_thread.run_sync(own_cluster.leader, f"{prefix}-0")
            leader.signal(signal.SIGSTOP)
            try:
                await load.grow(200)
            finally:
                leader.signal(signal.SIGCONT)
            await load.grow(200)
    assert load.lost == set()


async def test_the_whole_cluster_is_killed_while_deliveries_wait_for_their_retry(
    own_cluster: Cluster, prefix: str
) -> None:
    async with open_(own_cluster.url(prefix, patience=90)) as queue:
        # What a server hands out as it is killed, and nobody gets, comes again once its lease is over.
        await queue.declare("q", QueueOptions(lease=45, max_unacked=2 * DELAYED))
        ids = [f"m{number}" for number in range(DELAYED)]
        for begin in range(0, DELAYED, 400):
            await queue.publish(
                [Entry(queue="q", message_id=ident, body=b"x") for ident in ids[begin : begin + 400]]
            )
        claims: list[Claim] = []
        with trio.fail_after(60):
            while len(claims) < DELAYED:
                claims += await queue.claim("q", 400, wait=1)
        delay = 30.0 if LONG else 5.0
        put_back = time.time()
        await queue.retry([(claim, delay) for claim in claims])
        first = claims[0].first_at
        own_cluster.kill()
        await trio.to_thread.run_sync(own_cluster.start)
        early = await queue.claim("q", 10)
        assert not early or time.time() > put_back + delay - 1
        await queue.ack(early)
        found = {claim.message_id: claim for claim in early}
        found |= await collect(queue, "q", DELAYED - len(early))
        assert set(found) == set(ids)
        assert {claim.attempt for claim in found.values()} <= {1, 2, 3}
        assert found["m0"].attempt >= 2
        assert min(claim.first_at for claim in found.values()) == pytest.approx(first, abs=1)


CLAIMER = """
import sys, trio, isthmus

async def main(url):
    async with isthmus.open_queue(url) as queue:
        claims = []
        while len(claims) < 50:
            claims += await queue.claim("q", 50, wait=1)
        print("claimed", flush=True)
        await trio.sleep_forever()

trio.run(main, sys.argv[1])
"""

STALE = """
import sys, trio, isthmus

async def main(url):
    async with isthmus.open_queue(url) as queue:
        claims = []
        while len(claims) < 60:
            claims += await queue.claim("q", 60, wait=1)
        print("claimed", flush=True)
        sys.stdin.readline()
        await queue.ack(claims[:20])
        await queue.retry([(claim, 0.0) for claim in claims[20:40]])
        await queue.dead_letter([(claim, "too late") for claim in claims[40:]])
        print("said", flush=True)

trio.run(main, sys.argv[1])
"""

PUBLISHER = """
import sys, trio, isthmus
from isthmus.queues import Entry

async def main(url):
    async with isthmus.open_queue(url) as queue:
        for number in range(1_000_000):
            ids = [f"m{number}-{place}" for place in range(20)]
            await queue.publish([Entry(queue="q", message_id=each, body=b"x") for each in ids])
            print(*ids, flush=True)

trio.run(main, sys.argv[1])
"""


def child(code: str, url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


async def test_a_claimer_is_killed_and_what_it_had_goes_to_another(cluster: Cluster, prefix: str) -> None:
    url = cluster.url(prefix)
    async with open_(url) as queue:
        await queue.declare("q", QueueOptions(lease=2))
        await queue.publish([Entry(queue="q", message_id=f"m{n}", body=b"x") for n in range(50)])
        process = child(CLAIMER, url)
        try:
            assert process.stdout is not None
            assert await trio.to_thread.run_sync(process.stdout.readline) == "claimed\n"
        finally:
            stop(process)
        found = await collect(queue, "q", 50)
        assert len(found) == 50
        assert {claim.attempt for claim in found.values()} == {2}
        process.communicate()


async def test_a_process_that_was_stopped_past_its_leases_does_no_harm_when_it_goes_on(
    cluster: Cluster, prefix: str
) -> None:
    url = cluster.url(prefix)
    async with open_(url) as queue:
        await queue.declare("q", QueueOptions(lease=2))
        ids = {f"m{number}" for number in range(60)}
        await queue.publish([Entry(queue="q", message_id=each, body=b"x") for each in ids])
        process = child(STALE, url)
        try:
            assert process.stdout is not None
            assert process.stdin is not None
            assert await trio.to_thread.run_sync(process.stdout.readline) == "claimed\n"
            process.send_signal(signal.SIGSTOP)
            claims: dict[str, Claim] = {}
            with trio.fail_after(60):
                while set(claims) != ids:
                    claims |= {claim.message_id: claim for claim in await queue.claim("q", 60, wait=1)}
            await queue.declare("q", QueueOptions(lease=60))
            process.send_signal(signal.SIGCONT)
            process.stdin.write("\n")
            process.stdin.flush()
            assert await trio.to_thread.run_sync(process.stdout.readline) == "said\n"
        finally:
            stop(process)
            process.communicate()
        # An acknowledgement may end the newer claim; what is to be tried again or given up is the newer claim's to say.
        stats = await queue.stats("q")
        assert stats.waiting + stats.in_flight >= 40
        assert await queue.dead() == []
        await queue.ack(list(claims.values()))
        with trio.fail_after(90):
            while stats.waiting + stats.in_flight:
                await queue.ack(await queue.claim("q", 60, wait=1))  # whose lease ran out here as well
                stats = await queue.stats("q")


async def test_a_publisher_is_killed_and_what_it_was_told_is_kept_is_there(
    cluster: Cluster, prefix: str
) -> None:
    url = cluster.url(prefix)
    async with open_(url) as queue:
        await queue.declare("q")
        process = child(PUBLISHER, url)
        told: list[str] = []
        assert process.stdout is not None
        for _ in range(10):
            told += (await trio.to_thread.run_sync(process.stdout.readline)).split()
        stop(process)
        told += process.stdout.read().split()
        process.communicate()
        assert len(told) >= 200
        found = await collect(queue, "q", (await queue.stats("q")).waiting)
        # The call under way may have been kept; of those that were answered none is missing.
        assert set(told) <= set(found)
        assert len(found) - len(told) in {0, 20}


async def test_an_answer_that_is_lost_does_not_store_twice(own_cluster: Cluster, prefix: str) -> None:
    async with open_(own_cluster.url(prefix)) as queue:
        await queue.declare("q")
        connected = next(node for node in own_cluster.nodes if node.ask("connz")["num_connections"])
        for number in range(10 * ROUNDS):
            ids = [f"m{number}-{place}" for place in range(50)]
            async with trio.open_nursery() as nursery:
                nursery.start_soon(
                    queue.publish, [Entry(queue="q", message_id=each, body=b"x" * 1000) for each in ids]
                )
                await trio.sleep(0.001 * number)
                if number == 5:
                    connected.kill()
        found = await collect(queue, "q", 500 * ROUNDS)
        assert len(found) == 500 * ROUNDS
        stats = await queue.stats("q")
        assert (stats.waiting, stats.in_flight) == (0, 0)


async def test_without_servers_calls_end_with_an_error_and_go_on_when_they_are_back(prefix: str) -> None:
    with running(size=1) as alone:
        async with open_(alone.url(prefix, unsafe=1, replicas=1, patience=1)) as queue:
            await queue.declare("q")
            alone.kill()
            entry = Entry(queue="q", message_id="m", body=b"x")
            with pytest.raises(QueueError, match="the cluster does not answer"):
                await queue.publish([entry])
            with pytest.raises(QueueError, match="the cluster does not answer"):
                await queue.claim("q", 1, wait=0.1)
            told = {measure.name: measure.value for measure in await queue.measures()}
            assert told["nats_unanswered_seconds_total"] > 0
            assert "nats_stream_bytes" not in told
            await trio.to_thread.run_sync(alone.start)
            with trio.fail_after(60):
                while True:
                    try:
                        await queue.publish([entry])
                        break
                    except QueueError:
                        await trio.sleep(0.1)
            assert [claim.message_id for claim in await queue.claim("q", 1, wait=10)] == ["m"]
