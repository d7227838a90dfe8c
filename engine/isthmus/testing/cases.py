"""Cases of a function: files of what comes in, what the network answers, and what is expected of it."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, final

import msgspec

from isthmus._cli.webhooks import webhook
from isthmus.errors import InvalidInput, IsthmusError
from isthmus.events import Event, Request

from .http import StubResponse, compact

__all__ = ["DIRECTORY", "Case", "InvalidCase", "read_case", "write_case"]

DIRECTORY: Final = "cases"
"""Beside a function's code; each ``.json`` in it is a case."""

NOW: Final = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
"""The time in a case that gives none."""

CASE_BYTES: Final = 32 * 1024 * 1024

_ABSENT = msgspec.Raw()


@final
class InvalidCase(IsthmusError):
    """A file is no case."""


@final
class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One call of a function, and what is expected of it.

    Attributes:
        description: for whoever reads it.
        event: a JSON object; one of ``event``, ``events`` and ``request`` is there.
        events: a batch.
        request: of a source function: ``{"method", "url", "headers", "body"}``, or the body alone.
        settings: over the sample's.
        responses: what the network answers; see :class:`isthmus.testing.StubResponse`.
        expected: what the outcome has to hold; what is left out may be anything.  None: nothing but what
            ``sound`` says.
        sound: the call throws nothing but Segment's error classes, keeps to its limits, returns what JSON can hold,
            and answers the same when it is made again.
        now: the time in the function's world.
        seed: what its chance is made of.
    """

    description: str = ""
    event: msgspec.Raw = _ABSENT
    events: list[msgspec.Raw] | None = None
    request: msgspec.Raw = _ABSENT
    settings: dict[str, Any] = {}
    responses: tuple[StubResponse, ...] = ()
    expected: dict[str, Any] | None = None
    sound: bool = False
    now: dt.datetime = NOW
    seed: int = 0

    def __post_init__(self) -> None:
        given = [bool(bytes(self.event)), self.events is not None, bool(bytes(self.request))]
        if sum(given) != 1:
            raise ValueError("a case has one of event, events and request")
        if self.now.tzinfo is None:
            raise ValueError("now takes a time with its zone, such as 2026-01-01T00:00:00Z")

    @property
    def input(self) -> Event | Request | Sequence[Event]:
        """What the function is given: a list for a batch.

        Raises:
            InvalidInput: ``request`` is none.
        """
        if self.events is not None:
            return [compact(event) for event in self.events]
        request = compact(self.request)
        return webhook(request) if request else compact(self.event)

    def clock(self) -> float:
        """Seconds since the epoch."""
        return self.now.timestamp()

    def entropy(self, count: int) -> bytes:
        """So many bytes, the same for the same seed."""
        return hashlib.shake_256(str(self.seed).encode()).digest(count)


_DECODER = msgspec.json.Decoder(Case)


def read_case(path: Path) -> Case:
    """Read a case.

    Raises:
        InvalidCase: the file is none; the message says where.
    """
    try:
        size = path.stat().st_size
        if size > CASE_BYTES:
            raise InvalidCase(f"{path} has {size} bytes, and a case has at most {CASE_BYTES}")
        case = _DECODER.decode(path.read_bytes())
        case.input  # noqa: B018 -- a request is read when it is asked for
    except OSError as exc:
        raise InvalidCase(f"{path} cannot be read: {exc.strerror}") from None
    except (msgspec.DecodeError, InvalidInput, RecursionError, UnicodeDecodeError) as exc:
        raise InvalidCase(f"{path} is no case: {exc}") from None
    return case


def write_case(path: Path, case: Case | Mapping[str, Any]) -> None:
    """Write a case as a person would, in place of what is there.

    Raises:
        OSError: it cannot be written.
    """
    text = msgspec.json.format(msgspec.json.encode(case), indent=2)
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(text + b"\n")
    beside.replace(path)
