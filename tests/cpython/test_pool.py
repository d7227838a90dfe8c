"""Processes that are ready before their call: hostile code in them gets nothing for it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import trio

from isthmus import Function, Kind, Limits
from isthmus.errors import RuntimeFault
from isthmus_cpython import CPythonRuntime
from isthmus_cpython._process import Process
from isthmus_cpython._program import CPythonProgram

STAYS = """
import os, threading

def stay(*_):
    while True:
        pass

threading.Thread(target=stay, daemon=True).start()
os._exit = stay

def on_track(event, settings):
    return "called"
"""


@pytest.fixture
async def program() -> AsyncIterator[CPythonProgram]:
    """A function that uses what time it is given, and does not end when its host has hung up."""
    runtime = CPythonRuntime(require_isolation="process", ready=4)
    function = Function(name="stays", kind=Kind.DESTINATION, language="python", code=STAYS)
    made = await runtime.load(function, Limits(wall=3600, cpu=3600))
    yield made
    await made.aclose()


async def until(true: Callable[[], bool]) -> None:
    with trio.fail_after(60):
        while not true():  # noqa: ASYNC110 -- another process sets no event of Trio's
            await trio.sleep(0.002)


def state(process: Process) -> str:
    """R, S, T, ... as the kernel has it."""
    return Path(f"/proc/{process._id}/stat").read_text().rpartition(")")[2].split()[0]


async def test_what_is_ready_is_stopped_until_its_call(program: CPythonProgram) -> None:
    pool = program._pool
    await until(lambda: bool(pool._ready))
    waiting = pool._ready[0]
    await until(lambda: state(waiting) == "T")
    taken = await pool.take()
    assert taken is waiting
    taken.resume()
    await until(lambda: state(taken) != "T")
    await taken.end()
    pool.leave()


async def test_what_is_ready_and_not_wanted_any_more_is_killed(program: CPythonProgram) -> None:
    pool, zygote = program._pool, program._zygote
    taken = [await pool.take() for _ in range(4)]
    await until(lambda: len(pool._ready) == 4)
    for process in taken:
        await process.end()
    pool._peak = 0.0
    for _ in taken:
        pool.leave()
    assert len(pool._ready) == 1
    await until(lambda: len(zygote._children) == 1)


async def test_a_process_whose_connection_could_not_be_handed_over_is_killed(
    program: CPythonProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it happens where this process holds as many descriptors as it may: the kernel leaves them out."""
    pool, zygote = program._pool, program._zygote
    await until(lambda: len(pool._ready) == 1 and not pool._arming)
    told: list[int] = []
    monkeypatch.setattr(zygote, "_kill", told.append)
    started = zygote._started

    def without(number: int, files: list[int]) -> None:
        for file in files:
            os.close(file)
        started(number, [])

    monkeypatch.setattr(zygote, "_started", without)
    with pytest.raises(RuntimeFault, match="no process could be forked: Too many open files"):
        await zygote.fork(pool._caps)
    assert told == [zygote._number]
    monkeypatch.undo()
    zygote._kill(told[0])
    assert len(zygote._children) == 1


async def test_a_fork_that_nobody_waits_for_is_killed(program: CPythonProgram) -> None:
    pool, zygote = program._pool, program._zygote
    await until(lambda: len(pool._ready) == 1 and not pool._arming)
    for at_once in (True, False):
        async with trio.open_nursery() as nursery:
            if at_once:
                nursery.cancel_scope.cancel()
            nursery.start_soon(zygote.fork, pool._caps)
            await trio.lowlevel.cancel_shielded_checkpoint()
            nursery.cancel_scope.cancel()
    await until(lambda: len(zygote._children) == 1 and not zygote._awaited)
