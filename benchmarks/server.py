"""``isthmus serve``: webhooks at a steady rate, and batches as fast as they are taken, durable before they are answered."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final, final

import trio

from benchmarks._command import parser, run
from benchmarks._figures import Case, Figures, Sample, interleave, p99
from benchmarks._report import Bar
from benchmarks._subject import EVENT

__all__ = ["main"]

FUNCTION: Final = """
async function onRequest(request) {
  const order = request.json();
  Segment.track({ event: order.event, userId: order.userId, properties: order.properties });
}
"""
PIPELINE: Final = """
[[source]]
id = "hook"
function = "hook"
http.secrets = ["secret"]

[[source]]
id = "web"
http.write_keys = ["key"]

[[source]]
id = "asleep"
http.write_keys = ["asleep"]
destinations = ["asleep"]

[[destination]]
name = "archive"
file = "archive.ndjson"

[[destination]]
name = "asleep"
file = "asleep.ndjson"
rate = 0.001
"""
RATE: Final = 200
"""Webhooks a second."""
EVENTS: Final = 100
"""Of a batch."""
SENDERS: Final = 8
TOKEN: Final = "X-Segment-Source-Function-Token: secret\r\n"
NUMBERS: Final = count()


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    return run("server", parser("server", __doc__), _measure, arguments)


async def _measure(given: argparse.Namespace) -> tuple[list[Figures], list[Bar]]:
    hooks, batches, rounds = (100, 16, 1) if given.quick else (1000, 120, 5)
    with tempfile.TemporaryDirectory() as directory, _serving(Path(directory)) as process:
        port, pid = process
        samples = {
            "http alone": (_steadily(port, hooks, _request("GET /healthz")), hooks),
            "webhook": (_steadily(port, hooks, _request("POST /webhooks/hook", TOKEN, EVENT)), hooks),
            "batch": (_batches(port, batches, "key"), batches * EVENTS),
            "batch, kept only": (_batches(port, batches, "asleep"), batches * EVENTS),
        }
        cases = [
            Case(
                name="http alone",
                what=f"{RATE} a second that ask for the server's health",
                sample=samples["http alone"][0],
            ),
            Case(
                name="webhook",
                what=f"{RATE} a second: its function runs, what it sends is kept, 200; from when it was due",
                sample=samples["webhook"][0],
            ),
            Case(
                name="batch",
                what=f"by event: batches of {EVENTS} from {SENDERS} senders, while a file gets what is accepted",
                sample=samples["batch"][0],
            ),
            Case(
                name="batch, kept only",
                what="the same, where nothing is delivered meanwhile",
                sample=samples["batch, kept only"][0],
            ),
        ]
        figures = await interleave(cases, rounds)
        for name, figure in figures.items():
            figure.extra["server_cpu_us"] = 1e6 * await _processor_time(pid, samples[name])
    bars = [
        Bar(
            case="webhook",
            text=f"p99 at {RATE} a second",
            value=1000 * p99(figures["webhook"].seconds),
            most=50,
            unit="ms",
        ),
        Bar(
            case="batch",
            text="events a second, delivered meanwhile",
            value=1 / figures["batch"].median,
            least=3000,
        ),
    ]
    return list(figures.values()), bars


# ---------------------------------------------------------------- the server


@contextmanager
def _serving(directory: Path) -> Iterator[tuple[int, int]]:
    """A server in a process of its own: its port and its process."""
    (directory / "hook").mkdir()
    (directory / "hook" / "function.js").write_text(FUNCTION)
    (directory / "hook" / "function.toml").write_text('kind = "source"\n')
    (directory / "pipeline.toml").write_text(PIPELINE)
    command = [sys.executable, "-m", "isthmus", "serve", "pipeline.toml", "--queue", "sqlite:queue.db"]
    with subprocess.Popen(
        [*command, "--bind", "127.0.0.1:0", "--operations", "none"],
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            assert process.stdout is not None
            found = re.search(rb":(\d+)\s*$", process.stdout.readline())
            assert found, "it does not serve"
            yield int(found[1]), process.pid
        finally:
            process.kill()


async def _processor_time(pid: int, sample: tuple[Sample, int]) -> float:
    """Seconds of processor time that the server takes by request or event, whatever else the machine does; 0 if unknown."""
    before = _processor_seconds(pid)
    await sample[0]()
    return (_processor_seconds(pid) - before) / sample[1]


def _processor_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# ---------------------------------------------------------------- its clients


@final
class _Connection:
    """Sends one request after the other; as little of HTTP as that takes, for the client shares the processors."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream

    async def ask(self, request: bytes) -> None:
        await self._stream.send_all(request)
        answer = b""
        while not answer.endswith(b"}"):
            part = await self._stream.receive_some()
            assert part, answer
            answer += part
        assert answer.startswith(b"HTTP/1.1 200"), answer


def _request(line: str, header: str = "", body: bytes = b"") -> bytes:
    head = f"{line} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{header}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _steadily(port: int, number: int, request: bytes) -> Sample:
    """Requests that are due at a steady rate, whether those before have been answered or not."""

    async def sample() -> Sequence[float]:
        seconds: list[float] = []
        idle: list[_Connection] = []

        async def send(due: float) -> None:
            connection = idle.pop() if idle else _Connection(await trio.open_tcp_stream("127.0.0.1", port))
            await connection.ask(request)
            idle.append(connection)
            seconds.append(time.perf_counter() - due)

        began = time.perf_counter()
        async with trio.open_nursery() as nursery:
            for place in range(number):
                due = began + place / RATE
                await trio.sleep(max(0.0, due - time.perf_counter()))
                nursery.start_soon(send, due)
        return seconds

    return sample


def _batches(port: int, number: int, key: str) -> Sample:
    """Batches from several senders, each one after the other."""
    event: dict[str, Any] = json.loads(EVENT)

    async def sample() -> Sequence[float]:
        bodies = [
            json.dumps(
                {
                    "batch": [{**event, "messageId": f"m{next(NUMBERS)}"} for _ in range(EVENTS)],
                    "writeKey": key,
                }
            ).encode()
            for _ in range(number)
        ]

        async def send() -> None:
            connection = _Connection(await trio.open_tcp_stream("127.0.0.1", port))
            while bodies:
                await connection.ask(_request("POST /v1/batch", body=bodies.pop()))

        began = time.perf_counter()
        async with trio.open_nursery() as nursery:
            for _ in range(SENDERS):
                nursery.start_soon(send)
        return [(time.perf_counter() - began) / (number * EVENTS)]

    return sample
