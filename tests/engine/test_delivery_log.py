"""The log of deliveries on disk."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import isthmus
from isthmus import EngineError, Status
from isthmus._journal.reading import JournalReader
from isthmus.abc import FetchRequest, FetchResponse
from isthmus.deliveries import DeliveryReader, open_delivery_log
from isthmus.outcomes import Code, Exchange, LogLine, Problem
from isthmus.pipelines import Accepted, Attempted, Destination, Source
from isthmus.rules import Decision, Delivered, Dropped, Refused, RetryAt
from isthmus.testing import MockFetcher, Throw, World

from .piping import QUICKLY, opened, track, until_empty

NOW = 1e9


def attempted(
    delivery: str, attempt: int = 1, decision: Decision | None = None, *, at: float = NOW, queue: str = "q"
) -> Attempted:
    decision = Delivered() if decision is None else decision
    failed = not isinstance(decision, Delivered | Dropped)
    return Attempted(
        queue=queue,
        delivery=delivery,
        attempt=attempt,
        status=Status.RETRY if failed else Status.DELIVERED,
        problem=Problem(name="RetryError", message="busy", code=Code.RETRY) if failed else None,
        decision=decision,
        at=at,
        age=1.0,
        took=0.5,
    )


async def test_a_delivery_is_read_with_all_its_attempts(tmp_path: Path) -> None:
    async with open_delivery_log(tmp_path / "log", sample=0.0) as log:
        log(Accepted("web", "m1", ("q",)))
        log(attempted("web:m1", 1, RetryAt(5.0, NOW + 5), at=NOW))
        log(attempted("web:m2", 1, Refused("permanent"), at=NOW + 1))
        log(attempted("web:m3", 1, Delivered(), at=NOW + 2))
        log(attempted("web:m1", 2, Delivered(), at=NOW + 5))
        log(attempted("web:m4", 1, Dropped(), at=NOW + 6))
    assert log.lost == 0
    found = DeliveryReader(tmp_path / "log").deliveries()
    assert [(one.id, [each.became for each in one.attempts]) for one in found] == [
        ("web:m4", ["dropped"]),
        ("web:m1", ["retry", "delivered"]),
        ("web:m2", ["dead"]),
    ]
    first = found[1].attempts[0]
    assert (first.retry_in, first.age, first.took) == (5.0, 1.0, 0.5)
    assert first.problem == Problem(name="RetryError", message="busy", code=Code.RETRY)
    assert found[2].last.reason == "permanent"


async def test_attempts_are_found_by_time_text_and_message_id(tmp_path: Path) -> None:
    now = time.time()
    async with open_delivery_log(tmp_path) as log:
        for number in range(5):
            log(attempted(f"web:m{number}", 1, Refused("permanent"), at=now + number))
        log(attempted("web:m1~abc", 1, Refused("permanent"), at=now + 9, queue="other"))
        log(attempted("web:xm1", 1, Refused("permanent"), at=now + 9))
    reader = DeliveryReader(tmp_path)
    assert [one.id for one in reader.deliveries(containing="m3")] == ["web:m3"]
    assert {one.id for one in reader.deliveries() if one.is_of("m1")} == {"web:m1", "web:m1~abc"}
    assert {one.id for one in reader.deliveries() if one.is_of("web:m1")} == {"web:m1", "web:m1~abc"}
    timed = DeliveryReader(tmp_path, since=now + 1, until=now + 2)
    assert [one.id for one in timed.deliveries()] == ["web:m2", "web:m1"]
    assert len(reader.deliveries(most=3)) == 3
    assert [one.id for one in reader.deliveries(wants=lambda each: each.queue == "other")] == ["web:m1~abc"]


async def test_of_successes_a_share_is_kept_and_the_same_for_every_destination(tmp_path: Path) -> None:
    async with open_delivery_log(tmp_path, sample=0.2) as log:
        for number in range(500):
            for queue in ("a", "b"):
                log(attempted(f"web:m{number}", queue=queue))
    found = DeliveryReader(tmp_path).deliveries()
    of = {queue: {one.id for one in found if one.queue == queue} for queue in ("a", "b")}
    assert of["a"] == of["b"]
    assert 60 < len(of["a"]) < 140


async def test_what_becomes_of_a_dead_letter_that_was_put_back_is_kept(tmp_path: Path) -> None:
    async with open_delivery_log(tmp_path, sample=0.0) as log:
        log(attempted("web:m1", 3, Refused("attempts"), at=NOW))
        log(attempted("web:m1", 1, RetryAt(5.0, NOW + 15), at=NOW + 10))
        log(attempted("web:m1", 2, Delivered(), at=NOW + 15))
        log(attempted("web:m2", 1, Refused("permanent"), at=NOW + 16))
        log(attempted("web:m2", 1, Delivered(), at=NOW + 17, queue="other"))
        log(attempted("web:m2", 1, Delivered(), at=NOW + 18))
        log(attempted("web:m2", 1, Delivered(), at=NOW + 19))
    found = DeliveryReader(tmp_path).deliveries()
    assert [(one.queue, one.id, [each.became for each in one.attempts]) for one in found] == [
        ("q", "web:m2", ["dead", "delivered"]),
        ("q", "web:m1", ["dead", "retry", "delivered"]),
    ]


async def test_texts_are_cut_and_headers_left_out(tmp_path: Path) -> None:
    exchange = Exchange(
        method="POST",
        url="https://x/" + "u" * 5000,
        request_headers=(("authorization", "hush"),),
        request_body="r" * 500,
        response_body="é" * 500,
        response_headers=(("set-cookie", "hush"),),
        status=500,
    )
    seen = Attempted(
        queue="q",
        delivery="web:m",
        attempt=1,
        status=Status.REFUSED,
        problem=Problem(name="E" * 5000, message="m\ud800" * 500, stack="s" * 500, code=Code.BAD_REQUEST),
        decision=Refused("permanent"),
        at=1.0,
        age=0.0,
        took=0.0,
        exchanges=(exchange,) * 9,
        logs=(LogLine("log", "l" * 500),) * 99,
    )
    async with open_delivery_log(tmp_path, sample_bytes=100) as log:
        log(seen)
    (line,) = JournalReader(tmp_path).lines()
    assert len(line) < 40_000
    assert b"hush" not in line
    (record,) = DeliveryReader(tmp_path).attempts()
    assert record.problem is not None
    assert len(record.problem.message) == len(record.problem.stack) == 101
    assert (len(record.exchanges), len(record.logs)) == (5, 20)
    assert record.exchanges[0].response_body == "é" * 100 + "…"
    assert record.exchanges[0].status == 500


async def test_lines_that_are_no_records_are_passed_over(tmp_path: Path) -> None:
    async with open_delivery_log(tmp_path) as log:
        log(attempted("web:m", 1, Refused("permanent")))
        log._writer._encode = lambda seen: b'{"of": "another version"}'
        log(attempted("web:n", 1, Refused("permanent")))
    # both may have been written after the change, or only the second
    assert len(list(DeliveryReader(tmp_path).attempts())) <= 1
    assert DeliveryReader(tmp_path / "not there").deliveries() == []


async def test_a_pipelines_log_shows_what_failed_without_its_secrets(
    autojump_clock: object, tmp_path: Path
) -> None:
    secret = "s3cr3t-of-the-test"

    async def on_track(event: dict[str, object], settings: dict[str, str], world: World) -> None:
        world.host.log("log", f"with {settings['key']}")
        await world.host.fetch(FetchRequest(url=f"https://api.example.com/?key={settings['key']}"))
        if event["n"] == 1:
            raise Throw("RetryError", f"{settings['key']} is busy")

    fetcher = MockFetcher(lambda request: FetchResponse(status=503, body=b"try later", url=request.url))
    async with opened({"crm": {"onTrack": on_track}}, fetcher) as (engine, queue):
        function = isthmus.Function(
            name="crm",
            kind=isthmus.Kind.DESTINATION,
            language="scripted",
            code="crm",
            settings=(isthmus.SettingDefinition(name="key", sensitive=True),),
        )
        crm = await engine.load(function, settings={"key": secret})
        async with (
            open_delivery_log(tmp_path, sample=1.0) as log,
            isthmus.open_pipeline(
                engine,
                queue,
                sources=[Source(id="web")],
                destinations=[Destination(name="crm", to=crm, schedule=QUICKLY)],
                clock=queue._now,
                observe=log,
            ) as pipeline,
        ):
            await pipeline.accept("web", [track(1), track(2)])
            await until_empty(queue, "destination:crm")
    raw = b"\n".join(JournalReader(tmp_path).lines())
    assert secret.encode() not in raw
    failed, well = sorted(DeliveryReader(tmp_path).deliveries(), key=lambda one: -len(one.attempts))
    assert [one.became for one in failed.attempts] == ["retry"] * 5 + ["dead"]
    assert [one.attempt for one in failed.attempts] == [1, 2, 3, 4, 5, 6]
    assert failed.last.problem is not None
    assert failed.last.problem.message == "[redacted:key] is busy"
    assert failed.last.exchanges[0].response_body == "try later"
    assert failed.last.exchanges[0].status == 503
    assert failed.last.logs[0].text == "with [redacted:key]"
    assert [one.became for one in well.attempts] == ["delivered"]
    assert well.last.exchanges == ()


@pytest.mark.parametrize("wrong", [{"sample": 2}, {"sample_bytes": -1}, {"max_age": 0}, {"max_bytes": 0}])
async def test_numbers_that_are_none_are_refused(wrong: dict[str, float], tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="delivery log"):
        async with open_delivery_log(tmp_path / "log", **wrong):  # type: ignore[arg-type]
            pass
    assert not (tmp_path / "log").exists()
