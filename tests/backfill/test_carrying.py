"""Parts on their way: every line accounted for, retries within the part, and one part that waits holds up no other."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from isthmus.outcomes import Code, Problem, Status
from isthmus.pipelines import Attempt, Batching, Destination, Filter, Rate, Sink
from isthmus.rules import DESTINATION, Schedule
from isthmus.sinks import CallableSink, Retry
from isthmus_backfill._carrier import RETRIES, shared
from isthmus_backfill._ledger import Counts
from isthmus_backfill._messages import Failed, Finished

from .conftest import carrying, event, failures, ndjson, plan_of, results, works


def to(call: Any, **options: Any) -> Destination:
    return shared(Destination(name="crm", to=CallableSink(call), **options), 1, 600.0)


def counts_of(said: Finished | Failed) -> Counts:
    assert isinstance(said, Finished), said
    return said.result.counts


async def test_every_line_is_accounted_for(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    tries: Counter[str] = Counter()

    def take(one: dict[str, Any]) -> None:
        name = one["messageId"]
        tries[name] += 1
        if name == "m1":
            raise ValueError("not today")
        if name == "m2" and tries[name] < 3:
            raise Retry("busy")
        if name == "m3":
            raise Retry("always busy")

    path = tmp_path / "a.ndjson"
    events = [
        *map(event, range(10)),
        event(5),  # once more: an archive holds what it holds
        event(10, integrations={"All": False}),
        event(11, integrations={"crm": False}),
        event(12, event="Heartbeat"),
        event(13, context={"locale": "de"}),
    ]
    ndjson(path, events)
    path.write_bytes(path.read_bytes() + b"{broken\n\n[]\n" + b'{"type":"page"}')
    wanted = Filter(except_events=("Heartbeat",), where="context.locale != 'de'")
    async with carrying(to(take, filter=wanted), tmp_path) as carrier:
        (work,) = works(plan_of(path))
        counts = counts_of(await carrier.carry(work))
    assert (counts.delivered, counts.refused, counts.given_up, counts.filtered) == (10, 1, 1, 4)
    assert (counts.broken, counts.events, counts.dropped) == (2, 16, 0)
    assert counts.retried == 2 + tries["m3"] - 1
    assert tries["m5"] == 2
    assert {name for name in tries if not name.startswith("m")} == {
        f"{work.file.identity}-{path.read_bytes().rindex(b'{')}"
    }
    (result,) = results(tmp_path / "ledger")
    assert result["counts"]["delivered"] == 10
    failed = {record["status"]: record for record in failures(tmp_path / "ledger")}
    assert failed["refused"]["event"] == event(1)
    assert "not today" in failed["refused"]["reason"]
    assert failed["given_up"]["attempts"] == tries["m3"] > 5
    assert failed["given_up"]["at"] == len(b"".join(json.dumps(event(n)).encode() + b"\n" for n in range(3)))
    assert len(failures(tmp_path / "ledger")) == counts.failed == 4


async def test_retries_end_within_the_time_they_are_given(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    at: list[float] = []

    def busy(one: dict[str, Any]) -> None:
        at.append(trio.current_time())
        raise Retry("always")

    async with carrying(to(busy, breaker=None), tmp_path) as carrier:
        (work,) = works(plan_of(ndjson(tmp_path / "a.ndjson", map(event, range(5)))))
        counts = counts_of(await carrier.carry(work))
    assert counts.given_up == 5
    assert 300 < max(at) - min(at) < 610


async def test_a_part_that_waits_for_retries_holds_up_no_other(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    ended: list[int] = []

    def take(one: dict[str, Any]) -> None:
        if one["messageId"] == "m0" and len(ended) < len(parts) - 1:
            raise Retry("later")

    path = ndjson(tmp_path / "a.ndjson", map(event, range(100)))
    parts = works(plan_of(path, 2000))
    assert len(parts) > 3
    patient = shared(Destination(name="crm", to=CallableSink(take)), 1, 1e9)
    async with carrying(patient, tmp_path) as carrier, trio.open_nursery() as nursery:

        async def carry(number: int) -> None:
            counts_of(await carrier.carry(parts[number]))
            ended.append(number)

        for number in range(len(parts)):
            nursery.start_soon(carry, number)
    assert ended[-1] == 0
    assert sorted(ended) == list(range(len(parts)))
    assert len(results(tmp_path / "ledger")) == len(parts)


async def test_a_batch_that_is_refused_is_halved_until_the_one_to_blame_is_alone(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    class Choosy(Sink):
        async def deliver(self, events: Any) -> Attempt:
            await trio.lowlevel.checkpoint()
            if any(b'"m7"' in text for text in events):
                problem = Problem(name="BadRequest", message="status 400", code=Code.BAD_REQUEST)
                return Attempt(status=Status.REFUSED, problem=problem)
            return Attempt(status=Status.DELIVERED)

    destination = Destination(name="crm", to=Choosy(), batching=Batching(count=10, wait=0.01))
    async with carrying(destination, tmp_path) as carrier:
        (work,) = works(plan_of(ndjson(tmp_path / "a.ndjson", map(event, range(20)))))
        counts = counts_of(await carrier.carry(work))
    assert (counts.delivered, counts.refused) == (19, 1)


async def test_a_rate_holds_from_one_part_to_the_next(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    at: list[float] = []
    path = ndjson(tmp_path / "a.ndjson", map(event, range(60)))
    destination = to(lambda one: at.append(trio.current_time()), rate=Rate(per_second=10, burst=5))
    async with carrying(destination, tmp_path) as carrier:
        for work in works(plan_of(path, 1024)):
            counts_of(await carrier.carry(work))
    assert len(at) == 60
    assert all(later - before >= 0.99 for before, later in zip(at, at[15:], strict=False))


async def test_a_file_that_changed_is_not_carried_and_the_next_one_is(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    seen: list[str] = []
    first = plan_of(ndjson(tmp_path / "a.ndjson", map(event, range(3))))
    second = plan_of(ndjson(tmp_path / "b.ndjson", map(event, range(3, 5))))
    ndjson(tmp_path / "a.ndjson", map(event, range(4)))
    async with carrying(to(lambda one: seen.append(one["messageId"])), tmp_path) as carrier:
        said = [await carrier.carry(work) for work in works(first, second)]
    assert isinstance(said[0], Failed)
    assert "has changed since the plan was made" in said[0].reason
    assert counts_of(said[1]).delivered == 2
    assert seen == ["m3", "m4"]
    assert len(results(tmp_path / "ledger")) == 1


async def test_a_destination_that_is_switched_off_is_reached_as_by_a_replay(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async with carrying(to(lambda one: None, enabled=False), tmp_path) as carrier:
        (work,) = works(plan_of(ndjson(tmp_path / "a.ndjson", [event(1, integrations={})])))
        assert counts_of(await carrier.carry(work)).delivered == 1


async def test_progress_is_told_of_parts_under_way_and_of_no_others(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    reached, release = trio.Event(), trio.Event()

    async def take(one: dict[str, Any]) -> None:
        if one["messageId"] == "m2":
            reached.set()
            await release.wait()

    async with (
        carrying(to(take, batching=Batching(count=1, wait=0.0)), tmp_path) as carrier,
        trio.open_nursery() as nursery,
    ):
        (work,) = works(plan_of(ndjson(tmp_path / "a.ndjson", map(event, range(3)))))
        nursery.start_soon(carrier.carry, work)
        await reached.wait()
        await trio.testing.wait_all_tasks_blocked()
        assert carrier.progress().parts == [((0, 0), work.part.bytes * 2 // 3, Counts(delivered=2))]
        release.set()
    assert carrier.progress().parts == []


@pytest.mark.parametrize(("sharing", "per_second", "burst"), [(1, 100.0, 40), (4, 25.0, 10), (64, 1.5625, 1)])
def test_processes_share_a_rate(sharing: int, per_second: float, burst: int) -> None:
    whole = Destination(
        name="crm",
        to=CallableSink(print),
        rate=Rate(per_second=100, burst=40),
        concurrency=128,
        ordered_by="userId",
    )
    part = shared(whole, sharing, 60.0)
    assert part.rate == Rate(per_second=per_second, burst=burst)
    assert part.concurrency == 128 // sharing
    assert part.ordered_by is None


def test_a_schedule_that_was_chosen_is_kept_within_the_time_for_retries() -> None:
    def of(schedule: Schedule, retry_for: float) -> Schedule:
        return shared(
            Destination(name="crm", to=CallableSink(print), schedule=schedule), 1, retry_for
        ).schedule

    chosen = Schedule(first=(5.0, 5.0), cap=5.0, window=50.0, attempts=3)
    assert of(chosen, 600.0) == chosen
    assert of(chosen, 20.0).window == 20.0
    assert of(DESTINATION, 30.0).first == RETRIES.first
    assert of(DESTINATION, 86_400.0).window == 86_400.0
