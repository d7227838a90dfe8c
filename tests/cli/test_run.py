"""``isthmus run``: events in, outcomes out, counts and an exit status that are true."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from isthmus._cli.units import plural
from isthmus.abc import FetchRequest, FetchResponse
from isthmus.testing import MockFetcher, ScriptedRuntime, Throw, World

from .conftest import Isthmus, track

FUNCTION = "f.scripted"
THROWN = {"retry": "RetryError", "reject": "InvalidEventPayload", "bug": "TypeError", "drop": "DropEvent"}


def on_track(event: dict[str, Any], _settings: object, _world: World) -> object:
    """Does as the event says."""
    what = event.get("properties", {}).get("do", "return")
    if what in THROWN:
        raise Throw(THROWN[what], f"{what} it")
    return event.get("userId")


@pytest.fixture
def runtime(tmp_path: Path) -> ScriptedRuntime:
    (tmp_path / FUNCTION).write_text("f")
    return ScriptedRuntime({"onTrack": on_track})


def write(path: Path, *lines: bytes) -> str:
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path.name


def test_one_outcome_a_line_with_the_line_it_is_of(
    isthmus: Isthmus, runtime: ScriptedRuntime, tmp_path: Path
) -> None:
    events = write(tmp_path / "e", track(1), b"", track(2, do="retry"), b'{"type":"page"}')
    ran = isthmus("run", FUNCTION, events, plugins=[runtime])
    assert ran.status == 1
    assert [(line["line"], line["handler"], line["status"]) for line in ran.lines] == [
        (1, "onTrack", "delivered"),
        (3, "onTrack", "retry"),
        (4, "onPage", "refused"),
    ]
    assert [line.get("value") for line in ran.lines] == ["u1", None, None]
    assert ran.lines[1]["problem"] == {"name": "RetryError", "message": "retry it", "code": "retry"}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    what=st.lists(st.sampled_from(["return", *THROWN, "broken", "blank"]), max_size=15), packed=st.booleans()
)
def test_the_exit_status_and_the_counts_are_true(
    what: list[str], packed: bool, isthmus: Isthmus, runtime: ScriptedRuntime, tmp_path: Path
) -> None:
    lines = {"broken": b'{"type":"tra', "blank": b" "}
    data = b"\n".join(lines.get(do) or track(number, do=do) for number, do in enumerate(what, 1))
    (tmp_path / "e").write_bytes(gzip.compress(data) if packed else data)
    ran = isthmus("run", FUNCTION, "e", "--kind", "insert", plugins=[runtime])
    # An insert function that returns the user's id, and not an event, is refused.
    statuses = {
        "return": "refused",
        "drop": "dropped",
        "retry": "retry",
        "reject": "refused",
        "bug": "refused",
    }
    expected = [(number, statuses[do]) for number, do in enumerate(what, 1) if do in statuses]
    assert [(line["line"], line["status"]) for line in ran.lines] == expected
    bad = [do for do in what if do not in {"drop", "blank"}]
    assert ran.status == (1 if bad else 0)
    assert ran.err.count("e, line ") == what.count("broken")
    assert f" {plural(len(expected), 'event')} in " in ran.err


def test_a_broken_line_is_named_and_stops_nothing(
    isthmus: Isthmus, runtime: ScriptedRuntime, tmp_path: Path
) -> None:
    events = write(tmp_path / "e", track(1), b"{broken", b"[1]", b"\xff{}", track(5))
    ran = isthmus("run", FUNCTION, events, plugins=[runtime])
    assert ran.status == 1
    assert [line["line"] for line in ran.lines] == [1, 5]
    assert [line for line in ran.err.splitlines() if line.startswith("e, line ")] == [
        "e, line 2: an event is a JSON object, and this is not JSON: object keys must be strings (byte 1)",
        "e, line 3: an event is a JSON object, and this is JSON of type array",
        "e, line 4: an event is UTF-8 text, and this is not: invalid start byte at byte 0",
    ]
    assert "3 lines held no event" in ran.err


@pytest.mark.parametrize(("kind", "handlers"), [("source", "onRequest"), ("source_insert", "onTrack")])
def test_a_kind_without_batches_gets_its_events_one_by_one(
    kind: str, handlers: str, isthmus: Isthmus, tmp_path: Path
) -> None:
    (tmp_path / FUNCTION).write_text("f")
    scripts = {handlers: lambda event, *_: event, "onBatch": lambda *_: pytest.fail("a batch")}
    events = write(tmp_path / "e", track(1), track(2))
    ran = isthmus("run", FUNCTION, events, "--kind", kind, plugins=[ScriptedRuntime(scripts)])
    assert ran.status == 0
    assert [(line["line"], line["handler"], line.get("lines")) for line in ran.lines] == [
        (1, handlers, None),
        (2, handlers, None),
    ]
    ran = isthmus("run", FUNCTION, events, "--kind", kind, "--batch", "2", plugins=[ScriptedRuntime(scripts)])
    assert (ran.status, ran.err) == (2, f"isthmus run: --batch: a {kind} function takes no batches\n")


def test_several_files_and_their_names(isthmus: Isthmus, runtime: ScriptedRuntime, tmp_path: Path) -> None:
    write(tmp_path / "a 100%", track(1), track(2))
    (tmp_path / "b").write_bytes(b"[" + track(3) + b"]")
    ran = isthmus("run", FUNCTION, "a 100%", "b", "--from-line", "2", plugins=[runtime])
    assert ran.status == 0
    assert {(line["file"], line["line"], line["value"]) for line in ran.lines} == {
        ("a 100%", 2, "u2"),
        ("b", 1, "u3"),
    }


def test_arguments_may_stand_in_any_order(isthmus: Isthmus, runtime: ScriptedRuntime, tmp_path: Path) -> None:
    write(tmp_path / "a", track(1))
    write(tmp_path / "b", track(2))
    ran = isthmus(
        "run", "--concurrency", "3", FUNCTION, "--quiet", "a", "--wall", "2s", "b", plugins=[runtime]
    )
    assert (ran.status, ran.err) == (0, "")
    assert len(ran.lines) == 2


def test_out_goes_to_a_file_and_may_be_added_to(
    isthmus: Isthmus, runtime: ScriptedRuntime, tmp_path: Path
) -> None:
    write(tmp_path / "e", track(1), track(2))
    for extra in ((), (), ("--append", "--from-line", "2")):
        ran = isthmus("run", FUNCTION, "e", "--out", "o", *extra, plugins=[runtime])
        assert (ran.status, ran.out) == (0, "")
    lines = [json.loads(line)["line"] for line in (tmp_path / "o").read_text().splitlines()]
    assert sorted(lines) == [1, 2, 2]
    assert isthmus("run", FUNCTION, "e", "--out", "-", plugins=[runtime]).out.count("\n") == 2


def test_what_was_written_stays_where_the_function_does_not_load(isthmus: Isthmus, tmp_path: Path) -> None:
    (tmp_path / FUNCTION).write_text("f")
    write(tmp_path / "e", track(1))
    (tmp_path / "o").write_text("kept")
    assert isthmus("run", FUNCTION, "e", "--out", "o", plugins=[ScriptedRuntime(scripts={})]).status == 3
    assert (tmp_path / "o").read_text() == "kept"


def test_the_summary_is_a_table_with_errors_below(
    isthmus: Isthmus, runtime: ScriptedRuntime, tmp_path: Path
) -> None:
    events = write(tmp_path / "e", *(track(n, do="retry" if n % 3 == 0 else "return") for n in range(1, 31)))
    err = isthmus("run", FUNCTION, events, plugins=[runtime]).err
    table = [line.split() for line in err.splitlines() if line.startswith("onTrack")]
    assert [row[:3] for row in table] == [["onTrack", "delivered", "20"], ["onTrack", "retry", "10"]]
    assert "10 × RetryError: retry it  line 3, 6, 9, 12, 15, …" in err
    assert "✗ 30 events in " in err


def test_errors_are_found_by_file_and_by_what_its_events_are_counted_in(
    isthmus: Isthmus, runtime: ScriptedRuntime, tmp_path: Path
) -> None:
    write(tmp_path / "a", track(1), track(2, do="retry"), track(3, do="retry"))
    (tmp_path / "b").write_bytes(b"[" + track(4) + b"," + track(5, do="retry") + b"]")
    err = isthmus("run", FUNCTION, "a", "b", plugins=[runtime]).err
    assert "3 × RetryError: retry it  line 2, 3 of a; event 2 of b\n" in err


def test_a_trace_shows_the_first_that_failed(
    isthmus: Isthmus, runtime: ScriptedRuntime, tmp_path: Path
) -> None:
    events = write(tmp_path / "e", track(1), b'{"type":"page"}', track(3, do="bug"))
    assert "── line" not in isthmus("run", FUNCTION, events, plugins=[runtime]).err
    traced = isthmus("run", FUNCTION, events, "--trace", plugins=[runtime]).err
    assert "── line 3 ──" in traced  # not line 2, where nothing ran
    assert "TypeError: bug it" in traced
    whole = isthmus("run", FUNCTION, write(tmp_path / "g", track(1)), "--trace", plugins=[runtime]).err
    assert "── line 1 ──" in whole


# ---------------------------------------------------------------- batches


def on_batch(events: list[dict[str, Any]], _settings: object, _world: World) -> object:
    return [{"status": 500 if event["properties"].get("do") == "retry" else 200} for event in events]


def batching() -> ScriptedRuntime:
    return ScriptedRuntime({"onTrack": on_track, "onBatch": on_batch})


def test_a_batch_is_one_line_with_a_result_for_each_event(isthmus: Isthmus, tmp_path: Path) -> None:
    (tmp_path / FUNCTION).write_text("f")
    events = write(tmp_path / "e", *(track(n, do="retry" if n == 7 else "return") for n in range(1, 46)))
    ran = isthmus("run", FUNCTION, events, plugins=[batching()])
    assert ran.status == 1
    assert [line["lines"] for line in ran.lines] == [[*range(1, 21)], [*range(21, 41)], [*range(41, 46)]]
    assert [item["status"] for item in ran.lines[0]["items"]] == ["delivered"] * 6 + ["retry"] + [
        "delivered"
    ] * 13
    assert "onBatch  delivered        44      3 " in ran.err
    assert "1 × RetryError: status 500  line 7" in ran.err


def test_the_size_of_batches_is_a_choice_and_so_are_batches(isthmus: Isthmus, tmp_path: Path) -> None:
    (tmp_path / FUNCTION).write_text("f")
    events = write(tmp_path / "e", *map(track, range(1, 8)))
    ran = isthmus("run", FUNCTION, events, "--batch", "3", plugins=[batching()])
    assert [line["lines"] for line in ran.lines] == [[1, 2, 3], [4, 5, 6], [7]]
    ran = isthmus("run", FUNCTION, events, "--no-batch", plugins=[batching()])
    assert {line["handler"] for line in ran.lines} == {"onTrack"}


def test_a_broken_line_is_left_out_of_its_batch(isthmus: Isthmus, tmp_path: Path) -> None:
    (tmp_path / FUNCTION).write_text("f")
    events = write(tmp_path / "e", track(1), b"{", track(3), b"", track(5), b"[]", track(7))
    ran = isthmus("run", FUNCTION, events, plugins=[batching()])
    assert ran.status == 1
    assert [line["lines"] for line in ran.lines] == [[1, 3, 5, 7]]
    assert ran.err.count("e, line ") == 2


# ---------------------------------------------------------------- settings and requests

DEFINED = f"""
name = "mine"
kind = "destination"
code = "{FUNCTION}"

[[settings]]
name = "endpoint"
required = true

[[settings]]
name = "apiKey"
required = true
sensitive = true

[sample]
events = "e"
sink = "endpoint"
replies = "sink.json"
settings = {{ apiKey = "example-key" }}
"""


@pytest.fixture
def sending(tmp_path: Path) -> ScriptedRuntime:
    (tmp_path / FUNCTION).write_text("f")
    (tmp_path / "function.toml").write_text(DEFINED)
    (tmp_path / "sink.json").write_text("[]")
    write(tmp_path / "e", track(1))

    async def send(event: dict[str, Any], settings: dict[str, str], world: World) -> object:
        world.host.log("log", f"my key is {settings['apiKey']}")
        headers = (("Authorization", f"Bearer {settings['apiKey']}"),)
        await world.host.fetch(FetchRequest(url=settings["endpoint"] + "/in", method="POST", headers=headers))
        return settings

    return ScriptedRuntime({"onTrack": send})


def test_a_sink_gets_what_the_function_sends(isthmus: Isthmus, sending: ScriptedRuntime) -> None:
    fetcher = MockFetcher(lambda request: FetchResponse(status=200, url=request.url))
    ran = isthmus("run", ".", "--sink", "endpoint", plugins=[sending, fetcher])
    assert ran.status == 0
    (request,) = fetcher.requests
    assert request.url.startswith("http://127.0.0.1:")
    assert request.url.endswith("/in")


def test_sensitive_values_are_seen_by_the_function_alone(
    isthmus: Isthmus, sending: ScriptedRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetcher = MockFetcher(lambda request: FetchResponse(status=200, url=request.url))
    monkeypatch.setenv("ISTHMUS_SETTING_API_KEY", "sk-very-secret-value")
    for command in (
        ["run", ".", "e", "--trace"],
        ["invoke", ".", "--event", "e", "-v"],
        ["invoke", ".", "--event", "e", "--json"],
    ):
        ran = isthmus(*command, "--set", "endpoint=https://example.com", plugins=[sending, fetcher])
        assert ran.status == 0
        assert "sk-very-secret-value" not in ran.out + ran.err
        assert "[redacted:apiKey]" in ran.out + ran.err
    assert {request.headers for request in fetcher.requests} == {
        (("Authorization", "Bearer sk-very-secret-value"),)
    }


def test_values_of_the_sample_are_for_the_sample(isthmus: Isthmus, sending: ScriptedRuntime) -> None:
    fetcher = MockFetcher(lambda request: FetchResponse(status=200, url=request.url))
    own = isthmus("run", ".", "--set", "endpoint=https://example.com", plugins=[sending, fetcher])
    other = isthmus("run", ".", "e", "--set", "endpoint=https://example.com", plugins=[sending, fetcher])
    assert (own.status, other.status) == (0, 2)
    assert "setting 'apiKey' is required" in other.err


def test_settings_that_do_not_fit_are_named_without_their_values(
    isthmus: Isthmus, sending: ScriptedRuntime
) -> None:
    ran = isthmus("run", ".", "--set", "endpiont=https://secret.example.com", plugins=[sending])
    assert ran.status == 2
    assert "did you mean 'endpoint'?" in ran.err
    assert "secret.example.com" not in ran.err


def test_a_missing_setting_that_a_sink_would_fill_says_so(isthmus: Isthmus, sending: ScriptedRuntime) -> None:
    ran = isthmus("run", ".", plugins=[sending])
    assert ran.status == 2
    assert "setting 'endpoint' is required" in ran.err
    assert ran.err.endswith("(--sink endpoint gives it the URL of a local server)\n")


def test_the_environment_can_have_another_prefix(
    isthmus: Isthmus, runtime: ScriptedRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINE_apiKey", "x-secret-x")
    write(tmp_path / "e", track(1))
    seen: list[object] = []
    watching = ScriptedRuntime({"onTrack": lambda _event, settings, _world: seen.append(settings)})
    assert isthmus("run", FUNCTION, "e", "--env-prefix", "MINE_", plugins=[watching]).status == 0
    assert seen == [{"apiKey": "x-secret-x"}]


def test_webhooks_are_the_events_of_a_source(isthmus: Isthmus, tmp_path: Path) -> None:
    (tmp_path / FUNCTION).write_text("onRequest")

    def on_request(request: dict[str, Any], _settings: object, world: World) -> None:
        world.sent.append({"type": "track", "event": json.loads(request["text"])["e"], "userId": "u"})

    write(tmp_path / "e", b'{"e":"a"}', b'{"body":{"e":"b"},"headers":{"X":"y"}}', b"{broken")
    ran = isthmus("run", FUNCTION, "e", plugins=[ScriptedRuntime({"onRequest": on_request})])
    assert ran.status == 1
    assert [line["messages"][0]["event"] for line in ran.lines] == ["a", "b"]
    assert "e, line 3: a webhook is JSON" in ran.err


def test_limits_are_those_asked_for(isthmus: Isthmus, runtime: ScriptedRuntime, tmp_path: Path) -> None:
    write(tmp_path / "e", track(1), track(2, pad="x" * 200))
    ran = isthmus("run", FUNCTION, "e", "--input-bytes", "200", plugins=[runtime])
    assert ran.status == 1
    assert [line["line"] for line in ran.lines] == [1]
    assert "e, line 2: " in ran.err
