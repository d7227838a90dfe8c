"""``isthmus serve --data``: what is made over Segment's API runs, at once, and goes on running while it is changed."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, final

import httpx
import pytest

from isthmus_server.store import WEBHOOKS

from .endpoint import Endpoint, listening
from .processes import PATIENCE, Served, serving

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals"),
]

DESTINATION = """
async function onTrack(event, settings) {
  await fetch(settings.url + "/VERSION", { method: "POST", body: JSON.stringify(event) });
}
"""
SETTINGS = [
    {"name": "url", "label": "u", "description": "", "type": "STRING", "required": True, "sensitive": False}
]
HOOK = """
async function onRequest(request) {
  Segment.track({ event: "Hooked", userId: "u", properties: request.json() });
}
"""


@final
class Live:
    """A process with a store, and its API."""

    def __init__(self, served: Served, endpoint: Endpoint, api: httpx.Client) -> None:
        self.served = served
        self.endpoint = endpoint
        self._api = api

    def ask(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        answer = self._api.request(method, path, json=body or None)
        assert answer.status_code in {200, 201}, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    def function(self, kind: str, code: str, **more: Any) -> str:
        made = self.ask(
            "POST", "/functions", resourceType=kind, code=code, displayName=f"f{id(code)}", **more
        )
        return str(made["function"]["id"])

    def source(self, metadata: str, slug: str) -> dict[str, Any]:
        made: dict[str, Any] = self.ask(
            "POST", "/sources", slug=slug, enabled=True, metadataId=metadata, settings={}
        )
        return dict(made["source"])

    def destination(self, source: str, metadata: str, **settings: Any) -> str:
        made = self.ask(
            "POST",
            "/destinations",
            sourceId=source,
            metadataId=metadata,
            name="d",
            enabled=True,
            settings=settings,
        )
        return str(made["destination"]["id"])


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    directory = tmp_path_factory.mktemp("live")
    data = directory / "data"
    with listening() as endpoint, serving(directory, "--allow-private", data=data) as served:
        token = (data / "owner.token").read_text().strip()
        with httpx.Client(
            base_url=served.url, headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE
        ) as api:
            yield Live(served, endpoint, api)


def send(live: Live, key: str, *names: str) -> list[int]:
    with httpx.Client(base_url=live.served.url, auth=(key, ""), timeout=PATIENCE) as http:
        return [http.post("/v1/track", json={"userId": "u", "event": name}).status_code for name in names]


def test_a_source_and_a_destination_function_run_once_they_are_made(live: Live) -> None:
    source = live.source("iUM16Md8P2", "first")
    function = live.function("DESTINATION", DESTINATION.replace("VERSION", "first"), settings=SETTINGS)
    destination = live.destination(source["id"], function.removeprefix("dfn_"), url=live.endpoint.url)
    # The API has answered before what it was told is running.
    live.served.until(
        lambda: 200 in send(live, source["writeKeys"][0], "Seen") and live.endpoint.at("/first")
    )
    arrived = live.endpoint.at("/first")[-1]
    assert (arrived["event"], arrived["projectId"]) == ("Seen", source["id"])

    def delivered() -> int:
        now = datetime.now(UTC)
        span = "&".join(
            f"{name}={now + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"
            for name, hours in (("startTime", -1), ("endTime", 1))
        )
        path = f"/destinations/{destination}/delivery-metrics?sourceId={source['id']}&{span}"
        metrics = live.ask("GET", path)
        counted = metrics["deliveryMetricsSummary"]["metrics"]
        return next(int(metric["total"]) for metric in counted if metric["metricName"] == "successes")

    live.served.until(delivered)


def test_new_code_takes_over_without_dropping_a_call(live: Live) -> None:
    source = live.source("iUM16Md8P2", "second")
    function = live.function("DESTINATION", DESTINATION.replace("VERSION", "1"), settings=SETTINGS)
    live.destination(source["id"], function.removeprefix("dfn_"), url=live.endpoint.url)
    key = source["writeKeys"][0]
    live.served.until(lambda: 200 in send(live, key, "Before") and live.endpoint.at("/1"))
    stop, statuses = threading.Event(), list[int]()

    def sending() -> None:
        while not stop.is_set():
            statuses.extend(send(live, key, *["E"] * 10))

    sender = threading.Thread(target=sending)
    sender.start()
    try:
        for version in ("2", "3"):
            live.ask("PATCH", f"/functions/{function}", code=DESTINATION.replace("VERSION", version))
            live.served.until(lambda version=version: live.endpoint.at(f"/{version}"))  # type: ignore[misc]
    finally:
        stop.set()
        sender.join()
    assert set(statuses) == {200}

    def all_arrived() -> int:
        return sum(len([e for e in live.endpoint.at(f"/{n}") if e["event"] == "E"]) for n in (1, 2, 3))

    live.served.until(lambda: all_arrived() >= len(statuses))
    assert all_arrived() == len(statuses)


def test_a_source_function_takes_webhooks_once_it_is_deployed(live: Live) -> None:
    function = live.function("SOURCE", HOOK)
    source = live.source(function.removeprefix("sfnc_"), "third")
    live.destination(source["id"], WEBHOOKS, url=f"{live.endpoint.url}/third")
    query = source["webhookUrl"].partition("?")[2]

    def hook() -> int:
        return httpx.post(f"{live.served.url}/?{query}", json={"a": 1}, timeout=PATIENCE).status_code

    live.served.until(lambda: hook() == 503)  # its sender keeps it
    live.ask("POST", f"/functions/sfn_{source['id']}/deploy")
    live.served.until(lambda: hook() == 200)
    live.served.until(lambda: live.endpoint.at("/third"))
    assert live.endpoint.at("/third")[0]["properties"] == {"a": 1}


def test_code_that_does_not_load_holds_up_nobody_else_and_loses_nothing(live: Live) -> None:
    source = live.source("iUM16Md8P2", "fourth")
    broken = live.function("DESTINATION", DESTINATION.replace("VERSION", "fourth"), settings=SETTINGS)
    destination = live.destination(source["id"], broken.removeprefix("dfn_"), url=live.endpoint.url)
    live.destination(source["id"], WEBHOOKS, url=f"{live.endpoint.url}/well")
    live.ask("PATCH", f"/functions/{broken}", code="function onTrack( {")
    live.served.until(lambda: "destination cannot be run" in live.served.log())
    key = source["writeKeys"][0]
    live.served.until(lambda: 200 in send(live, key, "Kept") and live.endpoint.at("/well"))
    kept = f'isthmus_queue_deliveries{{queue="destination:{destination}",state="delayed"}} '

    def delayed() -> int:
        text = httpx.get(f"{live.served.operations}/metrics", timeout=PATIENCE).text
        return int(text.partition(kept)[2].partition("\n")[0] or 0)

    live.served.until(delayed)
    assert not live.endpoint.at("/fourth")


def test_what_is_switched_off_lets_nothing_in(live: Live) -> None:
    source = live.source("iUM16Md8P2", "fifth")
    key = source["writeKeys"][0]
    live.served.until(lambda: send(live, key, "E") == [200])
    live.ask("PATCH", f"/sources/{source['id']}", enabled=False)
    live.served.until(lambda: send(live, key, "E") == [401])


def test_the_same_store_is_there_after_a_restart(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for _ in range(2):
        with serving(tmp_path, data=data) as served:
            token = (data / "owner.token").read_text().strip()
            headers = {"Authorization": f"Bearer {token}"}
            answer = httpx.get(f"{served.url}/", headers=headers, timeout=PATIENCE)
            assert answer.json()["data"]["workspace"]["slug"] == "isthmus"
            assert httpx.get(f"{served.url}/", timeout=PATIENCE).status_code == 401
            assert httpx.post(f"{served.url}/?b=eDo6eQ==", timeout=PATIENCE).status_code == 401
            served.process.send_signal(signal.SIGTERM)
            assert served.ended() == 0
    assert (data / "owner.token").stat().st_mode & 0o777 == 0o600
    assert token not in served.log()
