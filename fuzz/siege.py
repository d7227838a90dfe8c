"""Hostile programs against an engine that stays open: what they may come to, and what must be as it was before them.

The engine is one for all inputs of a process, as a service's is, so that what one program breaks the next ones find broken.
"""

from __future__ import annotations

import atexit
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final, Self, final

import msgspec
import trio

import isthmus.sync
from fuzz.oracles import hold_outcome
from isthmus import Function, Instance, Kind, LoadError, Outcome, Request
from isthmus.abc import FetchRequest, FetchResponse
from isthmus.errors import FetchError
from isthmus.events import Event
from isthmus.limits import Limits
from isthmus.outcomes import Status
from isthmus.sync import Engine
from isthmus.testing import MockFetcher

__all__ = ["LIMITS", "Siege"]

MIB: Final = 1024 * 1024
LIMITS: Final = Limits(
    wall=1.0,
    cpu=0.2,
    memory=96 * MIB,
    log_bytes=256,
    fetches=3,
    operations=8,
    output_bytes=4096,
    fetch_request_bytes=1024,
    fetch_response_bytes=1024,
)
SLACK: Final = 1.5
"""Times its limit that a call may take of processor time until it is stopped."""
PATIENCE: Final = 10
"""Times that a harmless call is made again whose time was over: a machine may be busy."""
TRACK: Final = (
    b'{"type":"track","messageId":"m-1","event":"Besieged","userId":"u","properties":{"n":[1,2.5,null]}}'
)
IDENTIFY: Final = b'{"type":"identify","messageId":"m-2","userId":"u","traits":{"secret":"canary-4711"}}'
ENDINGS: Final = {
    "Timeout": Status.RETRY,
    "CpuLimit": Status.RETRY,
    "MemoryLimit": Status.REFUSED,
    "OutputLimit": Status.REFUSED,
    "Crash": Status.RETRY,
    "RetryError": Status.RETRY,
    "DropEvent": Status.REFUSED,  # which drops in inserts alone
}
"""What a problem of this name comes to in a destination, Segment's page on errors says; of any other name it is refused."""


async def _answer(request: FetchRequest) -> FetchResponse:
    if "fail" in request.url:
        raise FetchError(f"request to {request.url} failed", code="ECONNREFUSED")
    await trio.sleep(0.001)
    body = b"\xff" * 2048 if "large" in request.url else b'{"ok":[1,2]}'
    return FetchResponse(
        status=200, headers=(("content-type", "application/json"),), body=body, url=request.url
    )


@final
class Faults(logging.Handler):
    """Keeps what the engine complains of: faults of runtimes, and exceptions that nobody caught."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(self.format(record))


@final
class Siege:
    """An engine and an innocent function in it, beside which hostile ones are run.

    Args:
        engine: with the runtime.
        language: of all functions here.
        innocent: code whose ``onIdentify`` returns the same whenever it is called.
        may_crash: a function may break its own world, as one that is a process can.
    """

    def __init__(self, engine: Engine, language: str, innocent: str, *, may_crash: bool = False) -> None:
        self.engine = engine
        self._language = language
        self._may_crash = may_crash
        self.faults = Faults()
        self.close: Callable[[], None] = lambda: None
        self._innocent = engine.load(self._function("innocent", innocent))
        self._expected = self._fingerprint(self._innocent)
        assert self._expected[0] is Status.DELIVERED, self._expected

    @classmethod
    @contextmanager
    def opened(
        cls, plugin: object, language: str, innocent: str, *, may_crash: bool = False
    ) -> Iterator[Self]:
        """One over an engine with a runtime's plug-in, which is closed on the way out."""
        logger = logging.getLogger("isthmus")
        with isthmus.sync.open_engine(
            plugins=[plugin, MockFetcher(_answer)], load_entry_points=False, limits=LIMITS
        ) as engine:
            siege = cls(engine, language, innocent, may_crash=may_crash)
            logger.addHandler(siege.faults)
            try:
                yield siege
            finally:
                logger.removeHandler(siege.faults)

    @classmethod
    def for_good(cls, plugin: object, language: str, innocent: str, *, may_crash: bool = False) -> Self:
        """One that is closed with the process, if not before."""
        stack = ExitStack()
        atexit.register(stack.close)
        siege = stack.enter_context(cls.opened(plugin, language, innocent, may_crash=may_crash))
        siege.close = stack.close
        return siege

    def _function(self, name: str, code: str) -> Function:
        return Function(name=name, kind=Kind.DESTINATION, language=self._language, code=code)

    def load(self, code: str) -> Instance | None:
        """A hostile function, None where its code does not load.

        Raises:
            AssertionError: the engine says something else than a ``LoadError``.
        """
        try:
            return self.engine.load(self._function("hostile", code))
        except LoadError as error:
            said, line = error.message, error.line
        finally:
            self._hold_quiet()
        assert said
        assert line is None or line >= 1
        return None

    def hold(
        self, instance: Instance, event: bytes = TRACK, *, crowded: bool = False, warm: int = 0
    ) -> Outcome:
        """Call a hostile function, alone or among other calls; the laws of it are held.

        Args:
            instance: of it.
            event: for its ``onTrack``.
            crowded: other calls of the function are made at the same time.
            warm: harmless calls that are made first: a runtime may run a function that is busy in another way.

        Raises:
            AssertionError: one of them does not hold.
        """
        before = self._fingerprint(instance)
        for _ in range(warm):
            assert self._fingerprint(instance) == before, "a harmless call is not the same again"
        if crowded:
            outcomes = self._crowd(instance, [event, IDENTIFY, event, IDENTIFY])
            for neighbour in outcomes[1::2]:
                assert _out_of_time(neighbour) or _seen(neighbour) == before, "a neighbour was told otherwise"
        else:
            outcomes = [self.engine.invoke(instance, event)]
        for outcome in outcomes:
            hold_ending(outcome, may_crash=self._may_crash)
        assert self._fingerprint(instance) == before, "the next call of the same function sees what it left"
        assert self._fingerprint(self._innocent) == self._expected, "another function sees what it left"
        self._hold_quiet()
        return outcomes[0]

    def release(self, instance: Instance) -> None:
        """Close a hostile function."""
        self.engine.unload(instance)
        self._hold_quiet()

    def _crowd(self, instance: Instance, events: list[Event | Request]) -> list[Outcome]:
        found: dict[int, Any] = {}
        self.engine.invoke_each(instance, events, lambda index, outcome: found.setdefault(index, outcome))
        assert sorted(found) == list(range(len(events))), "a call has no outcome"
        return [found[index] for index in range(len(events))]

    def _fingerprint(self, instance: Instance) -> tuple[Any, ...]:
        outcome = self.engine.invoke(instance, IDENTIFY)
        for _ in range(PATIENCE):
            if not _out_of_time(outcome):
                break
            outcome = self.engine.invoke(instance, IDENTIFY)
        return _seen(outcome)

    def _hold_quiet(self) -> None:
        told, self.faults.told = self.faults.told, []
        assert not told, told


def _seen(outcome: Outcome) -> tuple[Any, ...]:
    """What a call of ``onIdentify`` came to, without what it took."""
    problem = outcome.problem and (outcome.problem.name, outcome.problem.message)
    value = None if outcome.value is None else msgspec.json.decode(outcome.value)
    return outcome.status, problem, value


def _out_of_time(outcome: Outcome) -> bool:
    return outcome.problem is not None and outcome.problem.name == "Timeout" and not outcome.problem.stack


def hold_ending(outcome: Outcome, *, may_crash: bool = False) -> None:
    """Hold an outcome of a hostile call to what is declared of outcomes, and to its limits.

    Args:
        outcome: of a destination's call.
        may_crash: its world may have broken.

    Raises:
        AssertionError: it is none, or a limit did not hold.
    """
    hold_outcome(outcome, LIMITS)
    usage, problem = outcome.usage, outcome.problem
    if problem is not None:
        assert problem.name != "RuntimeFault", problem
        assert may_crash or problem.name != "Crash" or problem.stack, problem
        if not problem.stack:  # what is thrown may have any name, and says where from
            assert outcome.status is ENDINGS.get(problem.name, Status.REFUSED), problem
    assert usage.cpu <= SLACK * LIMITS.cpu, f"{usage.cpu:.3f} s of {LIMITS.cpu} s"
    assert usage.memory <= SLACK * LIMITS.memory, f"{usage.memory} bytes of {LIMITS.memory}"
    assert len(outcome.exchanges) <= LIMITS.fetches
    if problem is None and usage.cpu > LIMITS.cpu:
        raise AssertionError(f"it returned after {usage.cpu:.3f} s, and its limit is {LIMITS.cpu} s")
