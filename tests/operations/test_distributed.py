"""``isthmus serve --data`` on a queue of NATS: servers killed under load, and several services on one store and one queue."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from tests.ingress.endpoint import Endpoint, listening
from tests.ingress.processes import Served, serving
from tests.nats.servers import Cluster, running
from tests.server import postgres

from isthmus_server.store import new_key

from .conftest import Workspace, make_workspace

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals"),
]

TOKEN = "token-of-the-owner-in-the-test"
CODE = """
async function onTrack(event) {
  await fetch("URL/VERSION", { method: "POST", body: JSON.stringify(event) });
}
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """One server."""
    with running(size=1) as cluster:
        yield cluster


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with listening() as endpoint:
        yield endpoint


def code(endpoint: Endpoint, version: int = 1) -> str:
    return CODE.replace("URL", endpoint.url).replace("VERSION", str(version))


class Sender(threading.Thread):
    """Sends events to services in turn until it is stopped.

    Attributes:
        kept: ids of those that were answered with success.
        statuses: of all answers.
    """

    def __init__(self, workspace: Workspace, *services: Served) -> None:
        super().__init__()
        self.kept: list[str] = []
        self.statuses: set[int] = set()
        self._workspace = workspace
        self._services = services
        self._enough = threading.Event()

    def run(self) -> None:
        with ExitStack() as stack:
            clients = [
                stack.enter_context(
                    httpx.Client(base_url=each.url, auth=(self._workspace.key, ""), timeout=60)
                )
                for each in self._services
            ]
            number = 0
            while not self._enough.is_set():
                number += 1
                id_ = f"{self.name}-{number}"
                body = {"userId": "u", "event": "E", "messageId": id_}
                status = clients[number % len(clients)].post("/v1/track", json=body).status_code
                self.statuses.add(status)
                if status == 200:
                    self.kept.append(id_)

    def stop(self) -> None:
        self._enough.set()
        self.join()


def until(condition: Callable[[], object], *services: Served) -> None:
    ends = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < ends, "".join(each.log() for each in services)
        assert all(each.process.poll() is None for each in services)
        time.sleep(0.02)


def arrived(endpoint: Endpoint) -> set[str]:
    return {str(event["messageId"]) for _, event in list(endpoint.events)}


def test_a_queues_server_that_is_killed_and_started_again_loses_nothing_that_was_kept(
    cluster: Cluster, endpoint: Endpoint, tmp_path: Path
) -> None:
    workspace = make_workspace(tmp_path / "data", code(endpoint))
    options = ["--queue", cluster.url("killed", replicas=1, unsafe=1), "--allow-private"]
    with serving(tmp_path, *options, data=workspace.data) as served:
        sender = Sender(workspace, served)
        sender.start()
        try:
            until(lambda: len(sender.kept) > 50, served)
            cluster.kill()
            until(lambda: 503 in sender.statuses, served)  # and not a success that is none
            cluster.start()
            before = len(sender.kept)
            until(lambda: len(sender.kept) > before + 50, served)
        finally:
            sender.stop()
        until(lambda: arrived(endpoint) >= set(sender.kept), served)
        assert sender.statuses == {200, 503}
        assert httpx.get(f"{served.operations}/readyz").status_code == 200


def test_services_share_a_store_and_a_queue_and_each_takes_up_what_another_deploys(
    cluster: Cluster, endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISTHMUS_STORE_KEYS", new_key())
    monkeypatch.setenv("ISTHMUS_OWNER_TOKEN", TOKEN)
    with postgres.running() as server, postgres.database(server, "shared") as url, ExitStack() as stack:
        workspace = make_workspace(url, code(endpoint))
        options = ["--queue", cluster.url("shared", replicas=1, unsafe=1), "--allow-private"]
        services = []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            services.append(stack.enter_context(serving(tmp_path / name, *options, data=url)))
        sender = Sender(workspace, *services)
        sender.start()
        try:
            until(lambda: len(sender.kept) > 20, *services)
            changed = httpx.patch(
                f"{services[0].url}/functions/{workspace.function}",
                json={"code": code(endpoint, 2)},
                headers={"Authorization": f"Bearer {TOKEN}"},
            )
            assert changed.status_code == 200
            # Whichever of the two takes an event, it runs what was deployed.
            until(lambda: len(endpoint.at("/2")) > 20, *services)
        finally:
            sender.stop()
        until(lambda: arrived(endpoint) >= set(sender.kept), *services)
        assert sender.statuses == {200}
        services[0].process.send_signal(signal.SIGTERM)
        assert services[0].ended() == 0  # what it had in hand is the other's now
        alone = Sender(workspace, services[1])
        alone.start()
        until(lambda: len(alone.kept) > 20, services[1])
        alone.stop()
        until(lambda: arrived(endpoint) >= {*sender.kept, *alone.kept}, services[1])
