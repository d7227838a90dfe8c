"""One thread for all tasks: bursts, failures within them, and tasks that are cancelled meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio
import trio.testing

import isthmus
from isthmus.queues import Claim, Entry, QueueOptions
from isthmus_sqlite._jobs import Job
from isthmus_sqlite._queue import SqliteQueue
from isthmus_sqlite._store import Store

from .conftest import Opener, Times


def entry(message_id: str, size: int = 10) -> Entry:
    return Entry(queue="q", message_id=message_id, body=bytes(size))


@pytest.fixture
def bursts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many jobs each transaction had."""
    sizes: list[int] = []
    original = Store.run

    def run(self: Store, jobs: Sequence[Job]) -> None:
        sizes.append(len(jobs))
        original(self, jobs)

    monkeypatch.setattr(Store, "run", run)
    return sizes


@contextmanager
def busy(queue: SqliteQueue) -> Iterator[None]:
    """The writer is at something else until the end of this."""
    begun, free = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        free.wait(30)

    queue._writer._put(Job(wait))
    begun.wait(30)
    try:
        yield
    finally:
        free.set()


async def test_what_gathers_while_the_writer_is_busy_is_one_transaction(
    open_queue: Opener, bursts: list[int]
) -> None:
    async with open_queue() as queue:
        await queue.declare("q")
        bursts.clear()
        async with trio.open_nursery() as nursery:
            with busy(queue):
                for number in range(100):
                    nursery.start_soon(queue.publish, [entry(str(number))])
                await trio.testing.wait_all_tasks_blocked()
        assert bursts == [1, 100]
        assert (await queue.stats("q")).waiting == 100


async def test_a_waiting_claim_asks_for_nothing_meanwhile(open_queue: Opener, bursts: list[int]) -> None:
    async with open_queue() as queue:
        await queue.declare("q")
        bursts.clear()
        assert await queue.claim("q", 1, wait=0.5) == []
        assert len(bursts) <= 2


async def test_what_can_not_be_done_fails_alone(open_queue: Opener) -> None:
    async with open_queue(max_bytes="3000000") as queue:
        await queue.declare("q")
        outcomes: dict[str, str] = {}

        async def attempt(name: str, call: Callable[[], Awaitable[object]]) -> None:
            try:
                await call()
                outcomes[name] = "done"
            except isthmus.IsthmusError as exc:
                outcomes[name] = type(exc).__name__

        async with trio.open_nursery() as nursery:
            with busy(queue):
                nursery.start_soon(attempt, "small", lambda: queue.publish([entry("small")]))
                large = [entry(f"large{each}", 1_000_000) for each in range(4)]
                nursery.start_soon(attempt, "large", lambda: queue.publish(large))
                nursery.start_soon(attempt, "unknown", lambda: queue.claim("nothing", 1))
                nursery.start_soon(attempt, "other", lambda: queue.publish([entry("other")]))
                await trio.testing.wait_all_tasks_blocked()
        assert outcomes == {"small": "done", "large": "QueueFull", "unknown": "InvalidInput", "other": "done"}
        assert {claim.message_id for claim in await queue.claim("q", 10)} == {"small", "other"}


async def test_what_a_cancelled_task_asked_for_is_done_or_not_but_strands_nothing(open_queue: Opener) -> None:
    async with open_queue() as queue:
        await queue.declare("q", QueueOptions(lease=3600.0))
        await queue.publish([entry(str(number)) for number in range(6)])
        claims = {claim.message_id: claim for claim in await queue.claim("q", 6)}
        calls: list[Callable[[], Awaitable[object]]] = [
            lambda: queue.publish([entry("new")]),
            lambda: queue.claim("q", 10),
            lambda: queue.claim("q", 10, wait=60),
            lambda: queue.ack([claims["0"]]),
            lambda: queue.retry([(claims["1"], 0.0)]),
            lambda: queue.dead_letter([(claims["2"], "gone")]),
            lambda: queue.extend([claims["3"]]),
            lambda: queue.stats("q"),
            lambda: queue.dead(),
            lambda: queue.declare("other"),
        ]
        for call in calls:
            with busy(queue), trio.CancelScope() as scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(call)
                    await trio.testing.wait_all_tasks_blocked()
                    scope.cancel()
            assert scope.cancelled_caught
        stats = await queue.stats("q")
        assert stats.waiting + stats.in_flight == 5
        assert stats.dead == 1
        free = {claim.message_id for claim in await queue.claim("q", 10)}
        assert free == {"1", "new"}


async def test_claims_nobody_got_are_as_if_never_made(
    open_queue: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    leased, go_on = threading.Event(), threading.Event()
    original = Store.run

    def run(self: Store, jobs: Sequence[Job]) -> None:
        original(self, jobs)
        if any(job.answer and isinstance(job.answer, tuple) and job.answer[0] for job in jobs):
            leased.set()
            go_on.wait(30)

    async with open_queue() as queue:
        await queue.declare("q", QueueOptions(lease=3600.0, max_unacked=1))
        await queue.publish([entry("a")])
        monkeypatch.setattr(Store, "run", run)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(queue.claim, "q", 1)
            await trio.to_thread.run_sync(leased.wait, 30)
            nursery.cancel_scope.cancel()
        go_on.set()
        claims: list[Claim] = await queue.claim("q", 1, wait=30)
        assert [(claim.message_id, claim.attempt) for claim in claims] == [("a", 1)]


async def test_a_file_that_can_not_be_synced_is_not_written_to_again(
    open_queue: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3

    async with open_queue() as queue:
        await queue.declare("q")
        original = Store._run

        def fail(self: Store, jobs: Sequence[Job]) -> None:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorname = "SQLITE_IOERR_FSYNC"
            raise error

        monkeypatch.setattr(Store, "_run", fail)
        with pytest.raises(isthmus.QueueError, match="SQLITE_IOERR_FSYNC"):
            await queue.publish([entry("a")])
        monkeypatch.setattr(Store, "_run", original)
        with pytest.raises(isthmus.QueueError, match="SQLITE_IOERR_FSYNC"):
            await queue.publish([entry("a")])


async def test_how_the_file_fares_is_told(tmp_path: Path) -> None:
    async with isthmus.open_queue(f"sqlite:{tmp_path}/q.db") as queue:
        await queue.declare("q")
        before = {measure.name: measure for measure in await queue.measures()}
        await queue.publish([Entry(queue="q", message_id="m", body=b"x" * 10_000)])
        after = {measure.name: measure for measure in await queue.measures()}
    assert all((name.endswith("_total")) == (measure.kind == "counter") for name, measure in after.items())
    assert after["sqlite_commits_total"].value >= before["sqlite_commits_total"].value + 1
    assert after["sqlite_commit_seconds_total"].value > before["sqlite_commit_seconds_total"].value
    assert after["sqlite_committed_calls_total"].value >= after["sqlite_commits_total"].value
    assert after["sqlite_used_bytes"].value > before["sqlite_used_bytes"].value
    assert after["sqlite_log_bytes"].value > before["sqlite_log_bytes"].value


async def test_leases_that_ran_out_are_counted_and_retries_are_not(open_queue: Opener, times: Times) -> None:
    async with open_queue() as queue:
        await queue.declare("q", QueueOptions(lease=30.0))
        await queue.publish([entry("a"), entry("b")])
        claims = {claim.message_id: claim for claim in await queue.claim("q", 2)}
        await queue.retry([(claims["a"], 0.0)])
        await times.advance(31.0)
        assert len(await queue.claim("q", 2)) == 2
        told = {measure.name: measure.value for measure in await queue.measures()}
    assert told["sqlite_expired_leases_total"] == 1
