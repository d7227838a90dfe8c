"""A runtime whose functions are Python callables of the test's own, and a fetcher without a network.

Both are plugins by themselves: ``open_engine(plugins=[runtime, fetcher], load_entry_points=False)``.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, final

import msgspec
import trio

from isthmus.abc import (
    Call,
    Egress,
    Fetcher,
    FetchRequest,
    FetchResponse,
    Hop,
    Host,
    Killed,
    Program,
    Reply,
    Returned,
    Runtime,
    Thrown,
)
from isthmus.errors import FetchError, LoadError, RuntimeFault
from isthmus.functions import Function
from isthmus.hookspecs import hookimpl
from isthmus.limits import Limits

__all__ = ["Handler", "MockFetcher", "ScriptedRuntime", "Throw", "World"]


class Throw(Exception):
    """Raised by a handler to throw what has a name of Segment's (``RetryError``, ``DropEvent``)."""

    def __init__(
        self, name: str, message: str = "", stack: str = "", *, retry_after: float | None = None
    ) -> None:
        super().__init__(name, message)
        self.thrown = Thrown(name, message, stack, retry_after)


@final
class World:
    """What a scripted handler gets beside the event and the settings.

    Attributes:
        call: as the engine handed it over.
        host: what a function may ask.
        sent: what ``Segment.*`` was given: append to it.
    """

    __slots__ = ("call", "host", "sent")

    def __init__(self, call: Call, host: Host) -> None:
        self.call = call
        self.host = host
        self.sent: list[object] = []


Handler = Callable[[Any, dict[str, Any], World], Any | Awaitable[Any]]
"""``handler(event, settings, world)``, plain or async.

What it returns is encoded as JSON, None as undefined; what it raises counts as thrown by the
function, under the name of its class.  A :class:`isthmus.abc.Reply` goes to the engine as it is,
and a ``RuntimeFault`` out of the handler is the runtime's.
"""


@final
class ScriptedRuntime(Runtime):
    """Runs functions of the language ``"scripted"``.

    Args:
        handlers: by name (``onTrack``), of every function whose code is not in ``scripts``.
        scripts: handlers by function code; an exception in their place is raised by the load.

    Attributes:
        loads: how often a function was loaded.
        programs: how many programs are open.
        running: how many calls are under way.
        forgotten: keys of the instances that programs were told to forget.
        closed: whether the engine has closed the runtime.
    """

    language = "scripted"
    suffixes: tuple[str, ...] = (".scripted",)
    isolation = "none: the test's own Python callables"

    def __init__(
        self,
        handlers: Mapping[str, Handler] | None = None,
        *,
        scripts: Mapping[str, Mapping[str, Handler] | Exception] | None = None,
    ) -> None:
        self._handlers = handlers
        self._scripts = scripts or {}
        self.loads = 0
        self.programs = 0
        self.running = 0
        self.forgotten: list[str] = []
        self.closed = False

    @hookimpl
    def isthmus_runtimes(self) -> Iterable[Runtime]:
        return [self]

    async def load(self, function: Function, limits: Limits) -> Program:
        await trio.lowlevel.checkpoint()
        self.loads += 1
        code = function.code if isinstance(function.code, str) else function.code.decode()
        script = self._scripts.get(code, self._handlers)
        if script is None:
            raise LoadError(f"there is no script {code!r}", file=function.file, line=1)
        if isinstance(script, Exception):
            raise script
        self.programs += 1
        return _ScriptedProgram(self, script, limits)

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()
        self.closed = True


@final
class _ScriptedProgram(Program):
    def __init__(self, runtime: ScriptedRuntime, script: Mapping[str, Handler], limits: Limits) -> None:
        self.handlers = frozenset(script)
        self._runtime = runtime
        self._script = script
        self._limits = limits

    async def run(self, call: Call, host: Host) -> Reply:
        await trio.lowlevel.checkpoint()
        started = trio.current_time()
        self._runtime.running += 1
        try:
            with trio.move_on_after(self._limits.wall) as scope:
                return await self._reply(call, host, started)
        finally:
            self._runtime.running -= 1
        assert scope.cancelled_caught
        text = f"the call took longer than its limit of {self._limits.wall} s"
        return Reply(Killed("timeout", text), started=started)

    async def _reply(self, call: Call, host: Host, started: float) -> Reply:
        world = World(call, host)
        event, settings = msgspec.json.decode(call.argument), msgspec.json.decode(call.settings)
        try:
            value = self._script[call.handler](event, settings, world)
            if inspect.isawaitable(value):
                value = await value
        except RuntimeFault:
            raise
        except Throw as exc:
            return Reply(exc.thrown, started=started)
        except Exception as exc:  # noqa: BLE001 -- the function's own
            return Reply(Thrown(type(exc).__name__, str(exc)), started=started)
        if isinstance(value, Reply):
            return value
        text = b"" if value is None else msgspec.json.encode(value)
        return Reply(Returned(text), msgspec.json.encode(world.sent) if world.sent else b"", started=started)

    async def forget(self, instance: str) -> None:
        await trio.lowlevel.checkpoint()
        self._runtime.forgotten.append(instance)

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()
        self._runtime.programs -= 1


@final
class MockFetcher(Fetcher):
    """Answers requests by a function of the test's own; egress rules mean nothing to it.

    Args:
        handler: gives the response to a request or raises :class:`isthmus.FetchError`; plain or async.

    Attributes:
        requests: all that were made.
        closed: whether the engine has closed the fetcher.
    """

    def __init__(self, handler: Callable[[FetchRequest], FetchResponse | Awaitable[FetchResponse]]) -> None:
        self._handler = handler
        self.requests: list[FetchRequest] = []
        self.closed = False

    @hookimpl
    def isthmus_fetcher(self) -> Fetcher:
        return self

    async def fetch(
        self,
        request: FetchRequest,
        egress: Egress,
        *,
        max_response_bytes: int = 2**62,
        on_hop: Callable[[Hop], None] = lambda hop: None,
    ) -> FetchResponse:
        await trio.lowlevel.checkpoint()
        self.requests.append(request)
        sent = Hop(
            method=request.method,
            url=request.url,
            request_headers=request.headers,
            request_body=request.body or b"",
            started=trio.current_time(),
        )
        try:
            answer = self._handler(request)
            response = answer if isinstance(answer, FetchResponse) else await answer
            if len(response.body) > max_response_bytes:
                text = f"content size at {request.url} over limit: {max_response_bytes}"
                raise FetchError(text, type="max-size")
        except FetchError as exc:
            on_hop(_after(sent, error=str(exc)))
            raise
        received = {"response_headers": response.headers, "response_body": response.body}
        on_hop(_after(sent, status=response.status, **received))
        return response

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()
        self.closed = True


def _after(hop: Hop, **received: Any) -> Hop:
    return msgspec.structs.replace(hop, duration=trio.current_time() - hop.started, **received)
