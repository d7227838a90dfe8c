"""Which handler an event goes to."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, final

import msgspec

from isthmus.functions import Kind

__all__ = [
    "EVENT_HANDLERS",
    "HANDLERS",
    "Choice",
    "Chosen",
    "Ignored",
    "PassThrough",
    "Unsupported",
    "choose",
    "choose_batch",
]

EVENT_HANDLERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "identify": "onIdentify",
        "track": "onTrack",
        "page": "onPage",
        "screen": "onScreen",
        "group": "onGroup",
        "alias": "onAlias",
        "delete": "onDelete",
    }
)
"""The seven types of the Segment spec, each with its handler."""

_SEVEN = frozenset(EVENT_HANDLERS.values())

HANDLERS: Final[Mapping[Kind, frozenset[str]]] = MappingProxyType(
    {
        Kind.SOURCE: frozenset({"onRequest"}),
        Kind.DESTINATION: _SEVEN | {"onBatch"},
        Kind.INSERT: _SEVEN | {"onBatch"},
        Kind.SOURCE_INSERT: _SEVEN,
    }
)
"""The handlers each kind of function may define."""


@final
class Chosen(msgspec.Struct, frozen=True, gc=False):
    """Run this handler."""

    handler: str


@final
class PassThrough(msgspec.Struct, frozen=True, gc=False):
    """Run nothing: the event goes on unchanged past an insert function without this handler.

    Attributes:
        handler: the one that is missing, "" for a type outside the spec.
    """

    handler: str


@final
class Unsupported(msgspec.Struct, frozen=True, gc=False):
    """Run nothing: the outcome is an ``EventNotSupported``, as the function's default handler throws.

    Attributes:
        handler: the one that is missing, "" for a type outside the spec.
        message: what the error says, in Segment's words.
    """

    handler: str
    message: str


@final
class Ignored(msgspec.Struct, frozen=True, gc=False):
    """Run nothing and report success: a destination takes events of unknown types in silence."""

    handler: str


Choice = Chosen | PassThrough | Unsupported | Ignored


@final
class _Options(msgspec.Struct, frozen=True):
    """The answers for one type, made once: `choose` runs for every event."""

    handler: str
    chosen: Chosen
    missing: Unsupported
    passing: PassThrough


def _options(handler: str, what: str) -> _Options:
    return _Options(
        handler, Chosen(handler), Unsupported(handler, f"{what} not supported"), PassThrough(handler)
    )


_EVENT_OPTIONS = {type_: _options(handler, type_) for type_, handler in EVENT_HANDLERS.items()}
_REQUEST = _options("onRequest", "request")
_BATCH = _options("onBatch", "batch")
_IGNORED = Ignored("")
_UNKNOWN_PASSES = PassThrough("")
_TYPE_SHOWN = 64  # characters of a sender's own type that an error repeats


def choose(kind: Kind, event_type: str | None, handlers: frozenset[str], *, pass_through: bool) -> Choice:
    """Say what one event, or a webhook, comes to before anything runs.

    A type outside the spec's seven is ignored by a destination, as the published shim does.  An
    insert function is another matter: nobody ran over that event what was put there to run over
    every event, such as masking, and dropping it would lose it in silence.  So it is treated as a
    type without a handler: blocked and said so, or passed on where the function says ``pass_through``.

    Args:
        kind: of the function.
        event_type: the event's ``type``, None where it has none; not looked at for a source.
        handlers: what the code defines.
        pass_through: the function's switch; without meaning for other kinds than inserts.
    """
    if kind is Kind.SOURCE:
        return _REQUEST.chosen if "onRequest" in handlers else _REQUEST.missing
    options = None if event_type is None else _EVENT_OPTIONS.get(event_type)
    if options is not None and options.handler in handlers:
        return options.chosen
    inserts = kind is not Kind.DESTINATION
    if options is not None:
        return options.passing if inserts and pass_through else options.missing
    if not inserts:
        return _IGNORED
    if pass_through:
        return _UNKNOWN_PASSES
    what = "event without a type" if event_type is None else event_type[:_TYPE_SHOWN]
    return Unsupported("", f"{what} not supported")


def choose_batch(kind: Kind, handlers: frozenset[str]) -> Chosen | Unsupported:
    """Say whether a function takes a batch whole; where not, its events go to it one by one."""
    supported = "onBatch" in HANDLERS[kind] and "onBatch" in handlers
    return _BATCH.chosen if supported else _BATCH.missing
