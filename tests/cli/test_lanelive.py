"""What ``isthmus work`` draws on a terminal."""

from __future__ import annotations

import re
import sys

import pytest
import trio
from trio.testing import MockClock

import isthmus
from isthmus._cli.lanelive import LiveLanes
from isthmus.pipelines import BreakerPolicy, Destination, Source
from isthmus.sinks import CallableSink, Retry
from isthmus.testing import MemoryQueue

from .test_progress import drawn, terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX terminals")


def rows(shown: bytes) -> dict[str, list[str]]:
    """The cells of each queue's line as it was drawn last."""
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode()).replace("\r", "\n")
    lines = [line.split() for line in plain.splitlines() if line.startswith("destination:")]
    return {line[0]: line[1:] for line in lines}


async def test_each_queue_has_a_line_and_what_is_printed_stands_above(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "140")

    def dead(event: object) -> None:
        raise Retry("busy")

    queue = MemoryQueue()
    destinations = [
        Destination(name="well", to=CallableSink(lambda event: None)),
        Destination(name="[red]ill", to=CallableSink(dead), breaker=BreakerPolicy(failures=2)),
    ]
    async with (
        isthmus.open_engine(load_entry_points=False) as engine,
        isthmus.open_pipeline(
            engine, queue, sources=[Source(id="s")], destinations=destinations, clock=queue._now
        ) as pipeline,
    ):
        with terminal() as (screen, shown):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(LiveLanes(pipeline, screen).follow)
                await pipeline.accept("s", [{"type": "track", "n": n} for n in range(1500)])
                await trio.sleep(4.1)
                screen.print("a line above")
                await trio.sleep(1.0)
                nursery.cancel_scope.cancel()
            assert screen.above is None
            text = drawn(shown)
    well, ill = rows(text)["destination:well"], rows(text)["destination:[red]ill"]
    assert well[0] == "1,500"
    assert well[2:7] == ["0"] * 5
    assert ill[0] == "0"
    assert ill[-2:] == ["left", "alone"]
    assert text.count(b"a line above") == 1
    assert text.endswith(b"\x1b[2K") or b"\x1b[?25h" in text[-40:]  # wiped, and the cursor is back


async def test_a_storage_that_is_away_leaves_the_lanes_to_be_seen(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "140")
    queue = MemoryQueue()

    async def away(name: str) -> object:
        raise isthmus.QueueError("away")

    async with (
        isthmus.open_engine(load_entry_points=False) as engine,
        isthmus.open_pipeline(
            engine,
            queue,
            sources=[Source(id="s")],
            destinations=[Destination(name="d", to=CallableSink(lambda event: None))],
            clock=queue._now,
        ) as pipeline,
    ):
        monkeypatch.setattr(queue, "stats", away)
        with terminal() as (screen, shown):
            with trio.move_on_after(3):
                await LiveLanes(pipeline, screen).follow()
            text = drawn(shown)
    assert rows(text)["destination:d"] == ["0", "0", "?", "0", "?", "0", "0"]
