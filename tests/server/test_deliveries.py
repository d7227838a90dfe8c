"""What a pipeline does, counted into the store and asked for over the API."""

from __future__ import annotations

import time

import pytest
import trio
from tests.server.asking import Api
from tests.server.test_store import made_destination, made_source

import isthmus
from isthmus import Problem, Status
from isthmus.outcomes import Code
from isthmus.pipelines import Accepted, Attempted, BreakerMoved, Destination, Observation, Source
from isthmus.rules import Decision, Delivered, Dropped, Refused, RetryAt
from isthmus.testing import MemoryQueue
from isthmus_server.store import WEBHOOKS, CountKey, Step, Store, counting
from isthmus_server.store.delivery_counts import count_of

FAULT = Problem(name="RetryError", message="later", code=Code.RETRY)
NOON = 1_800_000_000.0 // 86_400 * 86_400 + 43_200


def attempted(queue: str, delivery: str, decision: Decision, problem: Problem | None = None) -> Attempted:
    return Attempted(
        queue=queue,
        delivery=delivery,
        attempt=1,
        status=Status.RETRY if problem else Status.DELIVERED,
        problem=problem,
        decision=decision,
        at=NOON,
        age=1.0,
        took=1.0,
    )


@pytest.mark.parametrize(
    ("seen", "source", "destination", "step", "reason"),
    [
        (Accepted("s", "m", ("destination:d",)), "s", "", Step.RECEIVED, ""),
        (Accepted("s", "m", ()), "s", "", Step.FILTERED_AT_SOURCE, "no_destination"),
        (attempted("destination:d", "s:m:1", Delivered()), "s", "d", Step.DELIVERED, ""),
        (attempted("destination:d", "s:m", Dropped()), "s", "d", Step.FILTERED_AT_DESTINATION, ""),
        (attempted("destination:d", "s:m", Refused("permanent"), FAULT), "s", "d", Step.FAILED, "retry"),
        (attempted("destination:d", "s:m", RetryAt(1, 2), FAULT), "s", "d", Step.RETRIED, "retry"),
        (attempted("webhook:s", "m", Refused("attempts"), FAULT), "s", "", Step.FAILED_ON_INGEST, "retry"),
        (attempted("source:s", "m", Dropped()), "s", "", Step.FILTERED_AT_SOURCE, ""),
    ],
)
def test_what_is_seen_counts_once(
    seen: Observation, source: str, destination: str, step: Step, reason: str
) -> None:
    assert count_of(seen, NOON + 59.9) == CountKey(int(NOON * 1000), source, destination, step, reason)


def test_what_is_no_event_counts_nothing() -> None:
    assert count_of(BreakerMoved("destination:d", "open"), NOON) is None
    assert count_of(attempted("source:s", "m", Delivered()), NOON) is None


async def test_counts_add_up_and_old_ones_are_forgotten(store: Store) -> None:
    now = int(time.time() * 1000)
    minute = now // 60_000 * 60_000
    key, old = CountKey(minute, "s", "d", Step.FAILED, "retry"), CountKey(1_000_000, "s", "d", Step.FAILED)
    for count in (2, 3):
        await store.write(lambda tx, count=count: tx.delivery_counts.add({key: count, old: 1}))  # type: ignore[misc]
    found = await store.read(
        lambda tx: tx.delivery_counts.between([Step.FAILED], "s", "d", since=0, until=now, span=60_000)
    )
    assert [(count.at, count.count) for count in found] == [(minute, 5)]


async def test_a_pipelines_deliveries_are_shown(api: Api) -> None:
    source = await made_source(api.store)
    destination = await made_destination(api.store, source, WEBHOOKS, url="https://example.com/")
    code = """async function onTrack(event) {
      if (event.event === 'Bad') throw new ValidationError('no');
      return 'ok' }"""
    function = isthmus.Function(name="f", kind=isthmus.Kind.DESTINATION, language="javascript", code=code)
    instance = await api.engine.load(function)
    events = [
        {"type": "track", "event": event, "userId": "u", "messageId": event} for event in ("A", "B", "Bad")
    ]
    queue = MemoryQueue()
    async with (
        counting(api.store) as observe,
        isthmus.open_pipeline(
            api.engine,
            queue,
            sources=[Source(id=source.id)],
            destinations=[Destination(name=destination.id, to=instance)],
            observe=observe,
        ) as pipeline,
    ):
        await pipeline.accept(source.id, events)
        await pipeline.drain()
    span = "startTime=2026-01-01T00:00:00Z&endTime=2029-01-01T00:00:00Z&granularity=DAY"
    where = f"sourceId={source.id}&destinationConfigId={destination.id}&{span}"
    received = await api.done("GET", f"/delivery-overview/successfully-received?sourceId={source.id}&{span}")
    assert received["total"] == 3
    delivered = await api.done("GET", f"/delivery-overview/successful-delivery?{where}")
    assert delivered["total"] == delivered["dataset"][0]["total"] == 2
    assert sum(point["count"] for point in delivered["dataset"][0]["series"]) == 2
    failed = await api.done("GET", f"/delivery-overview/failed-delivery?{where}&groupBy%5B0%5D=discardReason")
    assert [(each["discardReason"], each["total"]) for each in failed["dataset"]] == [("message_rejected", 1)]
    for reason, total in (("message_rejected", 1), ("bad_request", 0)):
        path = f"/delivery-overview/failed-delivery?{where}&filter%5BdiscardReason%5D%5B0%5D={reason}"
        assert (await api.done("GET", path))["total"] == total
    path = (
        f"/destinations/{destination.id}/delivery-metrics?sourceId={source.id}&endTime=2029-01-01T00:00:00Z"
    )
    summary = await api.done("GET", f"{path}&startTime=2026-01-01T00:00:00Z")
    metrics = {each["metricName"]: each["total"] for each in summary["deliveryMetricsSummary"]["metrics"]}
    assert metrics == {"successes": 2, "discards": 1, "retries": 0, "filtered": 0}


async def test_counts_wait_for_a_store_that_is_away(
    store: Store, monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.testing.MockClock
) -> None:
    from isthmus_server.store import StoreError

    real, failures = Store.write, 0

    async def write(self: Store, action: object, *, actor: str = "system") -> object:
        nonlocal failures
        if failures < 2:
            failures += 1
            raise StoreError("away")
        return await real(self, action, actor=actor)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "write", write)
    async with counting(store, every=5.0, clock=lambda: NOON) as observe:
        observe(Accepted("s", "m", ("destination:d",)))
        await trio.sleep(11)
        observe(Accepted("s", "n", ("destination:d",)))
    found = await store.read(
        lambda tx: tx.delivery_counts.between(
            [Step.RECEIVED], "s", "", since=0, until=int(NOON * 1000) + 1, span=60_000
        )
    )
    assert (failures, [count.count for count in found]) == (2, [2])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("startTime=x&endTime=2026-01-02&granularity=DAY", "startTime"),
        ("startTime=2026-01-02&endTime=2026-01-01&granularity=DAY", "endTime"),
        ("startTime=2020-01-02&endTime=2026-01-01&granularity=MINUTE", "granularity"),
        ("startTime=2026-01-01&endTime=2026-01-02&granularity=YEAR", "granularity"),
        ("startTime=2026-01-01&endTime=2026-01-02&granularity=DAY&groupBy=eventName", "groupBy"),
        ("endTime=2026-01-02&granularity=DAY", "startTime"),
    ],
)
async def test_what_can_not_be_counted_is_said(api: Api, query: str, field: str) -> None:
    source = await made_source(api.store)
    errors = await api.refused(
        422, "GET", f"/delivery-overview/successfully-received?sourceId={source.id}&{query}"
    )
    assert field in {error["field"].split("[")[0] for error in errors}
