"""A connected stream of bytes, in the clear or under TLS, as httpcore reads and writes it."""

from __future__ import annotations

import ssl
from typing import Any, final

import httpcore
import trio

from ._faults import Fault, fault_of
from ._frames import FrameWire

__all__ = ["Wire"]

_HTTP = b"HTTP/"


@final
class Wire(httpcore.AsyncNetworkStream):
    """A connection, whatever it leads through.

    Closing is immediate and synchronous: it works within a cancelled scope and sends no
    farewell, which no HTTP server waits for.

    Attributes:
        address: what the socket is connected to.
        received: bytes read so far.
        ended: the other side has said that no more will come.
        frames: set where TLS agreed on HTTP/2.
    """

    def __init__(self, socket: trio.socket.SocketType, address: str, *, http: bool) -> None:
        self._socket = socket
        self._stream: trio.SocketStream | trio.SSLStream[trio.SocketStream] = trio.SocketStream(socket)
        self._http = http  # SOCKS speaks first where this is false
        self._asked = False
        self.address = address
        self.received = 0
        self.ended = False
        self.closed = False
        self.frames: FrameWire | None = None

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 -- httpcore's interface; none is ever given
        """Some bytes, none at the end."""
        try:
            data = bytes(await self._stream.receive_some(max_bytes))
        except (trio.BrokenResourceError, trio.ClosedResourceError) as exc:
            raise httpcore.ReadError(fault_of(exc, "read")) from exc
        if self._asked and self._http and not _HTTP.startswith(data[: len(_HTTP)]):
            # h11 would wait for a whole head, which a server of another kind never sends.
            raise Fault("HPE_INVALID_CONSTANT", "Parse Error: Expected HTTP/")
        self._asked = False
        self.received += len(data)
        self.ended = data == b""
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 -- as above
        """Send all of it."""
        if buffer:
            self._asked = self.frames is None
            try:
                await self._stream.send_all(buffer)
            except (trio.BrokenResourceError, trio.ClosedResourceError) as exc:
                raise httpcore.WriteError(fault_of(exc, "write")) from exc

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 -- as above
    ) -> httpcore.AsyncNetworkStream:
        """Put everything that follows under TLS.

        Raises:
            Fault: the handshake failed, or the certificate is not the host's.
        """
        host = (server_hostname or "").strip("[]").removesuffix(".")
        stream = trio.SSLStream(
            trio.SocketStream(self._socket), ssl_context, server_hostname=host, https_compatible=True
        )
        try:
            await stream.do_handshake()
        except (trio.BrokenResourceError, trio.ClosedResourceError) as exc:
            raise fault_of(exc, "write") from exc
        self._stream = stream
        self._http, self._asked = True, False
        if stream.selected_alpn_protocol() == "h2":
            self.frames = FrameWire(self)
            return self.frames
        return self

    def get_extra_info(self, info: str) -> Any:
        if info == "ssl_object" and isinstance(self._stream, trio.SSLStream):
            return self._stream
        if info == "is_readable":
            return self.readable()
        if info == "server_addr":
            return (self.address,)
        return None

    def readable(self) -> bool:
        """Whether something waits to be read; on an idle connection that is its end, or nothing good."""
        return self._socket.is_readable()

    def close(self) -> None:
        self.closed = True
        self._socket.close()

    async def aclose(self) -> None:
        self.close()
