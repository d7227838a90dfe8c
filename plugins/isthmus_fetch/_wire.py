"""A connected stream of bytes, in the clear or under TLS."""

from __future__ import annotations

import ssl
from typing import final

import trio

from ._faults import fault_of

__all__ = ["Forward", "Wire"]

READ_SIZE = 64 * 1024


@final
class Forward:
    """What a request needs on its way through a proxy that reads it.

    Attributes:
        prefix: what makes a request's target absolute, ``http://host:port``.
        headers: for the proxy alone; a trace never shows them.
    """

    def __init__(self, prefix: str, headers: tuple[tuple[bytes, bytes], ...]) -> None:
        self.prefix = prefix
        self.headers = headers


@final
class Wire:
    """A connection, whatever it leads through.

    Closing is immediate and synchronous: it works within a cancelled scope and sends no
    farewell, which no HTTP server waits for.

    Attributes:
        address: what the socket is connected to.
        forward: set where a proxy reads the requests.
        alpn: the protocol agreed on under TLS, or "".
    """

    def __init__(self, socket: trio.socket.SocketType, address: str) -> None:
        self._socket = socket
        self._stream: trio.SocketStream | trio.SSLStream[trio.SocketStream] = trio.SocketStream(socket)
        self.address = address
        self.forward: Forward | None = None
        self.alpn = ""

    async def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """Put everything that follows under TLS.

        Raises:
            Fault: the handshake failed, or the certificate is not ``host``'s.
        """
        stream = trio.SSLStream(
            trio.SocketStream(self._socket), context, server_hostname=host, https_compatible=True
        )
        try:
            await stream.do_handshake()
        except (trio.BrokenResourceError, trio.ClosedResourceError) as exc:
            raise fault_of(exc, "write") from exc
        self._stream = stream
        self.alpn = stream.selected_alpn_protocol() or ""

    async def send(self, data: bytes) -> None:
        """Send all of it.

        Raises:
            Fault: the connection is broken.
        """
        try:
            await self._stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as exc:
            raise fault_of(exc, "write") from exc

    async def receive(self) -> bytes:
        """Some bytes, none at the end.

        Raises:
            Fault: the connection is broken.
        """
        try:
            return bytes(await self._stream.receive_some(READ_SIZE))
        except (trio.BrokenResourceError, trio.ClosedResourceError) as exc:
            raise fault_of(exc, "read") from exc

    def stale(self) -> bool:
        """Whether something waits to be read; on an idle connection that is its end, or nothing good."""
        return self._socket.is_readable()

    def close(self) -> None:
        self._socket.close()
