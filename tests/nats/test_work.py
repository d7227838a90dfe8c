"""``isthmus work`` twice on one cluster: the processes share the events, and one that is killed leaves its own to the other."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from .servers import Cluster, stop

EVENTS = 200
SLOTS = 8
ANSWER = 0.2
"""Seconds, so that a process that is killed has requests under way."""


class Endpoint(ThreadingHTTPServer):
    """What events are sent to: counts them by process, and takes its time."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Arriving)
        self.arrived: dict[str, Counter[str]] = {"first": Counter(), "second": Counter()}
        self.under_way: dict[str, set[str]] = {"first": set(), "second": set()}


class Arriving(BaseHTTPRequestHandler):
    server: Endpoint  # type: ignore[mutable-override] # it is made by one

    def do_POST(self) -> None:
        ids = [
            event["messageId"] for event in json.loads(self.rfile.read(int(self.headers["content-length"])))
        ]
        name = self.path.removeprefix("/")
        self.server.arrived[name].update(ids)
        self.server.under_way[name].update(ids)
        time.sleep(ANSWER)
        self.server.under_way[name].difference_update(ids)
        with contextlib.suppress(OSError):  # of a process that is no more
            self.send_response(204)
            self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def pipeline(directory: Path, endpoint: Endpoint, name: str) -> Path:
    written = directory / f"{name}.toml"
    written.write_text(
        f"""
        [[source]]
        id = "web"
        [[destination]]
        name = "api"
        http = "http://127.0.0.1:{endpoint.server_port}/{name}"
        egress = {{allow = ["127.0.0.1"]}}
        batching = {{count = 1}}
        concurrency = {SLOTS}
        lease = 2
        """
    )
    return written


def isthmus(*argv: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "isthmus", *map(str, argv)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def test_one_of_two_is_killed_and_the_other_delivers_all(
    cluster: Cluster, prefix: str, endpoint: Endpoint, tmp_path: Path
) -> None:
    url = cluster.url(prefix)
    files = {name: pipeline(tmp_path, endpoint, name) for name in ("first", "second")}
    ids = {f"m{number}" for number in range(EVENTS)}
    events = tmp_path / "events.ndjson"
    events.write_text(
        "".join(json.dumps({"type": "track", "messageId": each}) + "\n" for each in sorted(ids))
    )
    sending = isthmus("send", files["first"], events, "--queue", url)
    _, said = sending.communicate(timeout=60)
    assert sending.returncode == 0, said.decode()
    processes = {name: isthmus("work", file, "--queue", url, "--quiet") for name, file in files.items()}
    try:
        first, second = endpoint.arrived["first"], endpoint.arrived["second"]
        until(
            lambda: len(first) > 20 and len(second) > 20 and endpoint.under_way["first"], *processes.values()
        )
        processes["first"].send_signal(signal.SIGSTOP)
        cut_off = set(endpoint.under_way["first"])
        stop(processes["first"])
        assert cut_off
        assert len(set(first) | set(second)) < EVENTS  # it was in the midst of it
        # What it was at comes to the other when its lease is out; what it had done does not.
        until(lambda: ids == set(first) | set(second) and cut_off <= set(second), processes["second"])
        assert len(set(first) & set(second)) <= 2 * SLOTS
    finally:
        for process in processes.values():
            stop(process)
            assert process.stderr is not None
            process.stderr.close()


def until(condition: Callable[[], object], *processes: subprocess.Popen[bytes]) -> None:
    """Wait for what other processes do."""
    ends = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < ends
        for process in processes:
            assert process.poll() is None, process.stderr and process.stderr.read().decode()
        time.sleep(0.02)
