"""Whole services, each a process that is sent real requests: they serve, their limits hold, they stop in peace."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parent.parent.parent
SERVICES = ["fastapi_service", "starlette_service", "flask_service"]


class Service:
    """A service that runs.

    Attributes:
        url: its root.
        process: its own.
    """

    def __init__(self, url: str, process: subprocess.Popen[str]) -> None:
        self.url = url
        self.process = process

    def post(self, name: str, **event: Any) -> Any:
        response = httpx.post(
            f"{self.url}/{name}", json={"type": "track", "event": "Seen", **event}, timeout=90
        )
        response.raise_for_status()
        return response.json()

    def stop(self) -> str:
        """Send SIGTERM and wait; what it has printed."""
        self.process.send_signal(signal.SIGTERM)
        said, errors = self.process.communicate(timeout=300)
        assert "Traceback" not in errors, errors
        # uvicorn ends by the signal that it was sent, once it has shut down.
        assert self.process.returncode in {0, -signal.SIGTERM}, errors
        return said


@contextmanager
def running(*arguments: str) -> Iterator[Service]:
    """A service on a socket that listens before it does, so that the first request waits for it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        process = subprocess.Popen(
            [sys.executable, *arguments, str(listener.fileno())],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            pass_fds=[listener.fileno()],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    try:
        yield Service(url, process)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture(scope="module", params=SERVICES)
def service(request: pytest.FixtureRequest) -> Iterator[Service]:
    with running("-m", f"tests.embedding.services.{request.param}") as service:
        yield service


def test_requests_are_answered_many_at_a_time(service: Service) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: service.post("greet", userId=f"u{number}"), range(40)))
    assert [one["value"]["hello"] for one in found] == [f"u{number}" for number in range(40)]


def test_what_the_service_offers_is_there_for_who_was_granted_it(service: Service) -> None:
    assert service.post("seeker", userId="u1")["value"] == "Oslo"
    failed = service.post("seeker", userId="u2")
    assert failed["problem"]["message"] == "the capability 'city.of' failed"


def test_an_endless_function_is_stopped_and_others_are_served_meanwhile(service: Service) -> None:
    with ThreadPoolExecutor(4) as pool:
        endless = [pool.submit(service.post, "endless") for _ in range(2)]
        assert service.post("greet", userId="u1")["value"] == {"hello": "u1"}
        assert [one.result()["problem"]["name"] for one in endless] == ["CpuLimit", "CpuLimit"]


def test_one_that_eats_memory_is_stopped(service: Service) -> None:
    assert service.post("eater")["problem"]["name"] in {"MemoryLimit", "CpuLimit"}
    assert service.post("greet", userId="u1")["value"] == {"hello": "u1"}


def test_none_reaches_the_service_itself_on_loopback(service: Service) -> None:
    problem = service.post("reacher", url=f"{service.url}/stats")["problem"]
    assert problem["name"] == "FetchError"
    assert "127.0.0.1" in problem["message"]


def test_the_service_counts_what_it_did(service: Service) -> None:
    service.post("greet", userId="u1")
    found = httpx.get(f"{service.url}/stats", timeout=90).json()
    assert found["instances"]["greet"]["calls"]["delivered"] >= 1
    assert found["in_flight"] == 0


def test_sigterm_lets_a_call_under_way_end(service: Service) -> None:
    """The last of a service."""
    with ThreadPoolExecutor(1) as pool:
        sleeping = pool.submit(service.post, "sleeper")
        while httpx.get(f"{service.url}/stats", timeout=90).json()["in_flight"] == 0:
            if sleeping.done():  # it was over before anybody looked
                sleeping = pool.submit(service.post, "sleeper")
        assert service.stop() == "closed\n"
        assert sleeping.result(90)["value"] == "awake"


def test_a_script_runs_events_and_ends() -> None:
    events = '{"type":"track","userId":"u1"}\nno json\n{"type":"track","userId":"u2"}\n'
    done = subprocess.run(
        [sys.executable, "-m", "tests.embedding.services.script", "greet"],
        cwd=ROOT, input=events, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(done.stdout.splitlines()) == [
        '0 delivered {"hello":"u1"}', "1 no event", '2 delivered {"hello":"u2"}'
    ]  # fmt: skip


def test_a_script_is_interrupted_at_once() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.embedding.services.script", "greet"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write('{"type":"track","userId":"u1"}\n' * 2000)
    process.stdin.flush()
    assert process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert process.returncode == -signal.SIGINT


def test_the_service_that_readme_shows_serves(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (block,) = [block for block in blocks if "FastAPI" in block]
    (tmp_path / "service.py").write_text(block)
    with running(
        "-m", "uvicorn", "service:app", "--app-dir", str(tmp_path), "--log-level", "warning", "--fd"
    ) as service:
        response = httpx.post(
            f"{service.url}/track", json={"type": "track", "event": "Signed Up", "userId": "u1"}, timeout=90
        )
        assert response.json()["value"] == {"hello": "u1"}
        service.stop()
