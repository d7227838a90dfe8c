"""An attempt to deliver as a journal keeps it: flat, and with no text longer than it may be."""

from __future__ import annotations

from typing import Final, Literal, TypeVar, final

import msgspec

from isthmus._rules.retry import Delivered, Dropped, Refused
from isthmus.outcomes import Exchange, LogLine, Problem, Status
from isthmus.pipelines import Attempted

__all__ = ["AttemptRecord", "decoded", "record_of"]

MOST_EXCHANGES: Final = 5
MOST_LINES: Final = 20
ADDRESS_CHARACTERS: Final = 2000
"""Of a URL, an error's name and the like, which are short as a rule."""

T = TypeVar("T", bound=msgspec.Struct)


@final
class AttemptRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one attempt ended.

    Attributes:
        at: seconds since the epoch.
        queue: of the destination, ``destination:NAME``; or of the source, ``source:ID`` or ``webhook:ID``.
        delivery: what tells it from others in that queue: the source's id and the message id.
        attempt: its number, from 1.
        status: what it came to.
        became: what that means for the delivery: ``retry`` is the only one that is not its end.
        reason: of one that is dead: ``permanent``, ``attempts`` or ``window``.
        retry_in: seconds until it is tried again, or None.
        problem: what went wrong, or None.
        age: seconds since it was published.
        took: seconds since it was claimed.
        exchanges: the last requests of a call that failed, without their headers.
        logs: the last lines that it printed.
    """

    at: float
    queue: str
    delivery: str
    attempt: int
    status: Status
    became: Literal["delivered", "dropped", "dead", "retry"]
    reason: str = ""
    retry_in: float | None = None
    problem: Problem | None = None
    age: float = 0.0
    took: float = 0.0
    exchanges: tuple[Exchange, ...] = ()
    logs: tuple[LogLine, ...] = ()


_DECODER: Final = msgspec.json.Decoder(AttemptRecord)


def decoded(line: bytes) -> AttemptRecord | None:
    """A record out of its line; None where it is none, as another version or another program may have written it."""
    try:
        return _DECODER.decode(line)
    except (ValueError, RecursionError):
        return None


def record_of(seen: Attempted, most: int) -> AttemptRecord:
    """What is kept of an attempt.

    Args:
        seen: as the pipeline told it.
        most: characters of each text in it.
    """
    decision = seen.decision
    became: Literal["delivered", "dropped", "dead", "retry"] = "retry"
    reason, retry_in = "", None
    if isinstance(decision, Delivered):
        became = "delivered"
    elif isinstance(decision, Dropped):
        became = "dropped"
    elif isinstance(decision, Refused):
        became, reason = "dead", decision.reason
    else:
        retry_in = decision.seconds
    problem = seen.problem
    if problem is not None:
        problem = _cut(problem, most, "message", "stack")
        problem = _cut(problem, ADDRESS_CHARACTERS, "name")
    return AttemptRecord(
        at=seen.at,
        queue=seen.queue,
        delivery=seen.delivery,
        attempt=seen.attempt,
        status=seen.status,
        became=became,
        reason=reason,
        retry_in=retry_in,
        problem=problem,
        age=seen.age,
        took=seen.took,
        exchanges=tuple(_sampled(exchange, most) for exchange in seen.exchanges[-MOST_EXCHANGES:]),
        logs=tuple(_cut(line, most, "text") for line in seen.logs[-MOST_LINES:]),
    )


def _sampled(exchange: Exchange, most: int) -> Exchange:
    """A request without its headers, which are where credentials are."""
    bare = msgspec.structs.replace(exchange, request_headers=(), response_headers=())
    bare = _cut(bare, ADDRESS_CHARACTERS, "url", "error")
    return _cut(bare, most, "request_body", "response_body")


def _cut(value: T, most: int, *fields: str) -> T:
    """A value whose texts have so many characters at the most; what can't be written as UTF-8 is replaced."""
    changed = {}
    for field in fields:
        text: str = getattr(value, field)
        if len(text) > most:
            changed[field] = text[:most] + "…"
        if not text.isascii():
            shown = changed.get(field, text)
            changed[field] = shown.encode("utf-8", "replace").decode()
    return msgspec.structs.replace(value, **changed) if changed else value
