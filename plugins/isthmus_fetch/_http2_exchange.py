"""One exchange among the many of an HTTP/2 connection."""

from __future__ import annotations

import contextlib
import http
import re
from collections import deque
from typing import TYPE_CHECKING, final

import h2.events
import h2.exceptions
import trio
from h2.errors import ErrorCodes

from ._faults import Fault
from ._requests import Head

if TYPE_CHECKING:
    from ._http2 import Http2Connection

__all__ = ["Http2Exchange"]

# Node's, where Python's own differ with its version.
_PHRASES = {status.value: status.phrase for status in http.HTTPStatus} | {
    413: "Payload Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Entity",
}
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
_BAD_IN_VALUE = re.compile(rb"[\x00\r\n]")


@final
class Http2Exchange:
    """A response whose head is there and whose body comes in."""

    http_version = "HTTP/2"

    def __init__(self, connection: Http2Connection, number: int) -> None:
        self._connection = connection
        self._h2 = connection.h2
        self._number = number
        self._changed = trio.lowlevel.ParkingLot()
        self._inbox: deque[tuple[bytes, int]] = deque()
        self._fault: Fault | None = None
        self._asked = False  # the request has been sent to its end
        self._answered = False  # and the response received to its own
        self._closed = False
        self.address = connection.address
        self.status = 0
        self.reason = ""
        self.headers: tuple[tuple[str, str], ...] = ()

    async def start(self, head: Head, body: bytes | None) -> None:
        try:
            self._ask(head, end=not body)
            if body:
                await self._upload(body)
            while not self.status:
                await self._change()
        except Fault as fault:
            # As with HTTP/1.1: an idle connection may end just as a request sets out on it.
            if self._connection.used and self._connection.closed and head.replayable:
                raise Fault(fault.code, fault.reason, unprocessed=True) from fault
            raise
        self._connection.used = True

    def _ask(self, head: Head, *, end: bool) -> None:
        (_, authority), *rest = head.headers
        fields = [
            (":method", head.method),
            (":authority", authority),
            (":scheme", "https"),
            (":path", head.target),
            *((name.lower(), value) for name, value in rest),
        ]
        self._h2.send_headers(
            self._number,
            [(name.encode("ascii"), value.encode("latin-1")) for name, value in fields],
            end_stream=end,
        )
        self._asked = end
        self._connection.flush()

    async def _upload(self, body: bytes) -> None:
        rest = memoryview(body)
        # A server may answer before it has read all of it, and then stops reading.
        while rest and not self._answered:
            if self._fault is not None:
                raise self._fault
            window = min(self._h2.local_flow_control_window(self._number), self._h2.max_outbound_frame_size)
            if window <= 0:
                await self._change()
                continue
            self._h2.send_data(self._number, bytes(rest[:window]), end_stream=window >= len(rest))
            rest = rest[window:]
            self._connection.flush()
        self._asked = not rest

    async def _change(self) -> None:
        """Wait until something is new about this stream."""
        if self._fault is None:
            await self._changed.park()
        if self._fault is not None:
            raise self._fault

    def take(self, event: h2.events.Event) -> None:
        """Take what the connection has read for this stream."""
        if isinstance(event, h2.events.ResponseReceived):
            self._take_head(event)
        elif isinstance(event, h2.events.DataReceived):
            self._inbox.append((event.data or b"", event.flow_controlled_length or 0))
        elif isinstance(event, h2.events.StreamEnded):
            self._answered = True
        elif isinstance(event, h2.events.StreamReset):
            code = getattr(event.error_code, "name", event.error_code)
            refused = event.error_code == ErrorCodes.REFUSED_STREAM
            reason = f"Stream closed with error code NGHTTP2_{code}"
            self.fail(Fault("ERR_HTTP2_STREAM_ERROR", reason, unprocessed=refused))
        self._changed.unpark_all()

    def _take_head(self, event: h2.events.ResponseReceived) -> None:
        fields = [(bytes(name), bytes(value)) for name, value in event.headers or ()]
        status = b"".join(value for name, value in fields if name == b":status")
        plain = [(name, value) for name, value in fields if not name.startswith(b":")]
        whole = len(status) == 3 and status.isdigit()
        if not whole or any(
            not _NAME.fullmatch(name) or _BAD_IN_VALUE.search(value) for name, value in plain
        ):
            self.fail(Fault("ERR_HTTP2_PROTOCOL_ERROR", "the response's headers are malformed"))
            return
        self.status = int(status)
        # HTTP/2 has no reason phrase; functions written against HTTP/1.1 read one.
        self.reason = _PHRASES.get(self.status, "")
        self.headers = tuple((name.decode("ascii"), value.decode("latin-1")) for name, value in plain)

    def fail(self, fault: Fault) -> None:
        """No more will come; a response that is complete stays so."""
        if not self._answered and self._fault is None:
            self._fault = fault
            self._changed.unpark_all()

    async def receive(self) -> bytes:
        """The next bytes of the body, none at its end.

        Raises:
            Fault: the body broke off.
        """
        while True:
            if self._inbox:
                data, length = self._inbox.popleft()
                self._acknowledge(length)
                if data:
                    return data
            elif self._answered:
                return b""
            elif self._fault is not None:
                raise Fault("ECONNRESET", "aborted") if self._connection.closed else self._fault
            else:
                await self._changed.park()

    def _acknowledge(self, length: int) -> None:
        """Let the server send as much again."""
        if length and not self._connection.closed:
            self._h2.acknowledge_received_data(length, self._number)
            self._connection.flush()

    def close(self) -> None:
        """End the exchange, in whatever state it is; the connection goes on."""
        if self._closed:
            return
        self._closed = True
        if not self._connection.closed:
            # What is thrown away counts as read, or it would weigh on the other streams for good.
            self._acknowledge(sum(length for _, length in self._inbox))
            if not (self._asked and self._answered):
                with contextlib.suppress(h2.exceptions.ProtocolError):  # the server was first
                    self._h2.reset_stream(self._number, ErrorCodes.CANCEL)
        self._inbox.clear()
        self._connection.forget(self._number)
