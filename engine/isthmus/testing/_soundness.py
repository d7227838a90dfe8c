"""Whether a call went as a function's author can have meant it, whatever came in."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, Final, final

import msgspec

from isthmus._rules.endings import INSERTS
from isthmus.functions import Kind
from isthmus.outcomes import Outcome, Problem

from ._views import view_of

__all__ = ["Flaw", "difference_of", "flaw_of"]

MEANT: Final = frozenset({"EventNotSupported", "InvalidEventPayload", "ValidationError", "RetryError"})
"""Segment's error classes; a function that throws one has looked at what came."""

LIMITS: Final = {
    "Timeout": "runs out of time",
    "CpuLimit": "runs out of processor time",
    "MemoryLimit": "runs out of memory",
    "OutputLimit": "hands out too much",
    "Crash": "breaks its world",
    "RuntimeFault": "fails its runtime",
}

UNSERIALISABLE: Final = ("cannot be passed on: ", "is nested too deeply to be read")
"""What the engine's own problem says of a returned value that JSON cannot hold."""

NOT_SHOWN: Final = "has no JSON form"
"""What the engine's notice says of such a value where it is for display alone."""


_TIME: Final = "(the time)"
_NEARLY: Final = 3600.0
_UNITS: Final = (1.0, 1e3, 1e6)
_WRITTEN: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?|(?<!\d)\d{10,16}(?!\d)")


@final
class Flaw(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a call.

    Attributes:
        kind: ``throws``, ``limit``, ``value`` or ``differs``.
        text: a sentence.
        stack: the author's frames, or "".
        key: the same for the same bug, as far as that can be told.
    """

    kind: str
    text: str
    stack: str = ""
    key: str = ""


def flaw_of(outcome: Outcome, kind: Kind) -> Flaw | None:
    """What is wrong with how a call ended, None where nothing is.

    An error that is not one of Segment's classes, a limit that was reached, a value that JSON cannot hold.  A
    ``DropEvent`` is meant in an insert function, and an error elsewhere.
    """
    meant = MEANT | {"DropEvent"} if kind in INSERTS else MEANT
    for problem in (outcome.problem, *(item.problem for item in outcome.items)):
        if problem is None:
            continue
        if problem.name in LIMITS:
            said = f"it {LIMITS[problem.name]}: {problem.message}"
            return Flaw(kind="limit", text=said, stack=problem.stack, key=f"limit {problem.name}")
        if any(part in problem.message for part in UNSERIALISABLE) and not problem.stack:
            return Flaw(
                kind="value", text=f"it returns what JSON cannot hold: {problem.message}", key="value"
            )
        if problem.name not in meant and not _is_status(problem, outcome):
            said = f"it throws {problem.name}: {problem.message}"
            return Flaw(
                kind="throws",
                text=said,
                stack=problem.stack,
                key=f"throws {problem.name} {_place(problem)}".strip(),
            )
    for line in outcome.logs:
        if line.level == "notice" and NOT_SHOWN in line.text:
            return Flaw(kind="value", text=f"it returns what JSON cannot hold: {line.text}", key="value")
    return None


def difference_of(first: Outcome, second: Outcome, now: float) -> Flaw | None:
    """What is wrong where two calls with the same event, clock and chance ended, None where they ended alike.

    Requests are not compared: a function with a cache makes fewer the second time.  Times count as equal, as a world's clock
    goes on while it waits; how long something took does not.

    Args:
        first: how a call ended.
        second: how it ended when it was made again.
        now: seconds since the epoch, as both calls began.
    """
    one, other = (_answer(outcome, now) for outcome in (first, second))
    for name in sorted(one.keys() | other.keys()):
        if one.get(name) != other.get(name):
            shown = [msgspec.json.encode(view.get(name)).decode()[:200] for view in (one, other)]
            text = f"it answers differently when called again: its {name} was {shown[0]}, and then {shown[1]}"
            return Flaw(kind="differs", text=text, key=f"differs {name}")
    return None


def _answer(outcome: Outcome, now: float) -> dict[str, Any]:
    view = view_of(outcome)
    view.pop("requests", None)
    timeless: dict[str, Any] = _timeless(view, now)
    return timeless


def _timeless(value: Any, now: float) -> Any:
    """Decoded JSON with a word in place of what is the time, or very nearly so."""
    if isinstance(value, dict):
        return {key: _timeless(item, now) for key, item in value.items()}
    if isinstance(value, list):
        return [_timeless(item, now) for item in value]
    if isinstance(value, str):
        return _WRITTEN.sub(lambda match: _TIME if _is_now(match[0], now) else match[0], value)
    if isinstance(value, int | float) and any(abs(value / unit - now) < _NEARLY for unit in _UNITS):
        return _TIME
    return value


def _is_now(text: str, now: float) -> bool:
    if text.isdecimal():
        return any(abs(int(text) / unit - now) < _NEARLY for unit in _UNITS)
    try:
        return abs(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp() - now) < _NEARLY
    except ValueError:
        return False


def _is_status(problem: Problem, outcome: Outcome) -> bool:
    """Whether it is of a batch's events that the function itself gave a status for."""
    return bool(outcome.items) and problem.name == "BadRequest" and not problem.stack


def _place(problem: Problem) -> str:
    if problem.name == "FetchError":  # its message names the URL, which differs from event to event
        return ""
    return problem.stack.partition("\n")[0].strip() or problem.message[:60]
