"""HTTP/1.1 on a wire: one exchange at a time, over h11."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import h11

from ._faults import Fault
from ._requests import Head
from ._wire import Wire

__all__ = ["Http1Connection", "Http1Exchange"]

_HTTP = b"HTTP/"
_MAX_HEAD = 64 * 1024  # Node: 16 KiB; Cookies and policies of real sites come close to that


@final
class Http1Connection:
    """A connection that carries exchanges one after the other.

    Attributes:
        used: whether an exchange has been completed on it.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEAD)
        self.used = False

    @property
    def stale(self) -> bool:
        """Whether the server has hung up on it, or talks out of turn."""
        return self._wire.stale()

    async def exchange(
        self, head: Head, body: bytes | None, done: Callable[[Http1Connection, bool], None]
    ) -> Http1Exchange:
        """Send a request and wait for the head of its response.

        Args:
            head: the request's.
            body: the request's.
            done: called once, when the exchange is over: with whether the connection can carry another.

        Raises:
            Fault: no response came; ``done`` has been called.
        """
        exchange = Http1Exchange(self, self._wire, self._h11, done)
        try:
            await exchange.start(head, body)
        except BaseException:
            exchange.close()
            raise
        return exchange

    def close(self) -> None:
        self._wire.close()


@final
class Http1Exchange:
    """A response whose head is there and whose body comes in."""

    def __init__(
        self,
        connection: Http1Connection,
        wire: Wire,
        protocol: h11.Connection,
        done: Callable[[Http1Connection, bool], None],
    ) -> None:
        self._connection = connection
        self._wire = wire
        self._h11 = protocol
        self._done: Callable[[Http1Connection, bool], None] | None = done
        self._heard = False
        self._ended = False
        self._broken = False
        self.address = wire.address
        self.http_version = "HTTP/1.1"
        self.status = 0
        self.reason = ""
        self.headers: tuple[tuple[str, str], ...] = ()

    async def start(self, head: Head, body: bytes | None) -> None:
        try:
            await self._send(head, body)
            response = await self._response()
        except Fault as fault:
            # A server may close an idle connection just as a request sets out on it.
            if self._connection.used and not self._heard and head.replayable:
                raise Fault(fault.code, fault.reason, unprocessed=True) from fault
            raise
        if response.status_code == 407 and self._wire.forward:
            raise Fault("ERR_PROXY_TUNNEL", "the proxy does not take the credentials")
        self.status = response.status_code
        self.reason = response.reason.decode("latin-1")
        self.http_version = f"HTTP/{response.http_version.decode('ascii')}"
        self.headers = tuple(
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw_items()
        )

    async def _send(self, head: Head, body: bytes | None) -> None:
        headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in head.headers]
        target = head.target
        if forward := self._wire.forward:
            target = forward.prefix + target
            headers += forward.headers
        events: list[h11.Event] = [
            h11.Request(method=head.method, target=target.encode("ascii"), headers=headers),
            *([h11.Data(data=body)] if body else []),
            h11.EndOfMessage(),
        ]
        data = b"".join(self._h11.send(event) or b"" for event in events)
        try:
            await self._wire.send(data)
        except Fault:
            # A server that has seen enough of a request answers and hangs up; its answer counts.
            self._broken = True

    async def _response(self) -> h11.Response:
        while True:
            event = await self._event()
            if isinstance(event, h11.Response):
                return event

    async def receive(self) -> bytes:
        """The next bytes of the body, none at its end.

        Raises:
            Fault: the body broke off.
        """
        while True:
            try:
                event = await self._event()
            except Fault as fault:
                if fault.code == "ECONNRESET":
                    raise Fault("ECONNRESET", "aborted") from fault
                raise
            if isinstance(event, h11.Data):
                if event.data:
                    return bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return b""

    async def _event(self) -> h11.Event:
        while True:
            try:
                event = self._h11.next_event()
            except h11.RemoteProtocolError as exc:
                raise self._malformed(exc) from exc
            if isinstance(event, h11.Event):
                return event
            data = await self._wire.receive()
            if not self._heard and not _HTTP.startswith(data[: len(_HTTP)]):
                # h11 would wait for a whole head, which a server of another kind never sends.
                raise Fault("HPE_INVALID_CONSTANT", "Parse Error: Expected HTTP/")
            self._heard = self._heard or data != b""
            self._ended = data == b""
            self._h11.receive_data(data)

    def _malformed(self, exc: h11.RemoteProtocolError) -> Fault:
        if self._ended:
            return Fault("ECONNRESET", "socket hang up")
        if exc.error_status_hint == 431:
            return Fault("HPE_HEADER_OVERFLOW", "Parse Error: Header overflow")
        return Fault("HPE_INVALID_CONSTANT", f"Parse Error: {exc}")

    def close(self) -> None:
        """End the exchange, in whatever state it is; a connection that is not done with it is closed."""
        if self._done is None:
            return
        done, self._done = self._done, None
        reusable = (
            self._h11.our_state is h11.DONE
            and self._h11.their_state is h11.DONE
            and not self._broken
            # More than was asked for would be taken for the answer to the next request.
            and not self._h11.trailing_data[0]
        )
        if reusable:
            self._h11.start_next_cycle()
            self._connection.used = True
        else:
            self._wire.close()
        done(self._connection, reusable)
