"""What a pipeline measures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import trio

import isthmus
from isthmus.metrics import Family, Histogram, Metrics, Sample
from isthmus.pipelines import Destination, LaneStats, PipelineStats, Source
from isthmus.queues import Measure, QueueStats
from isthmus.sinks import CallableSink, Retry

from .piping import QUICKLY, Kept, Unsteady, opened, track, until_empty


def family(metrics: Metrics, name: str) -> Family:
    return next(one for one in metrics.families() if one.name == name)


def values(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    found = {}
    for sample in family(metrics, name).samples:
        assert isinstance(sample, Sample)
        found[tuple(sample.labels.values())] = sample.value
    return found


async def test_a_pipeline_counts_what_it_did_and_what_waits(autojump_clock: object) -> None:
    calls: list[int] = []

    def unsteady(event: dict[str, object]) -> None:
        calls.append(1)
        if len(calls) == 1:
            raise Retry("busy")
        if event["n"] == 3:
            raise ValueError("never")

    async with opened({}) as (engine, queue):
        destinations = [
            Destination(name="a", to=CallableSink(unsteady), schedule=QUICKLY),
            Destination(name="b", to=CallableSink(Kept()), breaker=None),
        ]
        async with isthmus.open_pipeline(
            engine, queue, sources=[Source(id="s")], destinations=destinations, clock=queue._now
        ) as pipeline:
            await pipeline.accept("s", [track(1), track(2), track(3)])
            await until_empty(queue, "destination:a", "destination:b")
            metrics = await pipeline.metrics()
    assert metrics.at == queue._now()
    assert values(metrics, "isthmus_events_accepted_total") == {(): 3.0}
    assert values(metrics, "isthmus_published_total") == {("destination:a",): 3.0, ("destination:b",): 3.0}
    assert values(metrics, "isthmus_attempts_total")["destination:a",] == 4.0
    deliveries = values(metrics, "isthmus_deliveries_total")
    assert deliveries["destination:a", "delivered"] == 2.0
    assert deliveries["destination:a", "dead"] == 1.0
    assert values(metrics, "isthmus_dead_letters_total") == {("destination:a", "permanent"): 1.0}
    assert values(metrics, "isthmus_retries_total") == {("destination:a", "retry"): 1.0}
    assert values(metrics, "isthmus_late_deliveries_total") == {("destination:a", "2"): 1.0}
    assert values(metrics, "isthmus_queue_dead") == {("destination:a",): 1.0, ("destination:b",): 0.0}
    assert values(metrics, "isthmus_queue_oldest_seconds") == {}
    breakers = values(metrics, "isthmus_breaker")
    assert breakers == {
        ("destination:a", "closed"): 1.0,
        ("destination:a", "half_open"): 0.0,
        ("destination:a", "open"): 0.0,
    }
    spread = {
        sample.labels["queue"]: sample
        for sample in family(metrics, "isthmus_delivery_latency_seconds").samples
        if isinstance(sample, Histogram)
    }
    assert sum(spread["destination:b"].counts) == 3
    assert len(spread["destination:b"].counts) == len(spread["destination:b"].bounds) + 1
    assert spread["destination:a"].sum >= 1.0  # one of them waited for its retry


async def test_counts_are_kept_for_a_moment_and_a_storage_that_is_away_leaves_them_out(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened({}) as (engine, memory):
        queue = Unsteady(memory)
        async with isthmus.open_pipeline(
            engine,
            queue,
            sources=[Source(id="s")],
            destinations=[Destination(name="d", to=CallableSink(Kept()))],
            clock=memory._now,
        ) as pipeline:
            queue.away = {"claim"}
            await pipeline.accept("s", track(1))
            assert (await pipeline.metrics(max_age=0.0)).queues["destination:d"].waiting == 1
            await pipeline.accept("s", track(2))
            assert (await pipeline.metrics(max_age=60.0)).queues["destination:d"].waiting == 1
            measure = Measure(name="shelf_boards", kind="gauge", help="Boards.", value=3.0)
            with monkeypatch.context() as patched:
                patched.setattr(queue, "measures", lambda: sleep_and_give([measure]))
                metrics = await pipeline.metrics(max_age=0.0)
            assert metrics.queues["destination:d"].waiting == 2
            assert values(metrics, "isthmus_shelf_boards") == {(): 3.0}
            queue.away = {"stats", "claim"}
            away = await pipeline.metrics(max_age=0.0)
            queue.away = set()
            await pipeline.drain()
    assert away.queues == {}
    assert values(away, "isthmus_events_accepted_total") == {(): 2.0}


async def sleep_and_give(measures: list[Measure]) -> list[Measure]:
    await trio.lowlevel.checkpoint()
    return measures


def test_names_are_as_monitoring_systems_want_them_and_each_is_there_once() -> None:
    lane = LaneStats(
        breaker="open", retried={"retry": 1}, dead={"window": 2}, latency=(0,) * 9, late={"3": 1}
    )
    stats = PipelineStats(accepted=1, lanes={"destination:d": lane})
    metrics = Metrics(at=0.0, stats=stats, queues={"destination:d": QueueStats(oldest=1.0)})
    families = metrics.families()
    names = [one.name for one in families]
    assert len(set(names)) == len(names)
    for one in families:
        assert re.fullmatch(r"isthmus_[a-z_]+", one.name)
        assert (one.kind == "counter") == one.name.endswith("_total")
        assert one.samples, one.name
        labels = [tuple(sorted(sample.labels.items())) for sample in one.samples]
        assert len(set(labels)) == len(labels)
    assert [one.name for one in Metrics(at=0.0, stats=PipelineStats()).families()] == names


def test_every_family_is_documented() -> None:
    told = (Path(__file__).parents[2] / "engine" / "README.md").read_text(encoding="utf-8")
    for one in Metrics(at=0.0, stats=PipelineStats()).families():
        assert f"`{one.name.removeprefix('isthmus_')}`" in told, one.name
