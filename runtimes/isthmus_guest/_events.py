"""Types of what handlers are given and give back, for an author's editor and type checker; at run time all are dicts."""

from __future__ import annotations

from typing import Any, Generic, Literal, Required, TypedDict, TypeVar

__all__ = [
    "AliasEvent",
    "BatchResult",
    "DeleteEvent",
    "Event",
    "GroupEvent",
    "IdentifyEvent",
    "PageEvent",
    "ScreenEvent",
    "Settings",
    "TrackEvent",
]

_P = TypeVar("_P")


class _Common(TypedDict, total=False):
    """What all events have; times are ISO 8601."""

    messageId: Required[str]
    userId: str | None
    anonymousId: str | None
    timestamp: str
    originalTimestamp: str
    sentAt: str
    receivedAt: str
    context: dict[str, Any]
    integrations: dict[str, Any]
    version: str | int
    projectId: str
    channel: str


class TrackEvent(_Common, Generic[_P]):
    """What a user did; ``TrackEvent[Order]`` says what you know of its properties."""

    type: Literal["track"]
    event: str
    properties: _P


class IdentifyEvent(_Common, Generic[_P]):
    """Who a user is."""

    type: Literal["identify"]
    traits: _P


class _Named(_Common, total=False):
    name: str
    category: str


class PageEvent(_Named, Generic[_P]):
    """Which page a user saw."""

    type: Literal["page"]
    properties: _P


class ScreenEvent(_Named, Generic[_P]):
    """Which screen a user saw."""

    type: Literal["screen"]
    properties: _P


class GroupEvent(_Common, Generic[_P]):
    """In which group a user is."""

    type: Literal["group"]
    groupId: str
    traits: _P


class AliasEvent(_Common):
    """That a user has another id."""

    type: Literal["alias"]
    previousId: str


class DeleteEvent(_Common):
    """That a user is to be forgotten."""

    type: Literal["delete"]


class BatchResult(TypedDict, total=False):
    """What ``on_batch`` of a destination may return for each event: 2xx is delivered, 429 and 5xx are tried again.

    With ``retryAfter`` not before that: seconds, or text as a ``Retry-After`` header has it.
    """

    status: Required[int]
    errormessage: str
    retryAfter: float | str


Event = (
    TrackEvent[dict[str, Any]]
    | IdentifyEvent[dict[str, Any]]
    | PageEvent[dict[str, Any]]
    | ScreenEvent[dict[str, Any]]
    | GroupEvent[dict[str, Any]]
    | AliasEvent
    | DeleteEvent
)
"""An event of any type; ``event["type"]`` tells which."""

Settings = dict[str, Any]
"""Values of an instance's settings: texts, booleans, lists of texts, and dicts of texts."""
