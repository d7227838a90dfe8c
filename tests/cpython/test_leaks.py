"""What is left behind: after many calls nothing, and after an engine that was killed nobody."""

from __future__ import annotations

import gc
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
import trio
import trio.testing
from tests.python import LEVELS, open_functions, processes_below, value_of

from isthmus import Function, Kind, Limits, Outcome, Status
from isthmus._host import Door, InvocationHost
from isthmus.abc import Call, Egress, Returned
from isthmus_cpython import CPythonRuntime
from isthmus_cpython._program import CPythonProgram

ROOT: Final = Path(__file__).parents[2]
CALLS: Final = int(os.environ.get("ISTHMUS_TEST_CALLS", "600"))
"""How many are looked at; more tell more, and take their time."""
AT_ONCE: Final = 4
PAGES: Final = 64 + CALLS // 100
"""Pages by which a process may grow for reasons of its allocator."""

if sys.platform != "linux":
    pytest.skip("it looks into /proc", allow_module_level=True)


class Holdings:
    """What this process and its zygote hold.

    Attributes:
        processes: of the zygote, and of its namespace.
        descriptors: how many, by process.
        pages: private and written, by process.
    """

    def __init__(self, processes: set[int]) -> None:
        gc.collect()
        self.processes = processes
        known = [os.getpid(), *sorted(processes)]
        self.descriptors = {number: len(os.listdir(f"/proc/{number}/fd")) for number in known}
        self.pages = {number: _pages(number) for number in known}

    def __str__(self) -> str:
        told = (
            f"process {number}: {self.descriptors[number]} descriptors, {pages} pages of its own, {_resident(number)} resident"
            for number, pages in self.pages.items()
        )
        return f"{len(self.processes)} processes below\n  " + "\n  ".join(told)


def _resident(process: int) -> int:
    return int(Path(f"/proc/{process}/statm").read_text().split()[1])


def _pages(process: int) -> int:
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty:")) // 4


async def call_many(program: CPythonProgram, count: int) -> None:
    """Calls, a few at a time."""

    async def some() -> None:
        for number in range(count // AT_ONCE):
            host = InvocationHost(Door(Limits(), fetcher=None, egress=Egress(), redactor=None))
            call = Call("onTrack", b"%d" % number, b"{}", "f#1", 1_700_000_000.0, bytes(32))
            reply = await program.run(call, host)
            assert isinstance(reply.ending, Returned)
            assert bytes(reply.ending.value) == b"%d" % (number + 1)

    async with trio.open_nursery() as nursery:
        for _ in range(AT_ONCE):
            nursery.start_soon(some)


async def settled(program: CPythonProgram, others: set[int]) -> Holdings:
    """What is held once the last call's process is gone and the next is ready, but for what others have started."""
    zygote = program._zygote
    with trio.fail_after(60):
        while len(zygote._children) != 1 or len(program._pool._ready) != 1 or zygote._awaited:  # noqa: ASYNC110 -- no event tells
            await trio.sleep(0.01)
    ready = program._pool._ready[0]._id
    return Holdings(processes_below() - {ready} - others)


@pytest.mark.slow
async def test_many_calls_leave_no_process_no_descriptor_and_no_page() -> None:
    others = processes_below()
    runtime = CPythonRuntime(require_isolation="process", ready=1)
    code = "def on_track(event, settings): return event + 1"
    function = Function(name="f", kind=Kind.DESTINATION, language="python", code=code)
    program = await runtime.load(function, Limits(wall=60, cpu=60))
    await call_many(program, CALLS // 4)
    before = await settled(program, others)
    await call_many(program, CALLS)
    after = await settled(program, others)
    await program.aclose()
    assert after.processes == before.processes
    assert after.descriptors == before.descriptors
    for name, pages in after.pages.items():
        assert pages - before.pages[name] < PAGES, name
    assert not processes_below() & after.processes


ENGINE: Final = """
import os, sys
import trio
from tests.python import LEVELS, open_functions, processes_below

CODE = '''
import signal, threading
def stay():
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue
threading.Thread(target=stay, daemon=True).start()
def on_track(event, settings):
    print("running")
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
    stay()
def on_page(event, settings):
    return 1
'''

async def main():
    async with open_functions(sys.argv[1]) as functions:
        once = await functions.load(CODE, wall=3600, cpu=3600)
        kept = await functions.load(CODE, wall=3600, cpu=3600, isolation="instance")
        await functions.engine.invoke(kept, {"type": "page"})
        async with trio.open_nursery() as nursery:
            for instance in (once, once, kept):
                nursery.start_soon(functions.engine.invoke, instance, {"type": "track"})
            while len(processes_below()) < int(sys.argv[2]):
                await trio.sleep(0.01)
            print(*processes_below(), flush=True)
            await trio.sleep_forever()

trio.run(main)
"""


@pytest.mark.parametrize("level", LEVELS)
async def test_a_zygote_that_is_killed_leaves_nobody_and_another_takes_its_place(level: str) -> None:
    code = "def on_track(event, settings):\n while event.get('stays'): pass\n return 1"
    before = processes_below()
    async with open_functions(level) as functions:
        instance = await functions.load(code, wall=3600, cpu=3600)
        outcomes: list[Outcome] = []

        async def stay() -> None:
            outcomes.append(await functions.engine.invoke(instance, {"type": "track", "stays": True}))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(stay)
            await trio.testing.wait_all_tasks_blocked(0.3)
            below = processes_below() - before
            watched = [os.pidfd_open(number) for number in below]
            os.kill(min(below), signal.SIGKILL)
            with trio.fail_after(60):
                for file in watched:
                    await trio.lowlevel.wait_readable(file)
                    os.close(file)
        assert outcomes[0].problem is not None
        lost = await functions.engine.invoke(instance, {"type": "track"})
        assert lost.status is Status.RETRY  # who finds out that it is gone is told so
        assert value_of(await functions.engine.invoke(instance, {"type": "track"})) == 1


def test_a_process_whose_parent_has_ended_does_not_begin() -> None:
    script = """
import os, sys, time
from isthmus_cpython.inside.privileges import die_with_parent
parent = os.getpid()
if os.fork():
    os._exit(0)
while os.getppid() == parent:
    time.sleep(0.001)
die_with_parent(parent)
print("lives on")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.parametrize("level", LEVELS)
def test_an_engine_that_is_killed_leaves_nobody(level: str) -> None:
    at_least = 2 * (2 if level == "kernel+ns" else 1) + 3  # zygotes, and the processes of three calls
    engine = subprocess.Popen(
        [sys.executable, "-c", ENGINE, level, str(at_least)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with engine:
        assert engine.stdout is not None
        below = [int(number) for number in engine.stdout.readline().split()]
        assert len(below) >= at_least
        watched = [os.pidfd_open(number) for number in below]
        engine.kill()
        poll = select.poll()
        for file in watched:
            poll.register(file, select.POLLIN)
        while watched:
            gone = poll.poll(60_000)
            assert gone, f"{len(watched)} of {len(below)} processes live on"
            for file, _ in gone:
                poll.unregister(file)
                watched.remove(file)
                os.close(file)
    assert engine.returncode == -signal.SIGKILL
