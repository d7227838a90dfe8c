"""Outcomes on their way out: whole lines, held back where nobody takes them, and an end to it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec
import pytest
import trio
import trio.testing
from trio.testing import wait_all_tasks_blocked

from isthmus import Code, LogLine, Outcome, Problem, Status
from isthmus._cli import outlet as outlets
from isthmus._cli.outlet import Outlet

OUTCOME = Outcome(function="f", instance="f", handler="onTrack", status=Status.DELIVERED)


def broken_never(_: str) -> None:
    raise AssertionError


def written(path: Path, outcomes: list[tuple[bytes, Outcome]]) -> list[bytes]:
    trio.run(write, path, outcomes)
    return path.read_bytes().splitlines()


async def write(path: Path, outcomes: list[tuple[bytes, Outcome]]) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        outlet = Outlet(fd, broken_never)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(outlet.run)
            for head, outcome in outcomes:
                outlet.put(head, outcome)
                await outlet.admit()
            outlet.end()
    finally:
        os.close(fd)


def test_a_line_has_where_it_came_from_and_no_empty_field(tmp_path: Path) -> None:
    full = msgspec.structs.replace(
        OUTCOME,
        status=Status.REFUSED,
        problem=Problem(name="TypeError", message="x", code=Code.BAD_REQUEST),
        value=msgspec.Raw(b'{"a":[1]}'),
        logs=(LogLine("log", "hi"),),
    )
    lines = written(tmp_path / "out", [(b'{"line":1', OUTCOME), (b'{"file":"a","line":2', full)])
    assert json.loads(lines[0]) == {
        "line": 1,
        "function": "f",
        "instance": "f",
        "handler": "onTrack",
        "status": "delivered",
    }
    second = json.loads(lines[1])
    assert (second["file"], second["line"], second["value"]) == ("a", 2, {"a": [1]})
    assert second["problem"] == {"name": "TypeError", "message": "x", "code": "bad_request"}
    assert not {"items", "messages", "exchanges", "usage"} & second.keys()


def test_none_is_lost_and_their_order_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlets, "FULL", 300)
    monkeypatch.setattr(outlets, "BACKLOG", 1000)
    lines = written(tmp_path / "out", [(b'{"line":%d' % number, OUTCOME) for number in range(500)])
    assert [json.loads(line)["line"] for line in lines] == list(range(500))


async def test_a_companion_that_tells_of_broken_lines_alone_ends_nothing(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    fd = os.open(tmp_path / "out", os.O_WRONLY | os.O_CREAT)
    try:
        outlet = Outlet(fd, broken_never)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(outlet.run)
            outlet.put_lines(b"")
            await trio.sleep(1)
            outlet.put_lines(b'{"line":2}\n')
            await trio.sleep(1)
            outlet.put_lines(b"")
            outlet.end()
    finally:
        os.close(fd)
    assert (tmp_path / "out").read_bytes() == b'{"line":2}\n'


async def test_who_reads_slowly_holds_the_run_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlets, "FULL", 1)
    monkeypatch.setattr(outlets, "BACKLOG", 100_000)
    reading, writing = os.pipe()
    outlet = Outlet(writing, broken_never)
    long = msgspec.structs.replace(OUTCOME, function="f" * 300_000)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(outlet.run)
        outlet.put(b'{"line":1', long)
        await wait_all_tasks_blocked()  # it waits for the pipe
        outlet.put(b'{"line":2', long)
        admitted = trio.Event()

        async def admit() -> None:
            await outlet.admit()
            admitted.set()

        nursery.start_soon(admit)
        await wait_all_tasks_blocked()
        assert not admitted.is_set()
        outlet.end()
        text = b""
        while text.count(b"\n") < 2:
            text += await trio.to_thread.run_sync(os.read, reading, 1 << 20)
        await admitted.wait()
    os.close(writing)
    os.close(reading)


async def test_a_reader_that_has_gone_is_told_once() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    said: list[str] = []
    outlet = Outlet(writing, said.append)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(outlet.run)
        outlet.put(b'{"line":1', OUTCOME)
    outlet.put(b'{"line":2', OUTCOME)
    await outlet.admit()
    os.close(writing)
    assert said == [""]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
async def test_a_full_disk_is_said_to_be_one() -> None:
    fd = os.open("/dev/full", os.O_WRONLY)
    said: list[str] = []
    outlet = Outlet(fd, said.append)
    outlet.put(b'{"line":1', OUTCOME)
    outlet.end()
    await outlet.run()
    os.close(fd)
    assert said == ["No space left on device"]
