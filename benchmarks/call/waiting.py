"""Many invocations that wait for a fetch at once: what each holds of the process's memory, and of its threads.

To be run in a process of its own, for its memory is counted.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import final

import msgspec
import trio
from trio.abc import ReceiveStream

import isthmus_fetch
import isthmus_quickjs
from isthmus import Engine, Function, Instance, Kind, Limits, Outcome, open_engine
from isthmus.abc import Egress
from isthmus.outcomes import Status

__all__ = ["Waiting", "line", "run"]

CODE = """
async function onTrack(event, settings) {
  const response = await fetch(event.properties.url);
  return (await response.json()).ok;
}
"""
PATIENCE = 30.0
"""Seconds until all requests are with the endpoint, at the most."""


@final
class Waiting(msgspec.Struct, frozen=True):
    """What was seen while all of them waited.

    Attributes:
        rss_each: bytes of resident memory by call, above what the process had after a few calls.
        threads: of the whole process.
        seconds: from the first invocation to the last outcome, by call.
    """

    rss_each: float
    threads: int
    seconds: float


async def run(count: int) -> Waiting:
    """Have so many calls wait, let them go, and say what there was to see."""
    limits = Limits(wall=120.0)
    function = Function(name="waiting", kind=Kind.DESTINATION, language="javascript", code=CODE)
    async with open_engine(
        plugins=[isthmus_quickjs, isthmus_fetch], load_entry_points=False, limits=limits
    ) as engine:
        instance = await engine.load(function, egress=Egress(allow_private=True))
        await _wave(engine, instance, 4)  # what is made once is not counted
        return await _wave(engine, instance, count)


async def _wave(engine: Engine, instance: Instance, count: int) -> Waiting:
    outcomes: list[Outcome] = []

    async def call(event: bytes) -> None:
        outcome = await engine.invoke(instance, event)
        assert outcome.status is Status.DELIVERED, outcome.problem
        outcomes.append(outcome)

    endpoint = await trio.lowlevel.open_process(
        [sys.executable, "-m", "benchmarks._endpoint", str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert endpoint.stdin is not None
    assert endpoint.stdout is not None
    port = int(await line(endpoint.stdout))
    event = msgspec.json.encode({"type": "track", "properties": {"url": f"http://127.0.0.1:{port}/"}})
    resident, began = _resident(), time.perf_counter()
    async with trio.open_nursery() as nursery:
        for _ in range(count):
            nursery.start_soon(call, event)
        with trio.fail_after(PATIENCE):
            await line(endpoint.stdout)
        grown, threads = _resident() - resident, _threads()
        await endpoint.stdin.send_all(b"go\n")
    seconds = time.perf_counter() - began
    await endpoint.stdin.aclose()
    await endpoint.wait()
    await endpoint.stdout.aclose()
    assert len(outcomes) == count
    return Waiting(grown / count, threads, seconds / count)


async def line(stream: ReceiveStream) -> bytes:
    """The next line of a process that says no more until it is answered."""
    held = b""
    while not held.endswith(b"\n"):
        held += await stream.receive_some()
    return held


def _resident() -> int:
    """Bytes of resident memory; where /proc is not, the most there has been."""
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _threads() -> int:
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return threading.active_count()
