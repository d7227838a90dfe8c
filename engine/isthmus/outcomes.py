"""How an invocation ended, and what it left behind; written as JSON, without the fields that are empty."""

from __future__ import annotations

import enum
from typing import final

import msgspec

__all__ = ["Code", "Exchange", "ItemResult", "LogLine", "Outcome", "Problem", "Status", "Usage"]


@final
class Status(enum.StrEnum):
    """What an outcome comes to; the retry rules start from here."""

    DELIVERED = "delivered"  # finished without error
    DROPPED = "dropped"  # an insert function left the event out on purpose
    REFUSED = "refused"  # an error that trying again will not mend
    RETRY = "retry"  # an error that trying again may mend


@final
class Code(enum.StrEnum):
    """Why an outcome is not plain success: Segment's Delivery Overview codes."""

    UNSUPPORTED_EVENT_TYPE = "unsupported_event_type"  # EventNotSupported, or no handler
    MESSAGE_REJECTED = "message_rejected"  # InvalidEventPayload, ValidationError
    RETRY = "retry"  # RetryError
    BAD_REQUEST = "bad_request"  # any other throw: a fault of the code
    GATEWAY_TIMEOUT = "gateway_timeout"  # a time limit passed
    FILTERED = "filtered"  # DropEvent, or nothing returned
    INVALID_SETTINGS = "invalid_settings"
    INTERNAL = "internal"  # the runtime's fault, not the function's


@final
class LogLine(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One line of console output.

    Attributes:
        level: ``debug``, ``log``, ``info``, ``warn`` or ``error``; ``notice`` is the engine's own.
        text: what was printed, formatted.
        at: seconds since the start of the call.
    """

    level: str
    text: str
    at: float = 0.0


@final
class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong in a function.

    Attributes:
        name: the class of what was thrown (``RetryError``, ``TypeError``), or ``Timeout``,
            ``CpuLimit``, ``MemoryLimit``, ``OutputLimit``, ``Crash`` where a limit ended the call.
        message: what it says, sensitive values redacted.
        stack: the author's frames, innermost first, or "".
        code: what it means.
        retry_after: of what is to be tried again, seconds that what was thrown asks to wait for (``error.retryAfter``); or None.
    """

    name: str
    message: str
    stack: str = ""
    code: Code
    retry_after: float | None = None


@final
class Exchange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request of a call and what came back; sensitive values redacted, bodies capped.

    Attributes:
        method: upper case.
        url: as requested; a redirect is an exchange of its own.
        request_headers: in order, as sent.
        request_body: its first ``Limits.trace_bytes`` bytes as text.
        request_bytes: its whole size.
        status: None where no response came.
        response_headers: in order, as received.
        response_body: as ``request_body``.
        response_bytes: its whole size, decompressed.
        address: the address connected to, or "".
        http_version: ``HTTP/1.1``, ``HTTP/2`` or "".
        started: seconds since the start of the call.
        duration: seconds until the body was there, or the error was.
        error: why no response came, or "".
    """

    method: str
    url: str
    request_headers: tuple[tuple[str, str], ...] = ()
    request_body: str = ""
    request_bytes: int = 0
    status: int | None = None
    response_headers: tuple[tuple[str, str], ...] = ()
    response_body: str = ""
    response_bytes: int = 0
    address: str = ""
    http_version: str = ""
    started: float = 0.0
    duration: float = 0.0
    error: str = ""


@final
class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a call took.

    Attributes:
        wall: seconds from its start to its reply.
        cpu: seconds its own code ran.
        memory: bytes of its world at the most.
        fetches: requests it started.
        log_bytes: console output, before any cut.
        output_bytes: bytes of JSON it handed out.
        fuel: units of work its own code took, where its runtime counts them: the same for the same call.
        capabilities: uses of capabilities it began.
    """

    wall: float = 0.0
    cpu: float = 0.0
    memory: int = 0
    fetches: int = 0
    log_bytes: int = 0
    output_bytes: int = 0
    fuel: int = 0
    capabilities: int = 0


@final
class ItemResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one event of a batch.

    Attributes:
        status: as an outcome's.
        problem: what was wrong with it, or None.
        event: for an insert function, the event that goes on, as JSON text; else None.
    """

    status: Status
    problem: Problem | None = None
    event: msgspec.Raw | None = None


@final
class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """How one invocation ended.

    Attributes:
        function: the function's name.
        instance: the instance's name.
        handler: the handler that ran, or would have run.
        status: what it comes to; of a batch with mixed results, ``retry`` if any event is to be
            retried, else ``refused`` if any was, else ``delivered``.
        problem: what went wrong, or None.
        value: what the handler returned, as JSON text; None where it returned nothing.  For an
            insert function it is the event that goes on.
        items: for a batch, one result an event, in the batch's order; else empty.
        messages: what ``Segment.*`` calls of a source function are to be sent, each as JSON text.
        logs: console output, at most ``Limits.log_bytes``; a cut is said in its last line.
        exchanges: every request it made.
        usage: what it took.
        tape: where its tape is kept, as what keeps it says; "" for none.
    """

    function: str
    instance: str
    handler: str
    status: Status
    problem: Problem | None = None
    value: msgspec.Raw | None = None
    items: tuple[ItemResult, ...] = ()
    messages: tuple[msgspec.Raw, ...] = ()
    logs: tuple[LogLine, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    usage: Usage = Usage()
    tape: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing went wrong: delivered, or dropped on purpose."""
        return self.problem is None or self.status is Status.DROPPED
