"""All ways to end, by kind of function and attempt, and what becomes of the delivery: against a table of its own.

The table is written from Segment's pages on errors and retries and from engine/README.md, in words, and knows none of the
codes and rules that the engine goes by.  What runs is the engine itself, over a runtime whose functions end as they are told.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Final, Literal, get_args, get_type_hints

import pytest
import trio

from isthmus import Function, Kind, Outcome, Request, RuntimeFault, open_engine
from isthmus.abc import Call, Ending, Host, Killed, Program, Reply, Returned, Runtime, Thrown
from isthmus.hookspecs import hookimpl
from isthmus.limits import Limits
from isthmus.rules import SCHEDULES, Delivered, Dropped, Refused, RetryAt, decide

Fate = Literal["delivered", "dropped", "given up", "again"]
EVENT: Final = {"type": "track", "messageId": "m", "userId": "u"}
INSERTS: Final = (Kind.INSERT, Kind.SOURCE_INSERT)

# How a call ends -> what becomes of it, on an attempt after which another may come.  A second word is that of inserts, for
# which an event is what is returned.
TABLE: Final[dict[str, tuple[Ending | Exception, Fate, Fate]]] = {
    "returns an object": (Returned(b'{"type":"track"}'), "delivered", "delivered"),
    "returns nothing": (Returned(b""), "delivered", "dropped"),
    "returns null": (Returned(b"null"), "delivered", "dropped"),
    "returns a number": (Returned(b"7"), "delivered", "given up"),
    "returns an array": (Returned(b"[{}]"), "delivered", "given up"),
    "returns what has no JSON form": (Returned(b"", "a BigInt"), "delivered", "given up"),
    "throws EventNotSupported": (Thrown("EventNotSupported", "x"), "given up", "given up"),
    "throws InvalidEventPayload": (Thrown("InvalidEventPayload", "x"), "given up", "given up"),
    "throws ValidationError": (Thrown("ValidationError", "x"), "given up", "given up"),
    "throws RetryError": (Thrown("RetryError", "x"), "again", "again"),
    "throws RetryError and says when": (Thrown("RetryError", "x", retry_after=1000.0), "again", "again"),
    "throws RetryError and says never": (
        Thrown("RetryError", "x", retry_after=float("inf")),
        "again",
        "again",
    ),
    "throws DropEvent": (Thrown("DropEvent", "x"), "given up", "dropped"),
    "throws FetchError": (Thrown("FetchError", "x"), "given up", "given up"),
    "throws TypeError": (Thrown("TypeError", "x"), "given up", "given up"),
    "throws Timeout": (Thrown("Timeout", "x"), "given up", "given up"),
    "throws RuntimeFault": (Thrown("RuntimeFault", "x"), "given up", "given up"),
    "throws what has no name": (Thrown("", ""), "given up", "given up"),
    "is out of time": (Killed("timeout", "x"), "again", "again"),
    "is out of processor time": (Killed("cpu", "x"), "again", "again"),
    "is out of memory": (Killed("memory", "x"), "given up", "given up"),
    "hands out too much": (Killed("output", "x"), "given up", "given up"),
    "breaks its world": (Killed("crash", "x"), "again", "again"),
    "is failed by its runtime": (RuntimeFault("x"), "again", "again"),
    "is failed by its runtime's code": (ZeroDivisionError("x"), "again", "again"),
    "hands over no JSON": (Returned(b"{"), "again", "again"),
    "hands over no UTF-8": (Returned(b'{"a":"\xff"}'), "again", "again"),
}
LAST: Final = {Kind.SOURCE: 6, Kind.DESTINATION: None, Kind.INSERT: None, Kind.SOURCE_INSERT: 6}
"""Attempts there are, where they are counted; the others end with the hours since the first one."""
SHORTEST: Final = 30 / 3600
"""Hours that a next attempt is away at the least; at the most it is one, which is why none is asked about between."""
HOURS: Final = {Kind.SOURCE: None, Kind.DESTINATION: 4, Kind.INSERT: 4, Kind.SOURCE_INSERT: None}


class _Ends(Runtime, Program):
    """Ends each call as it is told; a runtime, and the program of every function."""

    language = "ends"
    handlers = frozenset({"onTrack", "onRequest"})

    def __init__(self, ending: Ending | Exception) -> None:
        self._ending = ending

    @hookimpl
    def isthmus_runtimes(self) -> Iterable[Runtime]:
        return [self]

    async def load(self, function: Function, limits: Limits) -> Program:
        await trio.lowlevel.checkpoint()
        return self

    async def run(self, call: Call, host: Host) -> Reply:
        await trio.lowlevel.checkpoint()
        if isinstance(self._ending, Exception):
            raise self._ending
        return Reply(self._ending)


async def _outcome(kind: Kind, ending: Ending | Exception) -> Outcome:
    async with open_engine(plugins=[_Ends(ending)], load_entry_points=False) as engine:
        instance = await engine.load(Function(name="f", kind=kind, language="ends", code=""))
        return await engine.invoke(instance, Request() if kind is Kind.SOURCE else EVENT)


def _fate(outcome: Outcome, kind: Kind, attempt: int, hours: float) -> Fate:
    decision = decide(
        outcome.status,
        outcome.problem and outcome.problem.code,
        attempt=attempt,
        first_at=1_000.0,
        now=1_000.0 + hours * 3600,
        message_id="m",
        schedule=SCHEDULES[kind],
        retry_after=outcome.problem and outcome.problem.retry_after,
    )
    match decision:
        case Delivered():
            return "delivered"
        case Dropped():
            return "dropped"
        case Refused():
            return "given up"
        case RetryAt(seconds=seconds):
            assert seconds > 0
            return "again"


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("how", TABLE)
async def test_every_end_comes_to_what_the_table_says(
    how: str, kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    ending, plain, insert = TABLE[how]
    first = insert if kind in INSERTS else plain
    if kind is Kind.SOURCE and how in {"hands over no JSON", "hands over no UTF-8"}:
        first = "again"  # what a source returns is shown, and so is looked at
    outcome = await _outcome(kind, ending)
    last, window = LAST[kind], HOURS[kind]
    for attempt, hours in itertools.product((1, 2, 4, 5, 6, 50), (0.0, 0.1, 2.9, 3.999, 4.1)):
        over = (last is not None and attempt >= last) or (window is not None and hours > window - SHORTEST)
        expected = "given up" if first == "again" and over else first
        assert _fate(outcome, kind, attempt, hours) == expected, (attempt, hours)


def test_every_reason_to_be_ended_is_in_the_table() -> None:
    reasons = {ending.reason for ending, _, _ in TABLE.values() if isinstance(ending, Killed)}
    assert reasons == set(get_args(get_type_hints(Killed)["reason"]))
