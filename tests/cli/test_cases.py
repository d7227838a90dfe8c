"""Cases beside a function: what comes in, what the network answers, what is expected, and how it is told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import junitparser
import pytest

from isthmus import LoadError
from isthmus.abc import FetchRequest
from isthmus.testing import ScriptedRuntime, Throw, World

from .conftest import Isthmus

CALLS = {"count": 0}


async def on_track(event: dict[str, Any], settings: dict[str, Any], world: World) -> object:
    world.host.log("log", f"sends {event['event']}")
    body = json.dumps({"event": event["event"], "count": event["properties"]["count"]}).encode()
    url = settings.get("endpoint", "https://api.example.com") + "/events?page=1"
    response = await world.host.fetch(
        FetchRequest(method="POST", url=url, headers=(("X-Key", settings["apiKey"]),), body=body)
    )
    if response.status >= 500:
        raise Throw("RetryError", f"the API answered {response.status}")
    return {"at": world.call.now, "chance": world.call.seed.hex()[:8], "body": response.body.decode()}


def on_page(event: dict[str, Any], _settings: object, _world: World) -> object:
    CALLS["count"] += 1
    return CALLS["count"] if event.get("name") == "unsteady" else {"name": event["name"]}


@pytest.fixture
def runtime() -> ScriptedRuntime:
    return ScriptedRuntime({"onTrack": on_track, "onPage": on_page})


TOML = """
name = "orders"
kind = "destination"
code = "f.scripted"
[[settings]]
name = "apiKey"
sensitive = true
required = true
[sample]
settings = { apiKey = "s3cret-of-the-sample" }
"""

EVENT = {"type": "track", "event": "Seen", "userId": "u1", "properties": {"count": 3}}
RESPONSE = {"method": "POST", "url": "https://api.example.com/*", "status": 201, "body": {"id": 7}}


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """A function's directory, without cases."""
    place = tmp_path / "orders"
    (place / "cases").mkdir(parents=True)
    (place / "f.scripted").write_text("")
    (place / "function.toml").write_text(TOML)
    return place


def case(orders: Path, name: str, **fields: object) -> Path:
    path = orders / "cases" / f"{name}.json"
    path.write_text(json.dumps({"event": EVENT, "responses": [RESPONSE], **fields}))
    return path


def test_what_is_expected_may_speak_of_all_that_a_call_does(
    isthmus: Isthmus, runtime: ScriptedRuntime, orders: Path
) -> None:
    request = {
        "method": "POST",
        "url": "https://api.example.com/events?page=1",
        "headers": {"x-key": "[redacted:apiKey]"},
        "body": {"event": "Seen", "count": 3},
        "status": 201,
    }
    value = {"at": 1767225600.0, "body": '{"id":7}'}
    expected = {"handler": "onTrack", "status": "delivered", "logs": ["sends Seen"], "requests": [request]}
    case(orders, "good", expected={**expected, "value": value})
    case(
        orders,
        "down",
        now="2026-02-01T00:00:00Z",
        responses=[{**RESPONSE, "status": 503}],
        expected={"status": "retry", "problem": {"name": "RetryError", "code": "retry"}},
    )
    ran = isthmus("test", "orders", plugins=[runtime])
    assert (ran.status, ran.out, ran.err) == (0, "✓ 2 of 2 cases as expected\n", "")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"expected": {"status": "retry"}}, 'status: expected "retry", and "delivered" came'),
        ({"expected": {"logs": []}}, "logs: expected 0 elements, and 1 came"),
        (
            {"expected": {"requests": [{"body": {"count": 4}}]}},
            "requests[0].body.count: expected 4, and 3 came",
        ),
        (
            {"expected": {}, "responses": [{**RESPONSE, "method": "GET"}]},
            "it requested POST https://api.example.com/events?page=1, and the case has no response for that",
        ),
        (
            {"expected": {"status": "refused"}, "responses": [{"error": "ECONNRESET"}]},
            "",
        ),
        (
            {"sound": True, "event": {**EVENT, "properties": {}}},
            "it throws KeyError: 'count'",
        ),
        (
            {"sound": True, "event": {"type": "page", "name": "unsteady"}, "responses": []},
            "it answers differently when called again: its value was ",
        ),
        ({"sound": True}, ""),
        ({}, "expects nothing: it has neither"),
        ({"expected": {}, "events": [EVENT]}, "a case has one of event, events and request"),
        ({"expected": {}, "respones": []}, "unknown field `respones`"),
        (
            {"expected": {}, "responses": [{"status": "ok"}]},
            "Expected `int`, got `str` - at `$.responses[0].status`",
        ),
        (
            {"expected": {}, "settings": {"apiKye": "k"}},
            "the function has no setting 'apiKye': did you mean 'apiKey'?",
        ),
        ({"expected": {}, "event": 7}, "an event is a JSON object"),
    ],
)
def test_each_difference_is_said(
    fields: dict[str, object], said: str, isthmus: Isthmus, runtime: ScriptedRuntime, orders: Path
) -> None:
    case(orders, "only", **fields)
    ran = isthmus("test", "orders", plugins=[runtime])
    assert (ran.status, ran.err) == (1 if said else 0, "")
    assert said in ran.out
    assert ran.out.endswith(f"{'✗ 0' if said else '✓ 1'} of 1 cases as expected\n")
    assert "s3cret" not in ran.out


def test_a_case_is_chosen_by_its_name(isthmus: Isthmus, runtime: ScriptedRuntime, orders: Path) -> None:
    case(orders, "refund-late", expected={})
    case(orders, "order", expected={"status": "dropped"})
    assert isthmus("test", "orders", "-k", "Refund", plugins=[runtime]).out == "✓ 1 of 1 cases as expected\n"
    ran = isthmus("test", "orders", "-k", "none", plugins=[runtime])
    assert (ran.status, ran.err) == (2, "isthmus test: -k none: no case and no line has that in its name\n")


def test_several_functions_are_told_apart(isthmus: Isthmus, runtime: ScriptedRuntime, orders: Path) -> None:
    case(orders, "good", expected={"status": "delivered"})
    other = orders.parent / "other"
    (other / "cases").mkdir(parents=True)
    (other / "f.scripted").write_text("")
    (other / "function.toml").write_text(TOML.replace("orders", "other"))
    case(other, "bad", expected={"status": "retry"})
    ran = isthmus("test", "orders", "other", plugins=[runtime])
    assert ran.status == 1
    assert ran.out == (
        "✓ orders: 1 of 1 cases as expected\n"
        '✗ other: bad\n    status: expected "retry", and "delivered" came\n'
        "✗ other: 0 of 1 cases as expected\n"
    )
    ran = isthmus("test", "orders", "other", "--events", "x", plugins=[runtime])
    assert (ran.status, "are for one function" in ran.err) == (2, True)


def test_a_function_that_does_not_load_fails_and_the_others_are_tested(
    isthmus: Isthmus, orders: Path, tmp_path: Path
) -> None:
    case(orders, "good", event={"type": "page", "name": "x"}, expected={"status": "delivered"})
    broken = tmp_path / "broken"
    (broken / "cases").mkdir(parents=True)
    (broken / "f.scripted").write_text("broken")
    (broken / "function.toml").write_text(TOML.replace("orders", "broken"))
    case(broken, "any", expected={})
    error = LoadError("unexpected token", file="f.scripted", line=2)
    runtime = ScriptedRuntime({"onPage": on_page}, scripts={"broken": error})
    ran = isthmus("test", "broken", "orders", "--junit", "report.xml", plugins=[runtime])
    assert ran.status == 3
    assert "the function does not load\n    f.scripted:2: unexpected token" in ran.out
    assert "✓ orders: 1 of 1 cases as expected" in ran.out
    suites = {suite.name: suite for suite in junitparser.JUnitXml.fromfile("report.xml")}
    assert (suites["broken"].errors, suites["broken"].failures, suites["orders"].errors) == (1, 0, 0)


def test_what_came_is_written_down(isthmus: Isthmus, runtime: ScriptedRuntime, orders: Path) -> None:
    path = case(orders, "good", description="kept", expected={"status": "retry"}, now="2026-02-01T00:00:00Z")
    sound = case(orders, "sound", sound=True)
    before = sound.read_bytes()
    assert isthmus("test", "orders", plugins=[runtime]).status == 1
    ran = isthmus("test", "orders", "--update", plugins=[runtime])
    assert (ran.status, ran.out) == (0, "orders: 1 cases now expect what became of them\n")
    assert isthmus("test", "orders", plugins=[runtime]).status == 0
    written = json.loads(path.read_bytes())
    assert list(written) == ["event", "responses", "description", "expected", "now"]
    assert (written["description"], written["expected"]["requests"][0]["body"]["count"]) == ("kept", 3)
    assert "headers" not in written["expected"]["requests"][0]
    assert path.read_text().count("\n") > 10
    assert sound.read_bytes() == before


def test_a_batch_and_a_webhook_are_cases_as_well(isthmus: Isthmus, orders: Path) -> None:
    runtime = ScriptedRuntime(
        {"onBatch": lambda events, *_: [{"status": 200 + 200 * ("bad" in event)} for event in events]}
    )
    fields = {"events": [{"type": "track"}, {"type": "track", "bad": 1}], "event": None}
    path = case(
        orders, "batch", expected={"items": [{"status": "delivered"}, {"status": "refused"}]}, **fields
    )
    text = json.loads(path.read_bytes())
    del text["event"]
    path.write_text(json.dumps(text))
    assert isthmus("test", "orders", plugins=[runtime]).out == "✓ 1 of 1 cases as expected\n"

    def on_request(request: dict[str, Any], _settings: object, world: World) -> None:
        world.sent.append({"type": "track", "event": json.loads(request["text"])["name"], "userId": "u"})

    (orders / "function.toml").write_text(TOML.replace('"destination"', '"source"'))
    expected = {"messages": [{"event": "hello"}]}
    request = {"headers": {"X-Odd": "é"}, "body": {"name": "hello"}}
    path.write_text(json.dumps({"request": request, "expected": expected}))
    ran = isthmus("test", "orders", plugins=[ScriptedRuntime({"onRequest": on_request})])
    assert (ran.out, ran.status) == ("✓ 1 of 1 cases as expected\n", 0)


# ---------------------------------------------------------------- JUnit


def test_the_report_is_one_that_servers_read(
    isthmus: Isthmus, runtime: ScriptedRuntime, orders: Path
) -> None:
    case(orders, "good", expected={"status": "delivered"})
    case(orders, "bad <&>", event={**EVENT, "event": "\x1b[31m\x00]]>"}, expected={"logs": ["no"]})
    case(orders, "broken", expected=7)
    ran = isthmus("test", "orders", "--junit", "report.xml", plugins=[runtime])
    assert ran.status == 1
    report = junitparser.JUnitXml.fromfile("report.xml")
    (suite,) = report
    assert (suite.name, suite.tests, suite.failures, suite.errors, suite.skipped) == ("orders", 3, 1, 1, 0)
    assert (report.tests, report.failures, report.errors) == (3, 1, 1)
    found = {test.name: test for test in suite}
    assert [type(result).__name__ for test in found.values() for result in test.result] == [
        "Failure",
        "Error",
    ]
    assert list(found) == ["bad <&>", "broken", "good"]
    assert found["good"].is_passed
    assert {test.classname for test in suite} == {"orders"}
    assert 'and "sends \\u001b[31m' in found["bad <&>"].result[0].text


# ---------------------------------------------------------------- watching


WATCH = """
import sys
sys.path.insert(0, {here!r})
from isthmus.__main__ import main
from isthmus.testing import ScriptedRuntime
runtime = ScriptedRuntime({{"onPage": lambda event, *_: {{"name": event["name"]}}}})
sys.exit(main(["test", "orders", "--watch"], plugins=[runtime]))
"""


def test_a_change_runs_it_again_until_somebody_ends_it(orders: Path, tmp_path: Path) -> None:
    page = {"event": {"type": "page", "name": "x"}, "responses": []}
    case(orders, "one", **page, expected={"value": {"name": "y"}})
    with subprocess.Popen(
        [sys.executable, "-u", "-c", WATCH.format(here=str(Path(__file__).parent))],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        out = process.stdout
        assert out is not None
        said: list[str] = []

        def wait_for(text: str) -> None:
            for line in out:
                said.append(line)
                if text in line:
                    return
            raise AssertionError("".join(said))

        wait_for("waiting for a change")
        assert "✗ 0 of 1 cases as expected\n" in said
        case(orders, "one", **page, expected={"value": {"name": "x"}})
        wait_for("waiting for a change")
        assert "✓ 1 of 1 cases as expected\n" in said
        case(orders, "one", **page, expected=3)
        wait_for("waiting for a change")
        assert "is no case" in "".join(said)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
