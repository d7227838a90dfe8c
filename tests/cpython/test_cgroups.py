"""Control groups: which are usable, what is written into them, and that a zygote is in its own.

Few machines lend the controllers of memory and processes to their tests, so what is written is looked at in a
directory that is made like such a hierarchy.  Where the kernel's own is delegated (``systemd-run -p Delegate=yes -p
DelegateSubgroup=tests``, or the file system mounted in a virtual machine) its limits are tried as well.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from tests.python import MIB, open_functions

from isthmus import Function, Kind, Limits
from isthmus._host import Door, InvocationHost
from isthmus.abc import Call, Egress, Ending, Killed, Returned
from isthmus_cpython import CPythonRuntime, Level
from isthmus_cpython._cgroups import Group, Groups
from isthmus_cpython._levels import Isolation
from isthmus_cpython._program import CPythonProgram
from isthmus_cpython._zygote import Zygote


@pytest.fixture
def hierarchy(tmp_path: Path) -> Path:
    """A hierarchy in which one group is delegated, with the group of its processes below it."""
    root = tmp_path / "cgroup"
    delegated = root / "service"
    (delegated / "engine").mkdir(parents=True)
    for directory in (root, delegated):
        (directory / "cgroup.controllers").write_text("cpu memory pids\n")
        (directory / "cgroup.subtree_control").write_text("")
    (tmp_path / "own").write_text("12:pids:/elsewhere\n0::/service/engine\n")
    (tmp_path / "mounts").write_text(f"tmpfs /run tmpfs rw 0 0\ncgroup2 {root} cgroup2 rw,nosuid 0 0\n")
    return delegated


def groups(hierarchy: Path, given: str = "") -> Groups:
    top = hierarchy.parents[1]
    return Groups(given, own=top / "own", mounts=top / "mounts")


@pytest.mark.parametrize("named", [True, False])
def test_a_group_has_its_limits(hierarchy: Path, *, named: bool) -> None:
    found = groups(hierarchy, str(hierarchy) if named else "")
    assert found.missing == ""
    assert (hierarchy / "cgroup.subtree_control").read_text() == "+memory +pids"
    group = found.make(memory=1000, tasks=7)
    assert group is not None
    assert group.path.parent == hierarchy
    written = {path.name: path.read_text() for path in group.path.iterdir()}
    assert written == {"memory.max": "1000", "pids.max": "7", "memory.swap.max": "0"}
    other = found.make(memory=1, tasks=1)
    assert other is not None
    assert other.path != group.path
    for path in group.path.iterdir():
        path.unlink()  # the kernel's files go with their directory
    group.close()
    assert (
        group.path.exists()
    )  # in a directory that is none of the kernel's, "cgroup.kill" is a file that stays
    assert (group.path / "cgroup.kill").read_text() == "1"


def test_what_the_dead_have_left_is_removed_and_of_the_living_nothing(hierarchy: Path) -> None:
    dead, living = hierarchy / "isthmus-99999999-1", hierarchy / f"isthmus-{os.getpid()}-77"
    for path in (dead, living):
        path.mkdir()
    groups(hierarchy)
    assert (dead.exists(), living.exists()) == (False, True)


def test_why_there_are_none_is_said(hierarchy: Path) -> None:
    top = hierarchy.parents[1]
    (hierarchy / "cgroup.controllers").write_text("cpu pids")
    assert groups(hierarchy).missing == f"no controller of memory in {hierarchy}"
    assert groups(hierarchy).make(memory=1, tasks=1) is None
    (top / "own").write_text("0::/\n")
    assert groups(hierarchy).missing == "none is delegated; ISTHMUS_PYTHON_CGROUP may name one"
    (top / "mounts").write_text("proc /proc proc rw 0 0\n")
    assert groups(hierarchy).missing == "cgroup v2 is not mounted"
    assert groups(hierarchy, "/nonexistent").missing.startswith("No such file or directory: /nonexistent")


def test_a_group_that_cannot_be_made_is_missing(hierarchy: Path) -> None:
    found = groups(hierarchy)
    (hierarchy / "cgroup.controllers").unlink()
    for path in (hierarchy / "cgroup.subtree_control", hierarchy / "engine"):
        path.rmdir() if path.is_dir() else path.unlink()
    hierarchy.rmdir()
    assert found.make(memory=1, tasks=1) is None
    assert found.missing.startswith("No such file or directory: ")


def test_a_level_stays_what_it_is_without_a_group() -> None:
    found = Isolation.of({"cgroup": "none is delegated"}, scratch=True)
    assert found.level is Level.KERNEL_NS
    assert "missing: cgroup: none is delegated" in found.sentence()


@pytest.fixture
def unlimited() -> Group:
    """A group of the kernel's own, without limits."""
    mounts = Path("/proc/self/mounts")
    lines = mounts.read_text().splitlines() if mounts.exists() else []
    roots = [Path(line.split()[1]) for line in lines if line.split()[2] == "cgroup2"]
    path = roots[0] / f"isthmus-test-{os.getpid()}" if roots else Path("/nonexistent/group")
    try:
        path.mkdir()
    except OSError as error:
        pytest.skip(f"no group can be made here: {error.strerror}")
    return Group(path)


async def test_a_zygote_is_in_its_group_which_ends_with_it(unlimited: Group) -> None:
    runtime = CPythonRuntime(require_isolation="process")
    try:
        zygote = await Zygote.start(runtime._recipe((), None, unlimited), unlimited)
        assert "cgroup" not in zygote.isolation.missing
        inside = (unlimited.path / "cgroup.procs").read_text().split()
        assert str(zygote._process.pid) in inside
        await zygote.aclose()
    finally:
        unlimited.close()
    assert not unlimited.path.exists()


@pytest.fixture
def delegated() -> Groups:
    """Groups of the kernel's own, with their limits."""
    found = Groups(os.environ.get("ISTHMUS_PYTHON_CGROUP", ""))
    if found.missing:
        pytest.skip(f"no groups with limits can be made here: {found.missing}")
    return found


@asynccontextmanager
async def loaded(groups: Groups, code: str, *, memory: int, tasks: int) -> AsyncIterator[CPythonProgram]:
    """A program whose processes have so much together."""
    runtime = CPythonRuntime(require_isolation="process")
    group = groups.make(memory=memory, tasks=tasks)
    runtime._group = lambda limits: group  # type: ignore[method-assign]
    function = Function(name="f", kind=Kind.DESTINATION, language="python", code=code)
    program = await runtime.load(function, Limits(memory=1 << 30, wall=60, cpu=60))
    try:
        yield program
    finally:
        await program.aclose()


async def run(program: CPythonProgram, argument: bytes) -> Ending:
    host = InvocationHost(Door(Limits(), fetcher=None, egress=Egress(), redactor=None))
    call = Call("onTrack", argument, b"{}", "f#1", 1_700_000_000.0, bytes(32))
    return (await program.run(call, host)).ending


async def test_what_is_delegated_is_found_and_its_limits_are_the_kernels(delegated: Groups) -> None:
    async with open_functions() as functions:
        assert "cgroup" not in functions.runtime.isolation
        assert await functions.value("return 1") == 1
        assert delegated._parent is not None
        (made,) = delegated._parent.glob(f"isthmus-{os.getpid()}-*")
        assert int((made / "memory.max").read_text()) > 64 * 128 * MIB
        assert int((made / "pids.max").read_text()) == 72 * 64
        assert len((made / "cgroup.procs").read_text().split()) >= 2
    with trio.fail_after(60):
        while made.exists():
            Group(made).close()
            await trio.sleep(0.01)


async def test_memory_of_all_processes_together_is_bounded_and_the_rest_goes_on(delegated: Groups) -> None:
    code = "def on_track(size, settings):\n held = bytearray(size)\n held[::4096] = b'x' * len(held[::4096])\n return 1"
    async with loaded(delegated, code, memory=64 * MIB, tasks=1000) as program:
        over = await run(program, b"%d" % (200 * MIB))
        assert isinstance(over, Killed)
        assert over.reason == "memory"
        assert isinstance(await run(program, b"%d" % MIB), Returned)


async def test_what_is_written_to_its_disk_is_memory_of_its_group(delegated: Groups) -> None:
    code = "def on_track(size, settings):\n with open('/tmp/x', 'wb') as file: file.write(bytes(size))\n return 1"
    async with loaded(delegated, code, memory=64 * MIB, tasks=1000) as program:
        if program.isolation.level is not Level.KERNEL_NS:
            pytest.skip("processes have no /tmp at this level")
        group = program._zygote._group
        assert group is not None
        assert isinstance(await run(program, b"%d" % (12 * MIB)), Returned)
        assert int((group.path / "memory.peak").read_text()) > 24 * MIB  # the text, and the file


async def test_threads_of_all_processes_together_are_bounded(delegated: Groups) -> None:
    code = """
import threading, time
def on_track(event, settings):
    threading.stack_size(256 * 1024)
    for number in range(1000):
        try:
            threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        except RuntimeError:
            return number
"""
    async with loaded(delegated, code, memory=512 * MIB, tasks=20) as program:
        ending = await run(program, b"{}")
    assert isinstance(ending, Returned)
    assert 0 < int(bytes(ending.value)) < 20


def test_whatever_is_left_in_a_group_is_killed_with_it(delegated: Groups) -> None:
    group = delegated.make(memory=64 * MIB, tasks=10)
    assert group is not None
    with subprocess.Popen(["sleep", "1000"]) as left:
        (group.path / "cgroup.procs").write_text(str(left.pid))
        group.close()
        assert left.wait(60) == -signal.SIGKILL
    group.close()
    assert not group.path.exists()


async def test_where_there_is_no_group_functions_run_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISTHMUS_PYTHON_CGROUP", "/nonexistent")
    async with open_functions() as functions:
        assert await functions.value("return 1") == 1
        assert functions.runtime.reached is not None
        assert "/nonexistent" in functions.runtime.reached.missing["cgroup"]
