"""A loaded component: its calls, each in an instance of its own, or in one that is kept for its instance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

import trio

from isthmus.abc import Call, Ending, Host, Killed, Program, Reply, Thrown
from isthmus.errors import RuntimeFault
from isthmus_wasmtime._command import Command
from isthmus_wasmtime._course import Ended, Place
from isthmus_wasmtime._inline import InlineCalls, Unsuited
from isthmus_wasmtime._talk import Talk
from isthmus_wasmtime._wasm import Stopped

from .errands import Errands
from .function import argument_of, ending_of
from .world import Blueprint, ComponentWorld, Exited

if TYPE_CHECKING:
    from isthmus.limits import Limits
    from isthmus_wasmtime._crew import Crew

__all__ = ["CommandWay", "ComponentProgram", "FunctionWay", "said"]

MOST_FRAMES: Final = 32


class Way(Protocol):
    """How a kind of component is run."""

    def talk(self, call: Call, host: Host) -> Talk:
        """What a call begins with."""

    def run(self, world: ComponentWorld, talk: Talk) -> Ending:
        """Call the component; how that ended."""

    def exited(self, world: ComponentWorld, talk: Talk, status: int) -> Ending:
        """What comes of one that ended itself."""


class CommandWay:
    """``wasi:cli/run``: JSON on standard input and output, as for WASI commands."""

    def __init__(self, limits: Limits) -> None:
        self._command = Command({}, limits)  # entered by its one name

    def talk(self, call: Call, host: Host) -> Talk:
        return self._command.talk(call, host, None)

    def run(self, world: ComponentWorld, talk: Talk) -> Ending:
        good, _ = world.enter("run")
        return self.exited(world, talk, 0 if good == "ok" else 1)

    def exited(self, world: ComponentWorld, talk: Talk, status: int) -> Ending:
        return self._command.exited(world, talk, status)


class FunctionWay:
    """``isthmus:function/handlers``: the call and its outcome are records."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def talk(self, call: Call, host: Host) -> Talk:
        return Talk(call, host, self._limits, b"", stdin=False)

    def run(self, world: ComponentWorld, talk: Talk) -> Ending:
        try:
            call = argument_of(talk.call)
        except ValueError as error:
            return Thrown("InvalidEventPayload", str(error))
        try:
            answer = world.enter("handle", call)
        except ValueError as error:
            return Thrown("InvalidReply", str(error))
        return ending_of(answer, self._limits.output_bytes)

    def exited(self, world: ComponentWorld, talk: Talk, status: int) -> Ending:
        said = talk.last_words(world)
        return Thrown("Error", f"exit status {status}" + (f": {said}" if said else ""))


class ComponentProgram(Program):
    """A component over one blueprint.

    Args:
        blueprint: what its worlds are made from.
        way: how they are run.
        handlers: which handlers it has.
        limits: of each call.
        crew: runs them.
        keep_worlds: one world for all calls of one instance.
    """

    def __init__(
        self,
        blueprint: Blueprint,
        way: Way,
        handlers: frozenset[str],
        limits: Limits,
        crew: Crew,
        *,
        keep_worlds: bool,
    ) -> None:
        self.handlers = handlers
        self._blueprint = blueprint
        self._way = way
        self._limits = limits
        self._crew = crew
        self._keep_worlds = keep_worlds
        self._inline: InlineCalls[Reply] = InlineCalls(crew)
        self._kept: dict[str, ComponentWorld] = {}
        self._turns: dict[str, trio.Lock] = {}

    async def run(self, call: Call, host: Host) -> Reply:
        """Run one call; see :class:`isthmus.abc.Program`."""
        if not self._keep_worlds:
            return await self._run(call, host)
        async with self._turns.setdefault(call.instance, trio.Lock()):
            return await self._run(call, host)

    async def run_many(
        self, calls: Sequence[tuple[Call, Host]], deliver: Callable[[int, Reply], None]
    ) -> None:
        """Run calls together; see :class:`isthmus.abc.Program`."""
        if self._keep_worlds:
            await super().run_many(calls, deliver)
            return
        talks = [self._way.talk(call, host) for call, host in calls]
        async with trio.open_nursery() as nursery:
            errands = [Errands(nursery, host) for _, host in calls]
            for talk, each in zip(talks, errands, strict=True):
                talk.hear = each.hear

            def told(index: int, reply: Reply) -> None:
                errands[index].close()
                talks[index].tell()
                deliver(index, reply)

            pairs = zip(talks, errands, strict=True)
            await self._crew.run_each([partial(self._in_thread, *pair) for pair in pairs], told)

    async def forget(self, instance: str) -> None:
        """Close the world kept for an instance."""
        if self._turns.pop(instance, None) and (world := self._kept.pop(instance, None)):
            world.close()

    async def aclose(self) -> None:
        """Close all worlds."""
        for instance in list(self._turns):
            await self.forget(instance)
        self._blueprint.linked.close()

    async def _run(self, call: Call, host: Host) -> Reply:
        if not self._keep_worlds and self._inline.wanted(len(call.argument)):
            talk = self._way.talk(call, host)
            work = partial(self._in_thread, talk, Errands(None, host))
            if (reply := await self._inline.attempt(work)) is not None:
                talk.tell()
                return reply
        talk = self._way.talk(call, host)
        ended: Reply | Exception
        try:
            async with trio.open_nursery() as nursery:
                errands = Errands(nursery, host)
                talk.hear = errands.hear
                try:
                    ended = await self._crew.run(partial(self._in_thread, talk, errands))
                except Exception as error:  # noqa: BLE001 -- raised below, where no group is made of it
                    ended = error
                nursery.cancel_scope.cancel()
        finally:
            talk.tell()
        if isinstance(ended, Exception):
            raise ended
        return ended

    def _in_thread(self, talk: Talk, errands: Errands, place: Place) -> Reply:
        talk.begin(place)
        ending = self._ending(talk, errands)
        messages = b"[" + b",".join(talk.messages) + b"]" if talk.messages else b""
        return Reply(ending, messages, talk.cpu, talk.memory, place.since, talk.fuel)

    def _ending(self, talk: Talk, errands: Errands) -> Ending:
        instance = talk.call.instance
        kept = self._kept.pop(instance, None)
        world = kept or ComponentWorld(self._blueprint)
        world.errands = errands
        keep = False
        try:
            ending = self._guest(world, talk, started=kept is not None)
            keep = self._keep_worlds and world.raised is None
        except Stopped as stop:
            ending = self._autopsy(world, talk, stop)
        except Ended as error:
            ending = error.ending
        finally:
            try:
                talk.close(world)
            finally:
                world.errands = None
                if keep and instance in self._turns:
                    self._kept[instance] = world
                else:
                    world.close()
        return ending

    def _guest(self, world: ComponentWorld, talk: Talk, *, started: bool) -> Ending:
        talk.open(world)
        if not started:
            world.start()
        ending = self._way.run(world, talk)
        world.measure()
        return ending

    def _autopsy(self, world: ComponentWorld, talk: Talk, stop: Stopped) -> Ending:
        raised = world.raised
        if isinstance(raised, Ended):
            return raised.ending
        if isinstance(raised, Exited):
            return self._way.exited(world, talk, raised.status)
        if isinstance(raised, trio.Cancelled | Unsuited | RuntimeFault):
            raise raised
        if raised is not None:
            raise RuntimeFault(f"{type(raised).__name__} while a component was served") from raised
        if talk.killed is not None:
            return talk.killed
        if "all fuel consumed" in stop.message:
            return Killed("cpu", f"the call used more fuel than its limit of {self._blueprint.fuel} units")
        return _trapped(stop)


def said(stop: Stopped) -> str:
    """Why a component was stopped, in one line of wasmtime's."""
    lines = [line.strip() for line in stop.message.splitlines() if line.strip()] or ["it trapped"]
    return next((line for line in reversed(lines) if "wasm trap" in line), lines[-1])


def _trapped(stop: Stopped) -> Thrown:
    return Thrown("Trap", said(stop), "\n".join(f"    at {name}" for name in stop.frames[:MOST_FRAMES]))
