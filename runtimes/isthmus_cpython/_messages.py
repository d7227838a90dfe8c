"""What a function's process says, frame by frame: hostile input, so each is read by a typed decoder."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeVar

import msgspec

from isthmus.rules import well_formed

from ._wire import Nonsense

__all__ = [
    "Ended",
    "Fault",
    "Line",
    "Loaded",
    "Operation",
    "Raised",
    "parse_end",
    "parse_fault",
    "parse_line",
    "parse_loaded",
    "parse_operation",
]

_LONGEST_TEXT: Final = 16384


_Text = Annotated[str, msgspec.Meta(max_length=_LONGEST_TEXT)]
_Handler = Literal[
    "onIdentify",
    "onTrack",
    "onPage",
    "onScreen",
    "onGroup",
    "onAlias",
    "onDelete",
    "onBatch",
    "onRequest",
]
_Id = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]


class Raised(msgspec.Struct, frozen=True):
    """An exception, as the process describes it."""

    name: _Text = "Exception"
    message: _Text = ""
    stack: _Text = ""
    line: Annotated[int, msgspec.Meta(ge=1, lt=2**31)] | None = None
    column: Annotated[int, msgspec.Meta(ge=0, lt=2**31)] | None = None
    retry_after: Annotated[float, msgspec.Meta(ge=0)] | Annotated[str, msgspec.Meta(max_length=64)] | None = (
        None
    )


class Ended(msgspec.Struct, frozen=True):
    """How a call ended.

    Attributes:
        ok: the handler returned.
        value: JSON text of what it returned, empty for None.
        note: why that has no JSON form.
        messages: what was sent, an array.
        thrown: what it raised.
        exhausted: it raised MemoryError.
        too_large: bytes of value and messages, where they were too many to be handed over.
        left_out: bytes of console output that were kept back.
        lines: of the code that ran, where that was asked.
    """

    ok: bool
    value: msgspec.Raw = msgspec.Raw()
    note: _Text = ""
    messages: msgspec.Raw = msgspec.Raw()
    thrown: Raised = Raised()
    exhausted: bool = False
    too_large: _Id = 0
    left_out: _Id = 0
    lines: list[_Id] = []


class Operation(msgspec.Struct, frozen=True):
    """What a process asks of its host; ``seconds`` and ``ttl`` are in seconds."""

    op: Literal[
        "fetch", "sleep", "cache_load", "cache_store", "cache_fail", "cache_delete", "capability", "cancel"
    ]
    id: _Id = 0
    url: str = ""
    method: str = "GET"
    headers: list[tuple[str, str]] = []
    body: str | None = None
    base64: bool = False
    redirect: str = "follow"
    seconds: float = 0.0
    key: str = ""
    value: str = "null"
    ttl: float | None = None


class Line(msgspec.Struct, frozen=True):
    """A line of console output; a runtime's own level, ``notice``, is not the function's to use."""

    level: Literal["debug", "log", "info", "warn", "error"]
    text: str
    at: Annotated[float, msgspec.Meta(ge=0)] = 0.0


class Loaded(msgspec.Struct, frozen=True):
    """What was found in a function's code.

    Attributes:
        handlers: names, as Segment spells them.
        asynchronous: any of them is.
        imports: modules that it imports, or names.
        code: compiled, for the processes of calls; nothing is done with it here.
        lines: that have something to run.
        error: why it does not load.
    """

    handlers: list[_Handler] = []
    asynchronous: bool = False
    imports: list[str] = []
    code: bytes = b""
    lines: list[_Id] = []
    error: Raised | None = None


class Fault(msgspec.Struct, frozen=True):
    """Why a process could not be made ready."""

    message: _Text = ""


_T = TypeVar("_T")

_ended = msgspec.json.Decoder(Ended)
_operation = msgspec.json.Decoder(Operation)
_line = msgspec.json.Decoder(Line)
_loaded = msgspec.json.Decoder(Loaded)
_fault = msgspec.json.Decoder(Fault)


def _parse(decoder: msgspec.json.Decoder[_T], payload: bytes, what: str) -> _T:
    try:
        try:
            return decoder.decode(payload)
        except msgspec.ValidationError:
            raise
        except (
            msgspec.DecodeError
        ):  # half a pair of surrogates, as any text in Python may hold, and msgspec reads none
            return decoder.decode(well_formed(payload))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Nonsense(f"{what} is not one: {str(error)[:200]}") from None


def parse_end(payload: bytes) -> Ended:
    """The end of a call; its value and its messages are JSON text in UTF-8."""
    found = _parse(_ended, payload, "the end of a call")
    if not payload.isascii():
        try:
            payload.decode()  # msgspec does not look into the strings of what it leaves as text
        except UnicodeDecodeError:
            raise Nonsense("the end of a call is not UTF-8") from None
    if found.messages and bytes(found.messages).lstrip()[:1] != b"[":
        raise Nonsense("the messages of a call are no array")
    return found


def parse_operation(payload: bytes) -> Operation:
    """Something asked of the host."""
    return _parse(_operation, payload, "an operation")


def parse_line(payload: bytes) -> Line:
    """A line of console output."""
    return _parse(_line, payload, "a line of console output")


def parse_loaded(payload: bytes) -> Loaded:
    """What was found in a function's code."""
    return _parse(_loaded, payload, "the account of what was loaded")


def parse_fault(payload: bytes) -> Fault:
    """Why a process could not be made ready."""
    return _parse(_fault, payload, "a fault")
