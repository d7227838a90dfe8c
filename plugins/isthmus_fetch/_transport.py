"""The way out: an httpx transport over httpcore's pools, some for each origin and set of rules.

A pool of httpcore's goes over all its connections, some of it once for each pair, whenever a
request begins or ends; so each has a few connections of one route only, a route has as many pools
as its requests need, and those made under lenient rules are kept from requests under strict ones.
What bounds them all together is here: how many requests are under way, how many connections are
open, how long one is kept idle.
"""

from __future__ import annotations

import functools
import re
import ssl
from collections.abc import Callable
from typing import final

import httpcore
import httpx
import trio

from ._connections import Connection
from ._dial import Dialer, Resolve, Route, forwarded
from ._faults import Fault
from ._pool import Pool
from ._streams import Download
from ._turns import Turn
from ._wire import Wire
from .egress import rules_of

__all__ = ["Transport"]

# The second attempt takes a fresh connection, so a third would tell nothing new of an idle one;
# it is there for a server that has just said GOAWAY.
_ATTEMPTS = 3

_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
_BAD_IN_VALUE = re.compile(rb"[\x00\r\n]")


@final
class Transport(httpx.AsyncBaseTransport):
    """Sends requests whose extension ``route`` says where to, and under whose rules.

    What goes wrong is a :class:`~isthmus_fetch._faults.Fault`.  A response's extensions are httpcore's
    and ``address``, what the socket is connected to; its stream is to be closed whatever happens.

    Args:
        context: for TLS; asked for where it is needed first.
        resolve: looks a name up.
        http2: offer HTTP/2 where there is TLS.
        max_connections: requests under way at the same time, and connections open.
        max_keepalive: connections kept idle at the same time.
        keepalive: seconds a connection is kept idle.
        connect_timeout: seconds from looking a name up to the end of the TLS handshake.
    """

    def __init__(
        self,
        *,
        context: Callable[[], ssl.SSLContext],
        resolve: Resolve,
        http2: bool,
        max_connections: int,
        max_keepalive: int,
        keepalive: float,
        connect_timeout: float,
    ) -> None:
        self.context = context
        self.http2 = http2
        self.connect_timeout = connect_timeout
        self.closed = False
        self._dialer = Dialer(resolve)
        self._permits = trio.Semaphore(max_connections)
        self._max_connections = max_connections
        self._max_keepalive = max_keepalive
        self._keepalive = keepalive
        self._pools: dict[Route, list[Pool]] = {}
        self._open = 0
        # Oldest first, with the time since when.
        self._idle: dict[Connection, float] = {}
        self._reaping = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, again on another connection where the first certainly led nowhere.

        Raises:
            Fault: no response came.
        """
        route: Route = request.extensions["route"]
        if forwarded(rules_of(route.egress), route):
            await self._dialer.judge(route)
        await self._permits.acquire()
        try:
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    return await self._send(request, route)
                except Fault as fault:
                    if not fault.unprocessed or attempt == _ATTEMPTS:
                        raise
                for connection in [idle for idle in self._idle if idle.keeper.route == route]:
                    connection.close()  # it is as old as the one that failed
            raise AssertionError("unreachable")  # pragma: no cover
        except BaseException:
            self._permits.release()
            raise

    async def _send(self, request: httpx.Request, route: Route) -> httpx.Response:
        pool = self._pool(route)
        inner = httpcore.Request(
            request.method.encode(),
            httpcore.URL(
                scheme=route.scheme.encode(),
                host=pool.host,
                port=route.port,
                target=request.extensions["target"],
            ),
            headers=request.headers.raw,
            content=request.stream,
        )
        pool.begin()
        try:
            response = await pool.handle_async_request(inner)
        except BaseException:
            pool.end()
            raise
        if fault := _objection(response, forwarded(rules_of(route.egress), route)):
            await response.aclose()
            pool.end()
            raise fault
        turn: Turn = inner.extensions["turn"]
        return httpx.Response(
            response.status,
            headers=response.headers,
            stream=Download(response, turn, functools.partial(self._done, pool)),
            extensions={**response.extensions, "address": turn.wire.address},
        )

    def _done(self, pool: Pool) -> None:
        pool.end()
        self._permits.release()

    def _pool(self, route: Route) -> Pool:
        pools = self._pools.setdefault(route, [])
        for pool in pools:  # the first that has room, so that the last ones fall idle
            if pool.requests < pool.share:
                return pool
        pools.append(Pool(self, route))
        return pools[-1]

    def forget(self, pool: Pool) -> None:
        """A pool is empty."""
        pools = self._pools[pool.route]
        pools.remove(pool)
        if not pools:
            del self._pools[pool.route]

    async def connect(self, route: Route) -> Wire:
        """Connect a wire, for the pool of its route."""
        socket, address = await self._dialer.dial(route)
        if self.closed:
            socket.close()
            raise Fault("ECONNRESET", "socket hang up")
        proxy = rules_of(route.egress).proxy
        if proxy and proxy.scheme == "socks5" and len(route.host) > 255:
            socket.close()
            raise Fault("ERR_PROXY_TUNNEL", "the host's name is too long for SOCKS")
        return Wire(socket, str(address), http=proxy is None or proxy.scheme == "http")

    def opening(self) -> None:
        """A connection is about to be made; an idle one makes way where there are too many."""
        self._open += 1
        while self._open > self._max_connections and self._idle:
            next(iter(self._idle)).close()

    def busy(self, connection: Connection) -> None:
        self._idle.pop(connection, None)

    def idle(self, connection: Connection) -> None:
        self._idle[connection] = trio.current_time()
        if self._keepalive <= 0:
            connection.close()
        elif len(self._idle) > self._max_keepalive:
            next(iter(self._idle)).close()
        if self._idle and not self._reaping:
            self._reaping = True
            trio.lowlevel.spawn_system_task(self._reap, name="isthmus_fetch idle connections")

    def gone(self, connection: Connection) -> None:
        self._open -= 1
        self._idle.pop(connection, None)

    async def _reap(self) -> None:
        """Close what has been idle for too long; ends when nothing is, or when the run does."""
        try:
            while self._idle:
                connection, since = next(iter(self._idle.items()))
                left = since + self._keepalive - trio.current_time()
                if left > 0:
                    await trio.sleep(left)
                else:
                    connection.close()
        except trio.Cancelled:
            self.close()
            raise
        finally:
            self._reaping = False

    def close(self) -> None:
        """Close what is idle; what is under way ends, and its connection with it."""
        self.closed = True
        for connection in list(self._idle):
            connection.close()

    async def aclose(self) -> None:
        self.close()
        await trio.lowlevel.checkpoint()


def _objection(response: httpcore.Response, forwarded: bool) -> Fault | None:
    """Why a response is none."""
    if forwarded and response.status == 407:
        return Fault("ERR_PROXY_TUNNEL", "the proxy does not take the credentials")
    # h11 looks at headers itself; h2 does not, as httpcore sets it up.
    if response.extensions["http_version"] == b"HTTP/2" and not all(
        _NAME.fullmatch(name) and not _BAD_IN_VALUE.search(value) for name, value in response.headers
    ):
        return Fault("ERR_HTTP2_PROTOCOL_ERROR", "the response's headers are malformed")
    return None
