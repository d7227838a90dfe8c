"""What is said to a proxy before the origin can be spoken to.

Sources: RFC 9110 section 9.3.6 (CONNECT), RFC 1928 and RFC 1929 (SOCKS 5).
"""

from __future__ import annotations

import base64
from ipaddress import IPv4Address

from ._addresses import Address
from ._faults import Fault
from ._wire import Wire
from .egress import Proxy

__all__ = ["connect_tunnel", "proxy_headers", "socks_tunnel"]

_MAX_ANSWER = 16 * 1024
_SOCKS_REPLIES = {
    1: "general failure",
    2: "its rules forbid it",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "time to live expired",
    7: "command not supported",
    8: "address type not supported",
}


def proxy_headers(proxy: Proxy) -> tuple[tuple[bytes, bytes], ...]:
    """The header that shows an HTTP proxy who asks."""
    if proxy.credentials is None:
        return ()
    return ((b"Proxy-Authorization", b"Basic " + base64.b64encode(b":".join(proxy.credentials))),)


async def connect_tunnel(wire: Wire, proxy: Proxy, authority: str) -> None:
    """Have an HTTP proxy connect to ``host:port``.

    Raises:
        Fault: it does not.
    """
    lines = [b"CONNECT %b HTTP/1.1" % authority.encode(), b"Host: %b" % authority.encode()]
    lines += [b"%b: %b" % header for header in proxy_headers(proxy)]
    await wire.send(b"\r\n".join([*lines, b"", b""]))
    answer = b""
    while b"\r\n\r\n" not in answer:
        if len(answer) > _MAX_ANSWER or not (data := await wire.receive()):
            raise _refused(proxy, "it closed the connection" if answer == b"" else "its answer is not HTTP")
        answer += data
    status = answer.split(b"\r\n", 1)[0].split(b" ", 2)
    if len(status) < 2 or not status[0].startswith(b"HTTP/1."):
        raise _refused(proxy, "its answer is not HTTP")
    if len(status[1]) != 3 or not status[1].startswith(b"2"):
        raise _refused(proxy, b" ".join(status[1:]).decode("latin-1")[:100])


async def socks_tunnel(wire: Wire, proxy: Proxy, host: str, address: Address | None, port: int) -> None:
    """Have a SOCKS 5 proxy connect to a host, whose name it looks up itself.

    Raises:
        Fault: it does not.
    """
    read = _Reader(wire, proxy)
    method = 0 if proxy.credentials is None else 2
    await wire.send(bytes((5, 1, method)))
    if await read.exactly(2) != bytes((5, method)):
        raise _refused(proxy, "it wants another way of authentication")
    if proxy.credentials is not None:
        fields = b"".join(bytes((len(field),)) + field for field in proxy.credentials)
        await wire.send(b"\x01" + fields)
        if (await read.exactly(2))[1] != 0:
            raise _refused(proxy, "it does not take the credentials")
    if address is None:
        name = host.encode("ascii")
        if len(name) > 255:
            raise _refused(proxy, "the host's name is too long for it")
        where = b"\x03" + bytes((len(name),)) + name
    else:
        where = (b"\x01" if isinstance(address, IPv4Address) else b"\x04") + address.packed
    await wire.send(b"\x05\x01\x00" + where + port.to_bytes(2, "big"))
    version, reply, _, kind = await read.exactly(4)
    if version != 5 or reply != 0:
        raise _refused(proxy, _SOCKS_REPLIES.get(reply, f"reply {reply}"))
    # The address it connected from, of no use here; only its length matters.
    length = (await read.exactly(1))[0] if kind == 3 else {1: 4, 4: 16}.get(kind)
    if length is None:
        raise _refused(proxy, "its answer is not SOCKS 5")
    await read.exactly(length + 2)


class _Reader:
    """Reads fixed lengths.  The origin says nothing before it is asked, so nothing is read beyond them."""

    def __init__(self, wire: Wire, proxy: Proxy) -> None:
        self._wire = wire
        self._proxy = proxy
        self._data = b""

    async def exactly(self, count: int) -> bytes:
        while len(self._data) < count:
            if not (data := await self._wire.receive()):
                raise _refused(self._proxy, "it closed the connection")
            self._data += data
        taken, self._data = self._data[:count], self._data[count:]
        return taken


def _refused(proxy: Proxy, why: str) -> Fault:
    return Fault("ERR_PROXY_TUNNEL", f"the proxy {proxy.host}:{proxy.port} opens no way: {why}")
