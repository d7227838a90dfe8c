"""One request's time on a connection, followed by httpcore's trace of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, final

import h2.settings
import httpcore
import trio

from ._faults import LOST, Fault, exchange_fault, tunnel_fault
from ._wire import Wire

if TYPE_CHECKING:
    from ._connections import Connection

__all__ = ["MAX_STREAMS", "Turn"]

MAX_STREAMS = 100
"""Requests an HTTP/2 connection carries at a time, where its server takes as many; httpcore's own."""

# Seconds a request that has been answered may still take to be uploaded.
_UPLOADED = 0.5

# Doing it twice is as good as once (RFC 9110 section 9.2.2).
_REPLAYABLE = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"})


@final
class Turn:
    """One request's time on a connection, as httpcore's trace tells of it.

    Attributes:
        request: as it is sent on; it carries the trace.
        acting: it has had a hand in the connection, instead of waiting for another's.
        stream: its number, where it is an HTTP/2 stream.
        cut_short: the server ended its stream in the middle of the upload.
        taken: bytes of its response's body that have been read, as sent.
    """

    scope: trio.CancelScope

    def __init__(self, connection: Connection, request: httpcore.Request) -> None:
        extensions = {**request.extensions, "trace": self, "turn": self}
        self.request = httpcore.Request(
            request.method,
            request.url,
            headers=request.headers,
            content=request.stream,
            extensions=extensions,
        )
        request.extensions["turn"] = self  # for the caller: the address, and a way to give it up
        self.acting = False
        self.stream = 0
        self.taken = 0
        self.cut_short = False
        self._complete = False
        self._connection = connection
        self._reused = connection.used
        self._heard = 0
        self._asked = False

    @property
    def wire(self) -> Wire:
        """What it is sent over; there is one once there is a response."""
        assert self._connection.backend.wire is not None  # noqa: S101 -- for the type checker
        return self._connection.backend.wire

    async def __call__(self, event: str, info: dict[str, Any]) -> None:
        """Take an event in, ``logger.step.stage``; what is raised here ends the request."""
        self.acting = True
        connection = self._connection
        match event.split("."):
            case ["http11", "send_request_headers", "started"] if info["request"].method != b"CONNECT":
                connection.ready()
                self._heard = self.wire.received
            case ["http11", "receive_response_headers", "complete"] if self.wire.received == self._heard:
                # It came with the last response, unasked, and would be taken for this one.
                raise httpcore.ReadError(Fault("ECONNRESET", "socket hang up"))
            case ["http2", "send_connection_init", "started"]:
                connection.ready()
            case ["http2", "receive_remote_settings", "complete"]:
                code = h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS
                if change := info["return_value"].changed_settings.get(code):
                    connection.limit = connection.keeper.room = min(change.new_value, MAX_STREAMS)
            case ["http2", "send_request_headers", "started"] if connection.frames:
                self.stream = info["stream_id"]
                if not connection.frames.begin(self.stream):
                    raise httpcore.ConnectionNotAvailable
            case ["http2", "send_request_headers", "complete"]:
                self._asked = True
                if connection.frames:
                    connection.frames.uploads[self.stream] = self._cut
            case ["http2", "send_request_body", "complete"] if connection.frames:
                connection.frames.uploads.pop(self.stream, None)
                self.scope.deadline = math.inf
            case [_, "receive_response_body", "complete"]:
                self._complete = connection.used = True
            case ["http2", "response_closed", "started"] if not self._complete:
                self.abandon()
            case [_, "response_closed", "complete" | "failed"]:
                connection.over(self)

    def _cut(self) -> None:
        self.cut_short = True
        self.scope.deadline = trio.current_time() + _UPLOADED  # unless it is all but through

    def abandon(self) -> None:
        """Give it up where it is; reading what is left of its response ends at once, in an error."""
        frames = self._connection.frames
        if frames is None:
            self.wire.close()
        elif self._asked:
            frames.reset(self.stream)
            self._asked = False

    def fault(self, exc: Exception) -> Fault:
        """What an exception of httpcore's comes to, for this request."""
        connection, wire = self._connection, self._connection.backend.wire
        if wire is None:
            return exchange_fault(exc, ended=False)
        if connection.keeper.proxy and not connection.is_ready:
            return tunnel_fault(exc, connection.keeper.proxy, ended=wire.ended)
        fault = exchange_fault(exc, ended=wire.ended)
        # A server may close an idle connection just as a request sets out on it.
        lost = not connection.inner.is_available() if wire.frames else wire.received == self._heard
        if fault.code in LOST and lost and self._reused and self.request.method in _REPLAYABLE:
            fault.unprocessed = True
        return fault
