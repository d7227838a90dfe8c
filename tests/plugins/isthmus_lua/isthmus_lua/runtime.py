"""Runs functions in Lua: a state of its own for each call, in a thread, followed from one question to its host to the next."""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable
from importlib.resources import files
from typing import Any, Final, final

import msgspec
import trio
from lupa import lua54

from isthmus.abc import Call, FetchRequest, Host, Killed, Program, Reply, Returned, Runtime, Thrown
from isthmus.errors import CapabilityError, FetchError, LoadError
from isthmus.functions import Function
from isthmus.limits import Limits

from .values import NULL, Values

__all__ = ["LuaRuntime"]

PRELUDE: Final = files(__package__).joinpath("prelude.lua").read_text()
HANDLERS: Final = (
    "onRequest",
    "onBatch",
    *(f"on{name}" for name in ["Identify", "Track", "Page", "Screen", "Group", "Alias", "Delete"]),
)
LOADING: Final = Call("", b"{}", b"{}", "", 0.0, bytes(32))


@final
class LuaRuntime(Runtime):
    """Runs ``language="lua"``."""

    language = "lua"
    suffixes: tuple[str, ...] = (".lua",)
    isolation = "none: Lua runs in this process, and its library is all that is kept from a function"

    async def load(self, function: Function, limits: Limits) -> Program:
        """Load a function once, to see that it does, and which handlers it has."""
        world = await trio.to_thread.run_sync(_World, function, limits, LOADING)
        return _LuaProgram(function, limits, world.handlers)


@final
class _LuaProgram(Program):
    def __init__(self, function: Function, limits: Limits, handlers: frozenset[str]) -> None:
        self._function = function
        self._limits = limits
        self.handlers = handlers

    async def run(self, call: Call, host: Host) -> Reply:
        started = trio.current_time()
        course = _Course(self._limits)
        with trio.move_on_after(self._limits.wall) as scope:
            try:
                ending, messages = await course.follow(self._function, call, host)
            finally:
                course.over = True  # the thread of a call that is cancelled ends at its next look
        course.tell(host)
        if scope.cancelled_caught:
            text = f"the call took longer than its limit of {self._limits.wall:g} s"
            ending, messages = Killed("timeout", text), b""
        return Reply(ending, messages, course.cpu, course.memory, started)

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


@final
class _Course:
    """One call from its start to its ending."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._began = 0.0
        self._spent = False
        self.over = False
        self.cpu = 0.0
        self.memory = 0
        self.messages: list[Any] = []
        self._lines: list[str] = []
        self._room = limits.log_bytes
        self._left_out = 0

    def log(self, line: str) -> None:
        """Keep a line, in the call's thread; of a flood no more than will be shown, and one that shows it was cut."""
        if self._room >= 0:
            self._lines.append(line)
            self._room -= len(line) + 1
        else:
            self._left_out += len(line.encode())

    def tell(self, host: Host) -> None:
        """Hand the lines over, in the Trio thread, where a host is to be called."""
        lines, self._lines = self._lines, []
        left_out, self._left_out = self._left_out, 0
        for line in lines:
            host.log("log", line)
        if left_out:
            host.log_left_out(left_out)

    async def follow(
        self, function: Function, call: Call, host: Host
    ) -> tuple[Returned | Thrown | Killed, bytes]:
        world = await self._in_thread(
            functools.partial(_World, function, self._limits, call, log=self.log, go_on=self._go_on)
        )
        answer: tuple[Any, ...] = ()
        while True:
            try:
                came = await self._in_thread(functools.partial(world.step, *answer))
            except lua54.LuaError:
                if not self._spent:
                    raise
            self.memory = world.memory
            self.tell(host)
            if self._spent:
                text = f"the call used more processor time than its limit of {self._limits.cpu:g} s"
                return Killed("cpu", text), b""
            if came["op"] in {"returned", "threw"}:
                return self._ending(world, came), msgspec.json.encode(self.messages) if self.messages else b""
            try:
                answer = (await self._done(world, came, host),)
            except FetchError as error:
                answer = (None, "FetchError", str(error))
            except CapabilityError as error:
                answer = (None, "CapabilityError", str(error))

    async def _in_thread(self, work: Callable[[], Any]) -> Any:
        def timed() -> Any:
            self._began = time.thread_time()
            try:
                return work()
            finally:
                self.cpu += time.thread_time() - self._began

        return await trio.to_thread.run_sync(timed, abandon_on_cancel=True)

    def _go_on(self) -> bool:
        """Asked in the call's thread, every thousand instructions."""
        if self.cpu + time.thread_time() - self._began > self._limits.cpu:
            self._spent = True
        return not (self._spent or self.over)

    def _ending(self, world: _World, came: Any) -> Returned | Thrown | Killed:
        value = came["value"]
        if came["op"] == "threw":
            if isinstance(value, str):  # Lua calls no handler for this one error: "not enough memory"
                return Killed(
                    "memory", f"the call needed more memory than its limit of {self._limits.memory} bytes"
                )
            return Thrown(value["name"], value["message"], value["stack"].strip())
        if value is None:
            return Returned()
        try:
            text = msgspec.json.encode(world.values.out(value))
        except ValueError as error:
            return Returned(note=str(error))
        if len(text) > self._limits.output_bytes:
            return Killed(
                "output", f"the call returned more than its limit of {self._limits.output_bytes} bytes"
            )
        return Returned(text)

    async def _done(self, world: _World, asked: Any, host: Host) -> Any:
        """Do what the function asked its host for, and give the answer as Lua has it."""
        values = world.values
        match asked["op"]:
            case "fetch":
                headers = asked["headers"].items() if asked["headers"] else ()
                body = asked["body"]
                request = FetchRequest(
                    url=str(asked["url"]),
                    method=str(asked["method"] or "GET").upper(),
                    headers=tuple((str(name), str(value)) for name, value in headers),
                    body=None if body is None else str(body).encode(),
                )
                response = await host.fetch(request)
                headers = {name.lower(): value for name, value in response.headers}
                text = response.body.decode("utf-8", "replace")
                return values.into({"status": response.status, "body": text, "headers": headers})
            case "sleep":
                await host.sleep(float(asked["seconds"]))
            case "cache_load":
                found = (await host.cache_load(str(asked["key"]))).value
                return values.into({"hit": found is not None, "value": msgspec.json.decode(found or b"null")})
            case "cache_store":
                value = msgspec.json.encode(values.out(asked["value"]))
                ttl = asked["ttl"]
                host.cache_store(str(asked["key"]), value, None if ttl is None or ttl <= 0 else float(ttl))
            case "cache_delete":
                host.cache_delete(str(asked["key"]))
            case "capability":
                argument = msgspec.json.encode(values.out(asked["argument"]))
                return values.into(msgspec.json.decode(await host.capability(str(asked["name"]), argument)))
            case "send":
                self.messages.append(values.out(asked["message"]))
        return NULL


@final
class _World:
    """A Lua state for one call, its code loaded."""

    def __init__(
        self,
        function: Function,
        limits: Limits,
        call: Call,
        *,
        log: Callable[[str], None] = lambda line: None,
        go_on: Callable[[], bool] = lambda: True,
    ) -> None:
        lua = lua54.LuaRuntime(
            max_memory=limits.memory,
            register_eval=False,
            register_builtins=False,
            unpack_returned_tuples=True,
        )
        seeds = (int.from_bytes(call.seed[at : at + 8], "big", signed=True) for at in (0, 8))
        mark = lua.eval("{}")
        prelude = lua.compile(PRELUDE)
        load, self._run, is_array = prelude(NULL, mark, log, go_on, *seeds, int(call.now))
        self.values = Values(lua, mark, is_array)
        self._lua = lua
        self._call = call
        self._coroutine: Any = None
        code = function.code if isinstance(function.code, str) else function.code.decode()
        loaded = load(code, function.file)
        if isinstance(loaded, tuple):
            raise _load_error(loaded[1], function)
        try:
            loaded()
        except lua54.LuaError as error:
            raise _load_error(str(error), function) from None
        globals_ = lua.globals()
        self.handlers = frozenset(name for name in HANDLERS if lua54.lua_type(globals_[name]) == "function")

    @property
    def memory(self) -> int:
        """Bytes that the state holds."""
        return int(self._lua.get_memory_used() or 0)

    def step(self, *answer: Any) -> Any:
        """Run until the function asks for something, or has ended."""
        if self._coroutine is None:
            handler = self._lua.globals()[self._call.handler]
            given = (
                self.values.into(msgspec.json.decode(text))
                for text in (self._call.argument, self._call.settings)
            )
            self._coroutine = self._run.coroutine(handler, *given)
            return self._coroutine.send(None)
        return self._coroutine.send(answer)


def _load_error(said: str, function: Function) -> LoadError:
    found = re.match(r"(?P<file>[^:\n]*):(?P<line>\d+): (?P<what>.*)", said, re.DOTALL)
    if found is None:
        return LoadError(said, file=function.file)
    return LoadError(found["what"], file=function.file, line=int(found["line"]))
