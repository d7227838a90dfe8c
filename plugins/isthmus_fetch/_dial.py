"""From a host to a connected socket, with every address judged before it is connected to."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, ip_address
from typing import final

import msgspec
import trio

from isthmus.abc import Egress

from ._addresses import Address
from ._faults import Fault, fault_of
from .egress import Rules, rules_of

__all__ = ["Dialer", "Resolve", "Route", "forwarded", "resolve"]

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Looks up the addresses of a name, best first; raises OSError where it has none."""

# RFC 8305 section 5: how long the next address waits for the one before it.
_HEAD_START = 0.25

# Behind a proxy a machine may well have no resolver that answers.
_PROXIED_LOOKUP = 2.0


@final
class Route(msgspec.Struct, frozen=True, kw_only=True):
    """Where a connection leads, and under whose rules: connections are shared within one route only."""

    egress: Egress
    scheme: str
    host: str
    port: int
    address: Address | None


def forwarded(rules: Rules, route: Route) -> bool:
    """Whether a proxy reads the requests of a route, instead of passing bytes on."""
    return rules.proxy is not None and rules.proxy.scheme == "http" and route.scheme == "http"


async def resolve(host: str, port: int) -> Sequence[str]:
    """The system's answer for a name, in the order of RFC 6724."""
    # Bytes: trio would put a str through IDNA once more, which refuses what DNS allows.
    found = await trio.socket.getaddrinfo(host.encode("ascii"), port, type=trio.socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@final
class Dialer:
    """Connects sockets."""

    def __init__(self, lookup: Resolve) -> None:
        self._resolve = lookup

    async def dial(self, route: Route) -> tuple[trio.socket.SocketType, Address]:
        """Connect to a route's origin, or to its proxy.

        Raises:
            Fault: the rules forbid it, or no connection came about.
        """
        rules = rules_of(route.egress)
        if (proxy := rules.proxy) is None:
            return await _connect(await self._permitted(route, rules), route.port)
        if not forwarded(rules, route):
            await self.judge(route)
        found = [proxy.address] if proxy.address is not None else await self._lookup(proxy.host, proxy.port)
        return await _connect(found, proxy.port)

    async def judge(self, route: Route) -> None:
        """Put a proxied target to the rules, as far as this machine knows its addresses.

        Any forbidden address refuses it, for the proxy may choose any.  Where requests are
        forwarded this is asked before each of them, as the proxy may look the name up for each.

        Raises:
            Fault: the rules forbid it.
        """
        rules = rules_of(route.egress)
        addresses: list[Address] = []
        with contextlib.suppress(Fault), trio.move_on_after(_PROXIED_LOOKUP):
            addresses = await self._addresses(route)
        reasons = [rules.refuse_address(route.host, address, route.port) for address in addresses]
        reasons.append("" if addresses else rules.refuse_unknown(route.host, route.port))
        for reason in filter(None, reasons):
            raise Fault("EACCES", reason)

    async def _permitted(self, route: Route, rules: Rules) -> list[Address]:
        permitted, refused = [], ""
        for address in await self._addresses(route):
            if reason := rules.refuse_address(route.host, address, route.port):
                refused = refused or reason
            else:
                permitted.append(address)
        if not permitted:
            raise Fault("EACCES", refused)
        return permitted

    async def _addresses(self, route: Route) -> list[Address]:
        if route.address is not None:
            return [route.address]
        return await self._lookup(route.host, route.port)

    async def _lookup(self, host: str, port: int) -> list[Address]:
        try:
            found = [ip_address(text) for text in await self._resolve(host, port)]
        except (OSError, ValueError) as exc:
            raise fault_of(exc, "getaddrinfo", host) from exc
        if not found:
            raise Fault("ENOTFOUND", f"getaddrinfo ENOTFOUND {host}")
        return found


async def _connect(addresses: Sequence[Address], port: int) -> tuple[trio.socket.SocketType, Address]:
    """The first of several addresses that answers, each with a head start on the next."""
    if len(addresses) == 1:
        return await _connect_one(addresses[0], port), addresses[0]
    connected: list[tuple[trio.socket.SocketType, Address]] = []
    faults: list[Fault] = []

    async def attempt(address: Address, done: trio.Event) -> None:
        try:
            socket = await _connect_one(address, port)
        except Fault as fault:
            faults.append(fault)
            done.set()
        else:
            connected.append((socket, address))
            nursery.cancel_scope.cancel()

    try:
        async with trio.open_nursery() as nursery:
            for address in addresses:
                done = trio.Event()
                nursery.start_soon(attempt, address, done)
                with trio.move_on_after(_HEAD_START):
                    await done.wait()
    except BaseException:
        for socket, _ in connected:
            socket.close()
        raise
    for late, _ in connected[1:]:
        late.close()
    if connected:
        return connected[0]
    raise faults[0]


async def _connect_one(address: Address, port: int) -> trio.socket.SocketType:
    v4 = isinstance(address, IPv4Address)
    try:
        socket = trio.socket.socket(trio.socket.AF_INET if v4 else trio.socket.AF_INET6)
        try:
            await socket.connect((str(address), port) if v4 else (str(address), port, 0, 0))
        except BaseException:
            socket.close()
            raise
    except OSError as exc:
        raise fault_of(exc, "connect", f"{address}:{port}") from exc
    return socket
