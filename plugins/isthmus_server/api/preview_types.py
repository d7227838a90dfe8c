"""What a function is tried out with, and what is shown of it: the shape that Segment's older API had, and some more."""

from __future__ import annotations

from typing import Annotated, Any, final

import msgspec

from isthmus_server.store import ResourceType

from .function_types import FunctionSettingV1
from .wire import NamedText, Wire

__all__ = [
    "PreviewFault",
    "PreviewFunction",
    "PreviewInput",
    "PreviewInvoke",
    "PreviewLine",
    "PreviewLog",
    "PreviewOutput",
    "PreviewSpan",
    "PreviewTrace",
]


@final
class PreviewFunction(Wire, frozen=True, kw_only=True):
    """What is to run.

    Attributes:
        id: of a function that is kept, whose language and definitions of settings count where none are given.
        code: by default the code of that function.
        settings: definitions.
    """

    id: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    code: str | None = None
    display_name: NamedText | None = None
    language: Annotated[str, msgspec.Meta(min_length=1, max_length=40)] | None = None
    settings: Annotated[tuple[FunctionSettingV1, ...], msgspec.Meta(max_length=200)] | None = None


@final
class PreviewInput(Wire, frozen=True, kw_only=True):
    """A function and what it is to be called with.

    Attributes:
        type: the kind of function.
        payload: JSON, as text or as it is. For a source function ``{"payload": {"body", "headers", "queryParameters"}}``,
            for the others an event or an array of events.
        settings: values for this call.
    """

    function: PreviewFunction
    type: ResourceType
    payload: str | dict[str, Any] | list[Any]
    settings: dict[str, Any] = msgspec.field(default_factory=dict)


@final
class PreviewLog(Wire, frozen=True, kw_only=True):
    """A line of console output."""

    time: str
    key: str
    value: str


@final
class PreviewSpan(Wire, frozen=True, kw_only=True):
    """How long it took, and what it printed."""

    name: str
    time: str
    duration: str
    logs: tuple[PreviewLog, ...]


@final
class PreviewTrace(Wire, frozen=True, kw_only=True):
    """The call, as an event of its own."""

    source: str
    version: str
    specversion: str
    type: str
    time: str
    trace: PreviewSpan


@final
class PreviewFault(Wire, frozen=True, kw_only=True):
    """What went wrong; beyond Segment's shape."""

    name: str
    message: str
    stack: str
    code: str


@final
class PreviewInvoke(Wire, frozen=True, kw_only=True):
    """How the call ended.

    Attributes:
        output: JSON text: of a source function its events and objects, else what it returned.
        requests: beyond Segment's shape, each request the function made and what came back.
    """

    success: bool
    output: str
    error: PreviewFault | None
    trace: PreviewTrace
    requests: tuple[dict[str, Any], ...]


@final
class PreviewLine(Wire, frozen=True, kw_only=True):
    """A line of console output, as the list beside the call has it."""

    message: str
    created_at: str


@final
class PreviewOutput(msgspec.Struct, frozen=True, kw_only=True):
    """The call and its console output; this name is written with an underscore, as it was."""

    invoke: PreviewInvoke
    logs: tuple[PreviewLine, ...]
    session_id: str
