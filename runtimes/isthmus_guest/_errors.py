"""Errors a function may raise; their names say what becomes of the event."""

from __future__ import annotations

__all__ = [
    "CapabilityError",
    "DropEvent",
    "EventNotSupported",
    "FetchError",
    "InvalidEventPayload",
    "RetryError",
    "ValidationError",
]


class EventNotSupported(Exception):
    """The function does nothing for this type or event; not tried again."""


class InvalidEventPayload(Exception):
    """The event is not as it must be; not tried again."""


class ValidationError(Exception):
    """Event or settings are not as they must be; not tried again."""


class RetryError(Exception):
    """Something that may mend; tried again later.

    Attributes:
        retry_after: seconds before which it makes no sense, as a number or as a ``Retry-After`` header has it; or None.
    """

    def __init__(self, *args: object, retry_after: float | str | None = None) -> None:
        super().__init__(*args)
        self.retry_after = retry_after


class DropEvent(Exception):
    """An insert function leaves this event out, on purpose."""


class FetchError(Exception):
    """A request got no response.

    Attributes:
        code: the cause in Node's words (``ECONNREFUSED``, ``ENOTFOUND``), or "".
        type: its kind (``system``, ``limit``, ``max-size``).
    """

    def __init__(self, message: str, code: str = "", type: str = "system") -> None:  # noqa: A002 -- node-fetch's name
        super().__init__(message)
        self.code = code
        self.type = type


class CapabilityError(Exception):
    """A capability gave nothing.

    Attributes:
        code: ``not_granted``, ``invalid_argument``, ``limit``, ``timeout``, ``failed``, or what it says itself.
    """

    def __init__(self, message: str, code: str = "failed") -> None:
        super().__init__(message)
        self.code = code
