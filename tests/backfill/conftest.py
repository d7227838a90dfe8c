"""An endpoint on loopback that counts what arrives, files of events, and parts carried within the test's own process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, final

import pytest
import trio

import isthmus
from isthmus.pipelines import Destination
from isthmus_backfill._archive import planned
from isthmus_backfill._carrier import Carrier, serving
from isthmus_backfill._ledger import Ledger
from isthmus_backfill._messages import Carry
from isthmus_backfill._plan import File
from isthmus_backfill._reading import EVENT_BYTES

PIPELINE: Final = """
[[source]]
id = "archive"

[[destination]]
name = "crm"
http = "{url}"
egress = {{allow_private = true}}
batching = {{count = 10, wait = 0}}
{more}
"""


@final
class Endpoint:
    """Takes JSON arrays of events and counts their message ids.

    Attributes:
        seen: how often each id arrived in a request that was answered well.
        answer: gives the status for a request's events.
        pause: seconds before each answer.
    """

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.events: dict[str, dict[str, Any]] = {}
        self.answer: Callable[[list[dict[str, Any]]], int] = lambda events: 200
        self.pause = 0.0
        self._turn = threading.Lock()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                events = json.loads(self.rfile.read(int(self.headers["content-length"])))
                time.sleep(endpoint.pause)
                with endpoint._turn:
                    status = endpoint.answer(events)
                    if status == 200:
                        endpoint.seen.update(event["messageId"] for event in events)
                        endpoint.events.update((event["messageId"], event) for event in events)
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_request(self, *args: object) -> None:
                """Say nothing."""

            def handle(self) -> None:
                with suppress(ConnectionError):  # the process at the other end was killed
                    super().handle()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def wait_for(self, count: int) -> None:
        """Wait until so many events have arrived."""
        end = time.monotonic() + 60
        while sum(self.seen.values()) < count:
            assert time.monotonic() < end, self.seen
            time.sleep(0.005)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """A real HTTP server."""
    endpoint = Endpoint()
    yield endpoint
    endpoint.close()


def pipeline(folder: Path, endpoint: Endpoint, more: str = "") -> Path:
    """A ``pipeline.toml`` with one destination, ``crm``."""
    path = folder / "pipeline.toml"
    path.write_text(PIPELINE.format(url=endpoint.url, more=more))
    return path


def event(number: int, **more: object) -> dict[str, Any]:
    """A track event with an id."""
    return {"type": "track", "event": "Seen", "messageId": f"m{number}", "userId": f"u{number}"} | more


def ndjson(path: Path, events: Iterable[dict[str, Any]]) -> Path:
    """A file of events, one a line."""
    path.write_bytes(b"".join(json.dumps(one).encode() + b"\n" for one in events))
    return path


def results(ledger: Path) -> list[dict[str, Any]]:
    """What is written of the parts that are done."""
    return [json.loads(path.read_bytes()) for path in sorted((ledger / "parts").glob("*-??????.json"))]


def failures(ledger: Path) -> list[dict[str, Any]]:
    """The events that failed, and why."""
    return [
        json.loads(line)
        for path in sorted((ledger / "parts").glob("*.failed.ndjson"))
        for line in path.read_bytes().splitlines()
    ]


def command(*arguments: object) -> list[str]:
    """The command as a process of its own."""
    return [sys.executable, "-m", "isthmus", "backfill", *map(str, arguments)]


@contextmanager
def running(folder: Path, *arguments: object) -> Iterator[subprocess.Popen[bytes]]:
    """The command at work, in a session of its own; it and what it started are killed at the end."""
    process = subprocess.Popen(
        command(*arguments),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=60)


def children(process: subprocess.Popen[bytes]) -> list[int]:
    """Processes that a process has started, by whichever of its threads."""
    found = Path(f"/proc/{process.pid}/task").glob("*/children")
    pids = [int(pid) for path in found for pid in path.read_text().split()]
    assert pids
    return pids


def gone(pids: Sequence[int], seconds: float = 60.0) -> bool:
    """Wait until processes are no more, and say whether they are."""
    end = time.monotonic() + seconds
    while any(_alive(pid) for pid in pids):
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return False


def plan_of(path: Path, part_bytes: int = 1 << 24) -> File:
    """A file cut into parts."""
    return planned(os.path.abspath(path), part_bytes=part_bytes, event_bytes=EVENT_BYTES)


def works(*files: File) -> list[Carry]:
    """All parts of files."""
    return [
        Carry(place=(index, number), file=file, part=part)
        for index, file in enumerate(files)
        for number, part in enumerate(file.parts)
    ]


@asynccontextmanager
async def carrying(destination: Destination, folder: Path) -> AsyncIterator[Carrier]:
    """Parts carried here, by Trio's clock."""
    ledger = Ledger(folder / "ledger")
    (folder / "ledger" / "parts").mkdir(parents=True)
    async with (
        isthmus.open_engine(load_entry_points=False) as engine,
        serving(engine, destination, ledger, clock=lambda: 1e9 + trio.current_time()) as carrier,
    ):
        yield carrier
