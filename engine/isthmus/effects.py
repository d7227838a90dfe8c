"""What a world asks of its host and is told by it, as values: the course of a call, which tapes are made of."""

from __future__ import annotations

from typing import final

import msgspec

from .messages import FetchRequest, FetchResponse

__all__ = [
    "Answer",
    "Answered",
    "Asked",
    "CacheDelete",
    "CacheFail",
    "CacheLoad",
    "CacheStore",
    "Capability",
    "Done",
    "Drawn",
    "Effect",
    "Failed",
    "Fetch",
    "Found",
    "Passed",
    "Responded",
    "Said",
    "Sleep",
]

# ---------------------------------------------------------------- what a world asks


@final
class Fetch(msgspec.Struct, frozen=True, tag="fetch"):
    """A request was begun; ``number`` is what its answer goes by."""

    number: int
    request: FetchRequest


@final
class Sleep(msgspec.Struct, frozen=True, tag="sleep"):
    """A wait was begun, of so many seconds."""

    number: int
    seconds: float


@final
class CacheLoad(msgspec.Struct, frozen=True, tag="cache_load"):
    """The cache was asked for a key."""

    number: int
    key: str


@final
class Capability(msgspec.Struct, frozen=True, tag="capability"):
    """Something else that the host offers was asked for: its name, and the argument as JSON text."""

    number: int
    name: str
    argument: bytes


@final
class CacheStore(msgspec.Struct, frozen=True, tag="cache_store"):
    """The cache was given JSON text, for ``ttl`` seconds."""

    key: str
    value: bytes
    ttl: float | None = None


@final
class CacheFail(msgspec.Struct, frozen=True, tag="cache_fail"):
    """What was to be cached could not be had."""

    key: str


@final
class CacheDelete(msgspec.Struct, frozen=True, tag="cache_delete"):
    """The cache was told to forget a key."""

    key: str


# ---------------------------------------------------------------- what it is told


@final
class Found(msgspec.Struct, frozen=True, tag="found"):
    """JSON text: of the cache, or of a capability; None where the cache had nothing."""

    value: bytes | None = None


@final
class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """No answer but an error, as :class:`isthmus.FetchError` has it; ``kind`` is its ``type``."""

    message: str
    code: str = ""
    kind: str = ""


@final
class Responded(msgspec.Struct, frozen=True, tag="response"):
    """A response, whole."""

    response: FetchResponse


@final
class Done(msgspec.Struct, frozen=True, tag="done"):
    """A wait was over."""


Answer = Responded | Found | Failed | Done


@final
class Answered(msgspec.Struct, frozen=True, tag="answered"):
    """What was asked under a number was answered, so many seconds after the start; the order of answers is that of a tape."""

    number: int
    answer: Answer
    at: float = 0.0


@final
class Passed(msgspec.Struct, frozen=True, tag="passed"):
    """The world was told of all that had been answered, and that so many seconds had passed."""

    seconds: float


Asked = Fetch | Sleep | CacheLoad | Capability
Said = CacheStore | CacheFail | CacheDelete
Effect = Asked | Said | Answered | Passed


@final
class Drawn(msgspec.Struct, frozen=True):
    """What a library drew by chance of its own: what for, a digest of the question, and the answer."""

    what: str
    question: bytes
    answer: bytes
