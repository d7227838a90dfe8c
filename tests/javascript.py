"""JavaScript functions in the hands of a test: loaded by the runtime itself, answered by a host of the test's own."""

from __future__ import annotations

import ctypes
import gc
import json
import secrets
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal, TypeVar

import pytest
import trio

from isthmus import Function, Kind, Limits
from isthmus.abc import (
    CacheEntry,
    Call,
    Ending,
    FetchRequest,
    FetchResponse,
    Host,
    Killed,
    Reply,
    Returned,
    Thrown,
)
from isthmus.errors import CapabilityError
from isthmus_quickjs._guest import Guest, Image
from isthmus_quickjs._inline import InlineLane, InlineWorld
from isthmus_quickjs._lanes import Lanes
from isthmus_quickjs._program import QuickJSProgram
from isthmus_quickjs._runtime import QuickJSRuntime
from isthmus_quickjs._world import World

NOW = 1_700_000_000.0
SEED = bytes(range(32))
MIB = 1024 * 1024
LONGEST = 120.0
"""Seconds after which something hangs; never how long anything takes, for a machine may be busy."""
T = TypeVar("T")


class FakeHost(Host):
    """Answers at once, or when its gate is opened, and notes what it was asked.

    Attributes:
        lines: console output, (level, text).
        requests: what was fetched.
        slept: seconds of each timer.
        cache: what was stored, by key.
        gate: where fetches wait, if it is set.
        arrived: set with the first fetch.
    """

    def __init__(self, gate: trio.Event | None = None, body: bytes = b'{"ok":true}') -> None:
        self.lines: list[tuple[str, str]] = []
        self.requests: list[FetchRequest] = []
        self.slept: list[float] = []
        self.cache: dict[str, bytes] = {}
        self.gate = gate
        self.arrived = trio.Event()
        self._body = body

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.lines]

    async def fetch(self, request: FetchRequest) -> FetchResponse:
        self.requests.append(request)
        self.arrived.set()
        if self.gate is None:
            await trio.lowlevel.checkpoint()
        else:
            await self.gate.wait()
        return FetchResponse(status=200, reason="OK", body=self._body, url=request.url)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await trio.sleep(seconds)

    async def cache_load(self, key: str) -> CacheEntry:
        await trio.lowlevel.checkpoint()
        return CacheEntry(self.cache.get(key))

    def cache_store(self, key: str, value: bytes, ttl: float | None) -> None:
        self.cache[key] = value

    def cache_fail(self, key: str) -> None:
        pass

    def cache_delete(self, key: str) -> None:
        self.cache.pop(key, None)

    def log(self, level: str, text: str, at: float = 0.0) -> None:
        self.lines.append((level, text))


class Offering(FakeHost):
    """Offers one capability, ``geo.lookup``, which knows all cities but one."""

    async def capability(self, name: str, argument: bytes) -> bytes:
        await trio.lowlevel.checkpoint()
        if argument == b'"nowhere"':
            raise CapabilityError("no such city", code="not_found")
        return b'{"city":%s}' % argument


def call_of(
    argument: object = None,
    settings: object = None,
    *,
    handler: str = "onTrack",
    instance: str = "instance",
    now: float = NOW,
    seed: bytes | None = None,
) -> Call:
    return Call(
        handler,
        json.dumps({} if argument is None else argument).encode(),
        json.dumps({} if settings is None else settings).encode(),
        instance,
        now,
        secrets.token_bytes(32) if seed is None else seed,
    )


class Script:
    """A loaded function."""

    def __init__(self, program: QuickJSProgram, limits: Limits) -> None:
        self.program = program
        self.limits = limits

    @property
    def image(self) -> Image:
        return self.program._queue.image

    @property
    def spare(self) -> Sequence[World]:
        """The worlds that wait for a call."""
        return list(self.program._queue._worlds)

    async def run(self, call: Call | None = None, host: Host | None = None) -> Reply:
        return await self.program.run(call or call_of(), host or FakeHost())

    async def value(self, call: Call | None = None, host: Host | None = None) -> object:
        """What a call returned; the test fails where it did not return."""
        ending = (await self.run(call, host)).ending
        assert isinstance(ending, Returned), ending
        assert not ending.note, ending
        return json.loads(ending.value) if ending.value else None

    async def thrown(self, call: Call | None = None, host: Host | None = None) -> Thrown:
        ending = (await self.run(call, host)).ending
        assert isinstance(ending, Thrown), ending
        return ending

    async def killed(self, call: Call | None = None, host: Host | None = None) -> Killed:
        ending = (await self.run(call, host)).ending
        assert isinstance(ending, Killed), ending
        return ending

    async def run_many(self, calls: Sequence[Call], hosts: Sequence[Host] = ()) -> list[Reply]:
        replies: dict[int, Reply] = {}

        def deliver(index: int, reply: Reply) -> None:
            assert index not in replies, "delivered twice"
            replies[index] = reply

        pairs = list(zip(calls, hosts or [FakeHost() for _ in calls], strict=True))
        await self.program.run_many(pairs, deliver)
        return [replies[index] for index in range(len(calls))]


class Scripts:
    """Loads functions into one runtime, and closes it all."""

    def __init__(self, guest: Guest, lanes: int = 2, *, inline: bool = False) -> None:
        self.runtime = QuickJSRuntime(lanes)
        self.lanes = Lanes([guest.code.engine], lanes)
        # One compiled guest for all tests: each runtime would read its own from the cache on disk.
        self.runtime._guest, self.runtime._lanes = guest, self.lanes
        if inline:
            self.runtime._inline = InlineLane(guest, self.lanes)
        self._programs: list[QuickJSProgram] = []
        self._once: dict[str, Script] = {}

    async def __call__(
        self,
        code: str,
        *,
        kind: Kind = Kind.DESTINATION,
        isolation: Literal["call", "instance"] = "call",
        file: str = "tested.js",
        **limits: float,
    ) -> Script:
        function = Function(
            name="tested", kind=kind, language="javascript", code=code, file=file, isolation=isolation
        )
        bounds = Limits(**{"wall": LONGEST, **limits})  # type: ignore[arg-type] # whatever Limits takes
        program = await self.runtime.load(function, bounds)
        self._programs.append(program)
        return Script(program, bounds)

    async def body(self, body: str, **limits: float) -> Script:
        """A function whose ``onTrack`` has this body."""
        return await self(f"async function onTrack(event, settings) {{ {body}\n}}", **limits)  # type: ignore[arg-type] # limits alone

    async def once(self, code: str, **limits: float) -> Script:
        """One function for all examples of a property."""
        if code not in self._once:
            self._once[code] = await self(code, **limits)  # type: ignore[arg-type] # limits alone
        return self._once[code]

    async def aclose(self) -> None:
        for program in self._programs:
            await program.aclose()
        await self.runtime.aclose()


@asynccontextmanager
async def open_scripts(guest: Guest, lanes: int = 2, *, inline: bool = False) -> AsyncIterator[Scripts]:
    """Loads functions; their calls run in lanes alone, unless they may run inline."""
    scripts = Scripts(guest, lanes, inline=inline)
    try:
        yield scripts
    finally:
        with trio.CancelScope(shield=True):
            await scripts.aclose()


def memory_of(world: World | InlineWorld) -> bytes:
    """A world's whole linear memory."""
    return ctypes.string_at(world.memory.base, world.memory._memory.data_len(world._store))


def returned(reply: Reply) -> Returned:
    """How a call ended that has returned."""
    assert isinstance(reply.ending, Returned), reply.ending
    return reply.ending


def differences(world: World) -> list[int]:
    """Restores a world; pages of 4 KiB (by number) in which it is then not what its image says."""
    world.restore()
    return pages_unlike(world.image, memory_of(world))


def pages_unlike(image: Image, memory: bytes) -> list[int]:
    """Pages of 4 KiB, by number, in which a memory is not what its image says."""
    image_memory, size = image.memory, 4096
    expected = image_memory + bytes(-len(image_memory) % size)
    wrong = [
        at // size
        for at in range(0, len(expected), size)
        if memory[at : at + size] != expected[at : at + size]
    ]
    rest = memory[len(expected) :]
    if rest.count(0) != len(rest):
        wrong.append(len(expected) // size)
    return wrong


def lane_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("isthmus ")]


async def neighbour_and(script: Script, host: FakeHost | None = None) -> Ending:
    """How the attack ended; meanwhile another call of the function, without the attack, went well."""
    endings: list[Ending] = []

    async def attack() -> None:
        endings.append((await script.run(call_of({"attack": True}), host)).ending)

    with trio.fail_after(LONGEST):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(attack)
            assert await script.value(call_of({"attack": False})) == "fine"
        assert await script.value(call_of({"attack": False})) == "fine"
    return endings[0]


def attacked(body: str, before: str = "") -> str:
    return f"{before}\nasync function onTrack(event) {{ if (!event.attack) return 'fine';\n{body}\n}}"


def rss() -> int:
    """Bytes of resident memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def settled_rss() -> int:
    """Bytes of resident memory without garbage, and without what the C library keeps for later."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    return rss()


def differences_everywhere(script: Script) -> list[int]:
    """Pages of any spare world that are not as the image says, once it is restored."""
    return [page for world in script.spare for page in differences(world)]


class WorldCensus:
    """Every world that is made, and whether it has been closed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made = 0
        self.open: set[World] = set()
        make, close = World.__init__, World.close

        def counted_make(world: World, image: Image) -> None:
            make(world, image)
            self.made += 1
            self.open.add(world)

        def counted_close(world: World) -> None:
            assert world in self.open, "closed twice"
            self.open.discard(world)
            close(world)

        monkeypatch.setattr(World, "__init__", counted_make)
        monkeypatch.setattr(World, "close", counted_close)


async def until(true: Callable[[], bool]) -> None:
    """Wait for what another thread does."""
    with trio.fail_after(LONGEST):
        while not true():  # noqa: ASYNC110 -- a lane sets no event of Trio's
            await trio.sleep(0.001)


async def in_some_round(attempt: Callable[[], Awaitable[T]], right: Callable[[T], bool]) -> T:
    """What an attempt gives that is right, or the last of ten.

    For what is true of calls with little time: a busy machine may take it all before a call has begun.
    """
    given = await attempt()
    for _ in range(9):
        if right(given):
            break
        given = await attempt()
    return given


async def rest(scripts: Scripts) -> None:
    """Wait until every lane has done what it had to do, and what they have posted has been heard."""
    for _ in range(2):  # what is heard may give them more to do
        await until(lambda: scripts.lanes.idle)
        await scripts.lanes.run(lambda: None)
    await until(lambda: scripts.lanes.idle)
