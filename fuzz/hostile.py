"""A world that says what the input says, in the place of one in which QuickJS runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, cast

from isthmus.abc import FetchRequest, FetchResponse, Program, Runtime
from isthmus.errors import FetchError
from isthmus.functions import Function
from isthmus.hookspecs import hookimpl
from isthmus.limits import Limits
from isthmus_quickjs._calls import CallQueue
from isthmus_quickjs._frames import HANDLERS
from isthmus_quickjs._lanes import Work
from isthmus_quickjs._program import QuickJSProgram
from isthmus_quickjs._wasm import Stopped
from isthmus_quickjs._world import CrossingResult, Ran

__all__ = ["HostileRuntime", "answer"]

Crossings = Iterator[tuple[bytes, bytes] | None]


class _World:
    """As much of a world as the runtime sees; past the end of its lines it traps."""

    def __init__(self, crossings: Crossings) -> None:
        self._crossings = crossings
        self.broken = False
        self.outgrown = False
        self.pristine = True

    def run_many(
        self, records: Sequence[bytes], soft: float, proceed: Callable[[int, float], bool]
    ) -> CrossingResult:
        ran: list[Ran] = []
        for _ in records:
            crossing = next(self._crossings, None)
            if crossing is None:
                self.broken = True
                return CrossingResult(ran, Stopped("unreachable", None))
            ran.append(Ran(*crossing, 0.0))
            if crossing[0][:4] == b"\2\0\0\0":  # it waits
                break
        return CrossingResult(ran)

    def invoke(self, record: bytes, proceed: Callable[[int, float], bool]) -> CrossingResult:
        return self.run_many([record], 0.0, proceed)

    def resume(self, answers: bytes, now_us: int, proceed: Callable[[int, float], bool]) -> CrossingResult:
        return self.run_many([answers], 0.0, proceed)

    def finish_early(self) -> list[Ran]:
        return []

    def memory_used(self) -> int:
        return 0

    def restore(self) -> None:
        pass

    def settle(self) -> None:
        pass

    def park(self) -> None:
        pass

    def close(self) -> None:
        self.broken = True


class _Queue(CallQueue):
    """Hands out hostile worlds."""

    crossings: Crossings

    def take_world(self) -> Any:
        return _World(self.crossings)


class _Lanes:
    """Runs work where it is offered, and what it posts at once."""

    count = 1

    def offer(self, work: Work, *, urgent: bool = False) -> None:
        while work.step(1):
            pass

    def post(self, callback: Callable[[], None]) -> None:
        callback()


class _Image:
    handlers = frozenset(HANDLERS)
    copied = True


class HostileRuntime(Runtime):
    """The JavaScript runtime over worlds that say what they like.

    Args:
        crossings: what they say, one after the other.
    """

    language = "hostile"

    def __init__(self, crossings: Crossings) -> None:
        self._crossings = crossings

    @hookimpl
    def isthmus_runtimes(self) -> Iterable[Runtime]:
        return [self]

    async def load(self, function: Function, limits: Limits) -> Program:
        image, lanes = cast("Any", _Image()), cast("Any", _Lanes())
        program = QuickJSProgram(
            image, limits, lanes, keep_worlds=function.isolation == "instance", file=function.file
        )
        queue = program._queue = _Queue(image, limits, lanes)
        queue.crossings = self._crossings
        return program


def answer(request: FetchRequest) -> FetchResponse:
    """What a host answers such a world: an echo, or an error where the URL asks for one."""
    if "fail" in request.url:
        raise FetchError(f"request to {request.url} failed", code="ECONNREFUSED")
    return FetchResponse(
        status=200, headers=request.headers, body=request.body or b"\xff\xfe", url=request.url
    )
