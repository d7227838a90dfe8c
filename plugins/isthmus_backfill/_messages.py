"""What a backfill and the processes that carry its parts say to each other."""

from __future__ import annotations

from typing import Any, final

import msgspec

from isthmus.commands import UsageFault
from isthmus.errors import LoadError
from isthmus.limits import Limits

from ._ledger import Counts, PartResult
from ._plan import File, Part, Place

__all__ = [
    "Carry",
    "Drain",
    "Failed",
    "Finished",
    "FromCarrier",
    "Progress",
    "Ready",
    "Setup",
    "ToCarrier",
    "Unready",
    "Want",
]


@final
class Setup(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What parts are carried to, and how; paths, not values, so that no secret travels.

    Attributes:
        to: see :func:`isthmus.commands.load_destination`; a path is absolute.
        pipeline: absolute path, "" for none.
        settings: absolute path, "" for none.
        egress: the fields of :class:`isthmus.abc.Egress`.
        limits: of each call.
        ledger: absolute path of the directory.
        sharing: how many carry at one time; each has this part of the destination's rate and slots.
        retry_for: seconds from an event's first attempt in which others may start.
        overlap: parts that may be under way in one process, those included that wait for retries only.
    """

    to: str
    pipeline: str = ""
    settings: str = ""
    egress: dict[str, Any] = {}
    limits: Limits = Limits()
    ledger: str
    sharing: int = 1
    retry_for: float = 600.0
    overlap: int = 4


@final
class Carry(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A part to be carried."""

    place: Place
    file: File
    part: Part


@final
class Drain(msgspec.Struct, frozen=True, tag=True):
    """There are no more parts: end when those under way have."""


ToCarrier = Setup | Carry | Drain


@final
class Ready(msgspec.Struct, frozen=True, tag=True):
    """The destination is loaded."""


@final
class Unready(msgspec.Struct, frozen=True, tag=True):
    """It is not.

    Attributes:
        message: why, without values of settings.
        unloadable: because a function's code does not load.
    """

    message: str
    unloadable: bool = False

    @classmethod
    def of(cls, error: Exception) -> Unready:
        """Say it of what :func:`._carrier.open_carrier` raised."""
        return cls(str(error), isinstance(error, LoadError))

    @property
    def error(self) -> Exception:
        """What to raise where people are told."""
        return LoadError(self.message) if self.unloadable else UsageFault(self.message)


@final
class Want(msgspec.Struct, frozen=True, tag=True):
    """It could carry another part."""


@final
class Progress(msgspec.Struct, frozen=True, tag=True):
    """How far parts have come that are under way: of each the bytes whose events are done with, and what became of them."""

    parts: list[tuple[Place, int, Counts]]
    left_alone: bool = False


@final
class Finished(msgspec.Struct, frozen=True, tag=True):
    """A part is done, and written down."""

    place: Place
    result: PartResult


@final
class Failed(msgspec.Struct, frozen=True, tag=True):
    """A part is not done, and will not be in this run."""

    place: Place
    reason: str


FromCarrier = Ready | Unready | Want | Progress | Finished | Failed
