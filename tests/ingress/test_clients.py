"""Segment's own libraries, unchanged: what they send through a served pipeline reaches an endpoint."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from segment.analytics.client import Client
from tests.npm import installed, node

from .endpoint import Endpoint, listening
from .processes import KEY, Served, serving

pytestmark = pytest.mark.slow

PIPELINE = """
[[source]]
id = "web"
http.write_keys = ["{key}"]

[[destination]]
name = "endpoint"
http = "{url}/"
egress.allow_private = true
"""
COUNT = 250
NODE = Path(__file__).parent / "node"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with listening() as opened:
        yield opened


@pytest.fixture(scope="module")
def served(endpoint: Endpoint, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    directory = tmp_path_factory.mktemp("clients")
    (directory / "pipeline.toml").write_text(PIPELINE.format(key=KEY, url=endpoint.url))
    with serving(directory) as process:
        yield process


def of_user(endpoint: Endpoint, user: str) -> list[dict[str, Any]]:
    return [event for _, event in list(endpoint.events) if event.get("userId") == user]


@pytest.mark.parametrize("gzip", [False, True])
def test_the_library_for_python(gzip: bool, served: Served, endpoint: Endpoint) -> None:
    user = f"python{gzip}"
    problems: list[object] = []
    client = Client(
        KEY,
        host=served.url,
        gzip=gzip,
        on_error=lambda error, _batch: problems.append(error),
        upload_interval=0.1,
        upload_size=100,
        timeout=300,
    )
    then = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
    client.identify(user, {"plan": "free"})
    client.page(user, "Shop", "Home", {"path": "/"})
    client.screen(user, "Shop", "Start")
    client.group(user, "g", {"seats": 3})
    client.alias("anonymous", user)
    client.track(user, "Dated", {"a": 1}, timestamp=then, integrations={"All": True})
    for number in range(COUNT):
        client.track(user, "Counted", {"number": number}, message_id=f"{user}-{number}")
    client.shutdown()
    assert not problems
    served.until(lambda: len(of_user(endpoint, user)) == COUNT + 6)
    events = of_user(endpoint, user)
    assert Counter(event["type"] for event in events) == {
        "track": COUNT + 1,
        **dict.fromkeys(("identify", "page", "screen", "group", "alias"), 1),
    }
    assert sorted(event["properties"]["number"] for event in events if event.get("event") == "Counted") == [
        *range(COUNT)
    ]
    dated = next(event for event in events if event.get("event") == "Dated")
    assert dated["originalTimestamp"] == "2020-01-02T03:04:05.000Z"
    assert abs(datetime.fromisoformat(dated["timestamp"]) - then) < timedelta(minutes=1)
    assert dated["context"]["library"]["name"] == "analytics-python"
    assert not any("writeKey" in event for event in events)


def test_an_event_sent_twice_by_the_library_for_python_arrives_once(
    served: Served, endpoint: Endpoint
) -> None:
    client = Client(KEY, host=served.url, sync_mode=True, timeout=300)
    for number in (0, 1, 0, 2, 1):
        client.track("twice", "Counted", {"number": number}, message_id=f"twice-{number}")
    served.until(lambda: len(of_user(endpoint, "twice")) >= 3)
    client.track("twice", "Last")
    served.until(lambda: any(event["event"] == "Last" for event in of_user(endpoint, "twice")))
    counted = [event["properties"].get("number") for event in of_user(endpoint, "twice")]
    assert sorted(number for number in counted if number is not None) == [0, 1, 2]


def test_the_library_for_python_is_told_of_a_key_that_is_nobodys(served: Served) -> None:
    problems: list[Exception] = []
    client = Client(
        "another", host=served.url, on_error=lambda error, _batch: problems.append(error), upload_interval=0.1
    )
    client.track("nobody", "E")
    client.shutdown()
    assert [type(problem).__name__ for problem in problems] == ["APIError"]
    assert "401" in str(problems[0])


def test_the_library_for_node(served: Served, endpoint: Endpoint) -> None:
    ran = subprocess.run(
        [node(), str(NODE / "client.js"), str(installed(NODE)), served.url, KEY, str(COUNT)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {"problems": []}
    served.until(lambda: len(of_user(endpoint, "node")) == COUNT + 5)
    events = of_user(endpoint, "node")
    assert {event["type"] for event in events} == {"identify", "page", "screen", "group", "alias", "track"}
    numbers = [event["properties"]["number"] for event in events if event["type"] == "track"]
    assert sorted(numbers) == [*range(COUNT)]
    counted = next(event for event in events if event["type"] == "track")
    assert counted["context"]["app"] == {"name": "tested"}
    assert counted["context"]["library"]["name"] == "@segment/analytics-node"
