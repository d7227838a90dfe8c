"""A loaded module: its calls, each in a world of its own, and the worlds that are kept for the next."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

import trio
import wasmtime

from isthmus.abc import Call, Ending, Host, Killed, Program, Reply, Thrown
from isthmus.errors import RuntimeFault

from ._course import Ended, Place
from ._inline import InlineCalls, Unsuited
from ._talk import Talk
from ._wasm import Stopped
from ._world import World

if TYPE_CHECKING:
    from isthmus.limits import Limits

    from ._crew import Crew
    from ._image import Image

__all__ = ["ModuleProgram", "Running"]

MOST_SPARE: Final = 64
"""Worlds kept for later calls; each holds some tens of kilobytes."""
EXITED_AT, STATUS_AT = 20, 24
NEARLY_ALL: Final = 0.875
"""Of the memory a call may have: a guest that has this much and fails has most likely asked for more."""


class Running(Protocol):
    """How a kind of guest is run: what it begins with, and what comes of it."""

    def entry(self, call: Call) -> str: ...
    def talk(self, call: Call, host: Host, variables: dict[bytes, bytes] | None) -> Talk: ...
    def ending(self, world: World, talk: Talk, result: int) -> Ending: ...
    def exited(self, world: World, talk: Talk, status: int) -> Ending: ...


class ModuleProgram(Program):
    """A core module over one image.

    Args:
        image: what its worlds are made from.
        running: how they are run.
        handlers: which handlers it has.
        limits: of each call.
        crew: runs them.
        keep_worlds: one world for all calls of one instance.
    """

    def __init__(
        self,
        image: Image,
        running: Running,
        handlers: frozenset[str],
        limits: Limits,
        crew: Crew,
        *,
        keep_worlds: bool,
    ) -> None:
        self.handlers = handlers
        self._image = image
        self._running = running
        self._limits = limits
        self._crew = crew
        self._keep_worlds = keep_worlds
        self._inline: InlineCalls[Reply] = InlineCalls(crew)
        self._spare: deque[World] = deque()
        self._kept: dict[str, _Kept] = {}
        self._turns: dict[str, trio.Lock] = {}
        self._closed = False

    async def run(self, call: Call, host: Host) -> Reply:
        """Run one call; see :class:`isthmus.abc.Program`."""
        if not self._keep_worlds:
            return await self._run(call, host, None)
        async with self._turns.setdefault(call.instance, trio.Lock()):
            return await self._run(call, host, self._kept.setdefault(call.instance, _Kept()))

    async def run_many(
        self, calls: Sequence[tuple[Call, Host]], deliver: Callable[[int, Reply], None]
    ) -> None:
        """Run calls together; see :class:`isthmus.abc.Program`."""
        if self._keep_worlds:
            await super().run_many(calls, deliver)
            return
        talks = [self._running.talk(call, host, None) for call, host in calls]

        def told(index: int, reply: Reply) -> None:
            talks[index].tell()
            deliver(index, reply)

        await self._crew.run_each([partial(self._in_thread, talk, None) for talk in talks], told)

    async def forget(self, instance: str) -> None:
        """Close the world kept for an instance."""
        self._turns.pop(instance, None)
        if kept := self._kept.pop(instance, None):
            kept.close()

    async def aclose(self) -> None:
        """Close all worlds."""
        self._closed = True
        for instance in list(self._kept):
            await self.forget(instance)
        while self._spare:
            self._spare.pop().close()

    async def _run(self, call: Call, host: Host, kept: _Kept | None) -> Reply:
        if kept is None and self._inline.wanted(len(call.argument)):
            talk = self._running.talk(call, host, None)
            if (reply := await self._inline.attempt(partial(self._in_thread, talk, None))) is not None:
                talk.tell()
                return reply
        talk = self._running.talk(call, host, None if kept is None else kept.variables)
        try:
            return await self._crew.run(partial(self._in_thread, talk, kept))
        finally:
            talk.tell()

    def _in_thread(self, talk: Talk, kept: _Kept | None, place: Place) -> Reply:
        talk.begin(place)
        ending = self._ending(talk, kept)
        messages = b"[" + b",".join(talk.messages) + b"]" if talk.messages else b""
        return Reply(ending, messages, talk.cpu, talk.memory, place.since, talk.fuel)

    def _ending(self, talk: Talk, kept: _Kept | None) -> Ending:
        world = self._take(kept)
        keep = False
        try:
            ending, keep = self._guest(world, talk)
        except Ended as error:
            ending = error.ending
        finally:
            talk.close(world)
            self._give_back(world, kept, keep=keep)
        return ending

    def _guest(self, world: World, talk: Talk) -> tuple[Ending, bool]:
        """How the call ended, and whether its world is fit to be used again."""
        try:
            talk.open(world)
            if world.fresh:
                world.start()
            result = world.enter(self._running.entry(talk.call))
        except Stopped as stop:
            return self._autopsy(world, talk, stop)
        return self._running.ending(world, talk, result), True

    def _autopsy(self, world: World, talk: Talk, stop: Stopped) -> tuple[Ending, bool]:
        raised = world.raised
        if isinstance(raised, Ended):
            return raised.ending, False
        if isinstance(raised, trio.Cancelled | Unsuited | RuntimeFault):
            raise raised
        if raised is not None:
            raise RuntimeFault(f"{type(raised).__name__} while a guest was served") from raised
        if talk.killed is not None:
            return talk.killed, False
        if stop.code is wasmtime.TrapCode.OUT_OF_FUEL:
            return Killed("cpu", f"the call used more fuel than its limit of {self._image.fuel} units"), False
        exited = world.read_u32(EXITED_AT) == 1 and stop.code is wasmtime.TrapCode.UNREACHABLE
        status = world.read_u32(STATUS_AT) if exited else 0
        if (status or not exited) and world.memory_bytes >= self._limits.memory * NEARLY_ALL:
            limit = self._limits.memory
            return Killed("memory", f"the call needed more memory than its limit of {limit} bytes"), False
        if exited:
            return self._running.exited(world, talk, status), True
        return _trapped(stop), False

    # ------------------------------------------------------------ worlds

    def _take(self, kept: _Kept | None) -> World:
        try:
            if kept is not None and kept.world is not None:
                world, kept.world = kept.world, None
                return world
            return self._spare.pop()
        except IndexError:
            return World(self._image)

    def _give_back(self, world: World, kept: _Kept | None, *, keep: bool) -> None:
        if kept is not None and keep and not kept.closed:
            world.fresh = False
            kept.world = world
            return
        if kept is None and not self._closed and len(self._spare) < MOST_SPARE and keep and world.renew():
            self._spare.append(world)
            return
        world.close()


class _Kept:
    """What is kept for one instance: its world, and a plug-in's variables."""

    def __init__(self) -> None:
        self.world: World | None = None
        self.variables: dict[bytes, bytes] = {}
        self.closed = False

    def close(self) -> None:
        self.closed = True
        if self.world is not None:
            self.world.close()
            self.world = None


def _trapped(stop: Stopped) -> Thrown:
    what = stop.message.strip().splitlines()
    said = next(
        (line.strip() for line in reversed(what) if "wasm trap" in line), what[0] if what else "it trapped"
    )
    return Thrown(
        "Trap",
        said.removeprefix("Caused by:").strip(),
        "\n".join(f"    at {name}" for name in stop.frames[:32]),
    )
