"""Whatever instances within WebAssembly do with what they may do, no call of one tenant sees anything of another's."""

from __future__ import annotations

import json
import logging
import re
import signal
import socket
from collections.abc import Iterable, Iterator
from typing import Any, cast

import trio
import trio.testing

from fuzz.hostile import answer
from fuzz.oracles import hold_outcome
from isthmus import open_engine
from isthmus.abc import Program, Runtime
from isthmus.functions import Function, Kind, SettingDefinition
from isthmus.hookspecs import hookimpl
from isthmus.limits import Limits
from isthmus.testing import MockFetcher
from isthmus_cpython._levels import Isolation
from isthmus_cpython._pool import Pool, call_caps
from isthmus_cpython._process import Exit, Process
from isthmus_cpython._program import CPythonProgram
from isthmus_cpython._wire import CONFINED, Connection
from isthmus_cpython_wasm.inside.world import Trespass, World
from isthmus_guest._channel import ARMED, ASK, END, FAULT, LOADED, LOG, METERED, Channel

LIMITS = Limits(wall=2.0, log_bytes=64, fetches=3, operations=4, output_bytes=4096, fetch_request_bytes=256)
KINDS = {
    b"armed": ARMED,
    b"ask": ASK,
    b"log": LOG,
    b"end": END,
    b"fault": FAULT,
    b"loaded": LOADED,
    b"metered": METERED,
}
TENANTS = ("one", "two")
SECRET = re.compile(r"tenant-\w+")
TURNS = (0, 1, 1, 0, 0, 1)
"""Whose calls follow each other: a process may have several of one tenant's, and of both."""
MOST_ACTS = 200
AGAIN = b"---"
"""The line between two instances."""

logging.getLogger("isthmus").setLevel(logging.CRITICAL)  # it tells of every fault, and here is nothing else


def check(data: bytes) -> None:
    """What the instances of a process do, one after the other, act by act, one a line, ``---`` between two; the rest do as they should.

    An act is a frame, ``end {...}``; ``echo``, an end with all that the instance has read; ``receive`` and ``look``, with
    and without waiting; ``rest``; ``trap``.  ``KEY`` in a frame is the secret of the tenant whose call was read.
    """
    if b"tenant" in data:
        return  # it would know what it is to find out
    clock = trio.testing.MockClock(autojump_threshold=0)
    trio.run(_call_by_turns, data.split(b"\n"), clock=clock)


async def _call_by_turns(lines: list[bytes]) -> None:
    runtime = _Runtime(lines)
    async with open_engine(
        plugins=[runtime, MockFetcher(answer)], load_entry_points=False, limits=LIMITS
    ) as engine:
        function = Function(
            name="hostile",
            kind=Kind.DESTINATION,
            language="hostile",
            code="",
            settings=(SettingDefinition(name="key"),),
        )
        instances = [await engine.load(function, settings={"key": f"tenant-{name}"}) for name in TENANTS]
        for turn in TURNS:
            own, other = TENANTS[turn], TENANTS[1 - turn]
            event = {"type": "track", "event": f"tenant-{own}"}
            outcome = await engine.invoke(instances[turn], event)
            shown = hold_outcome(outcome, LIMITS)
            assert f"tenant-{other}" not in json.dumps(shown), shown
    assert runtime.blunders == []


class _Runtime(Runtime):
    """The Python runtime over processes whose instances do as they are told."""

    language = "hostile"

    def __init__(self, lines: list[bytes]) -> None:
        self._lines = lines
        self.blunders: list[Exception] = []

    @hookimpl
    def isthmus_runtimes(self) -> Iterable[Runtime]:
        return [self]

    async def load(self, function: Function, limits: Limits) -> Program:
        caps = call_caps(
            request_bytes=limits.fetch_request_bytes, output_bytes=limits.output_bytes, metered=True
        )
        zygote = cast("Any", _Zygote(self._lines, self.blunders))
        pool = Pool(zygote, caps, most=2, patience=limits.wall, reused=True)
        return CPythonProgram(
            zygote,
            pool,
            handlers=frozenset({"onTrack"}),
            limits=limits,
            room=trio.Semaphore(4),
            keep=False,
        )


def _instances(lines: list[bytes]) -> Iterator[list[bytes]]:
    acts: list[bytes] = []
    for line in lines:
        if line == AGAIN:
            yield acts[:MOST_ACTS]
            acts = []
        else:
            acts.append(line)
    yield acts[:MOST_ACTS]
    while True:
        yield [b"armed", b"receive", b"echo"]


class _Zygote:
    """Has processes that are tasks of this one."""

    isolation = Isolation.of({}, scratch=False)

    def __init__(self, lines: list[bytes], blunders: list[Exception]) -> None:
        self._lines = lines
        self._blunders = blunders
        self._all: list[_Process] = []

    async def fork(self, caps: dict[int, int]) -> Process:
        await trio.lowlevel.checkpoint()
        here, there = socket.socketpair()
        process = _Process(Connection(here, caps), there)
        self._all.append(process)
        trio.lowlevel.spawn_system_task(self._live, process)
        return process

    async def _live(self, process: _Process) -> None:
        try:
            with process.scope:
                await process.live(_instances(self._lines))
        except (Trespass, EOFError, OSError):
            pass
        except Exception as blunder:
            self._blunders.append(blunder)
        process.leave()

    async def aclose(self) -> None:
        for process in self._all:
            process.scope.cancel()
        await trio.lowlevel.checkpoint()


class _Process(Process):  # type: ignore[misc] # final for all but this
    """One that has no kernel's process behind it."""

    def __init__(self, connection: Connection, there: socket.socket) -> None:
        super().__init__(connection, -1, lambda: None)
        self.scope = trio.CancelScope()
        self._there = there
        self._goes_on = trio.Event()
        self._goes_on.set()

    def signal(self, number: signal.Signals) -> None:
        if number == signal.SIGKILL:
            self.scope.cancel()
        elif number == signal.SIGSTOP:
            self._goes_on = trio.Event()
        elif number == signal.SIGCONT:
            self._goes_on.set()

    def cpu(self) -> float | None:
        return None if self.ended is not None else 0.001

    def memory(self) -> int:
        return 1 << 20

    def leave(self) -> None:
        self._there.close()
        self.gone(Exit(status=0))

    async def live(self, instances: Iterator[list[bytes]]) -> None:
        channel = Channel(self._there.fileno())
        channel.send(CONFINED, b"")
        world = World(channel, keep=False)
        for acts in instances:
            world.begin()
            read: list[str] = []
            for act in acts:
                await self._goes_on.wait()
                await self._do(world, act, read)
            await trio.sleep(0.001)

    async def _do(self, world: World, act: bytes, read: list[str]) -> None:
        word, _, payload = act.partition(b" ")
        known = SECRET.search("".join(read))
        text = payload.decode("utf-8", "replace").replace("KEY", known.group() if known else "")
        if word in {b"receive", b"look"}:
            with trio.move_on_after(1.0 if word == b"receive" else 0.0):
                await trio.lowlevel.wait_readable(self._there)
            read.append(world._receive(None, 0.0))
        elif word == b"rest":
            await trio.sleep(0.05)
        elif word == b"trap":
            raise Trespass
        else:
            with trio.fail_after(60):
                await trio.lowlevel.wait_writable(self._there)
            if word == b"echo":
                text = json.dumps({"ok": True, "value": read})
            kind = KINDS.get(word, END if word == b"echo" else int(payload) % 256 if payload.isdigit() else 0)
            world._send(None, kind, text)
