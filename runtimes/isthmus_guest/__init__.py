"""What a Python function may ask of its host: requests, the cache, the console, messages, errors by name.

This is what ``from isthmus_guest import fetch`` finds inside a function.  It uses the standard library
alone.  Outside of a function everything can be imported, and what needs a host says that there is none.
"""

from ._cache import cache
from ._capability import acapability, capability
from ._console import log
from ._errors import (
    CapabilityError,
    DropEvent,
    EventNotSupported,
    FetchError,
    InvalidEventPayload,
    RetryError,
    ValidationError,
)
from ._events import (
    AliasEvent,
    BatchResult,
    DeleteEvent,
    Event,
    GroupEvent,
    IdentifyEvent,
    PageEvent,
    ScreenEvent,
    Settings,
    TrackEvent,
)
from ._fetch import Response, afetch, fetch
from ._request import Headers, Request
from ._segment import segment
from ._timer import asleep, sleep

__all__ = [
    "AliasEvent",
    "BatchResult",
    "CapabilityError",
    "DeleteEvent",
    "DropEvent",
    "Event",
    "EventNotSupported",
    "FetchError",
    "GroupEvent",
    "Headers",
    "IdentifyEvent",
    "InvalidEventPayload",
    "PageEvent",
    "Request",
    "Response",
    "RetryError",
    "ScreenEvent",
    "Segment",
    "Settings",
    "TrackEvent",
    "ValidationError",
    "acapability",
    "afetch",
    "asleep",
    "cache",
    "capability",
    "fetch",
    "log",
    "segment",
    "sleep",
]

Segment = segment
