"""The way out: an httpx transport over httpcore's pools, some for each origin and set of rules.

A pool of httpcore's goes over all its connections, some of it once for each pair, whenever a
request begins or ends; so each has a few connections of one route only, a route has as many pools
as its requests need, and those made under lenient rules are kept from requests under strict ones.  What bounds them all together is here: how
many requests are under way, how many connections are open, how long one is kept idle.
"""

from __future__ import annotations

import contextlib
import functools
import re
import ssl
import sys
from collections.abc import AsyncIterable, Callable
from typing import final

import httpcore
import httpx
import trio

from ._connections import MAX_STREAMS, Backend, Connection, Turn
from ._dial import Dialer, Resolve, Route, forwarded
from ._faults import LOST, Fault, exchange_fault
from ._wire import Wire
from .egress import Proxy, rules_of

__all__ = ["Download", "Transport", "Upload"]

# The second attempt takes a fresh connection, so a third would tell nothing new of an idle one;
# it is there for a server that has just said GOAWAY.
_ATTEMPTS = 3

_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
_BAD_IN_VALUE = re.compile(rb"[\x00\r\n]")

# Requests that share a pool: of connections with one request each, and of connections with many.
_SHARE = 16
_SHARE_OF_STREAMS = 128

# How long giving up a response may wait for a server that does not read.
_PARTING = 1.0


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
        self._pools: dict[Route, list[_Pool]] = {}
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

    def _done(self, pool: _Pool) -> None:
        pool.end()
        self._permits.release()

    def _pool(self, route: Route) -> _Pool:
        pools = self._pools.setdefault(route, [])
        for pool in pools:  # the first that has room, so that the last ones fall idle
            if pool.requests < pool.share:
                return pool
        pools.append(_Pool(self, route))
        return pools[-1]

    def forget(self, pool: _Pool) -> None:
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


@final
class _Pool(httpcore.AsyncConnectionPool):
    """Some connections of one route.

    Attributes:
        requests: under way.
        share: how many of those it is good for.
        users: requests under way, and connections open.
        host: as httpcore takes it: an IPv6 address in brackets, but for SOCKS.
    """

    def __init__(self, transport: Transport, route: Route) -> None:
        super().__init__(max_connections=sys.maxsize)
        self.route = route
        self.proxy = rules_of(route.egress).proxy
        self.room = MAX_STREAMS if route.scheme == "https" and transport.http2 else 1
        self.share = _SHARE_OF_STREAMS if self.room > 1 else _SHARE
        self.requests = 0
        self.users = 0
        v6 = ":" in route.host and (self.proxy is None or self.proxy.scheme == "http")
        self.host = f"[{route.host}]".encode() if v6 else route.host.encode()
        self._transport = transport
        self.idle = transport.idle
        self.busy = transport.busy

    @property
    def closed(self) -> bool:
        return self._transport.closed

    @property
    def connect_timeout(self) -> float:
        return self._transport.connect_timeout

    def gone(self, connection: Connection) -> None:
        self._transport.gone(connection)
        self.leave()

    def begin(self) -> None:
        """A request comes."""
        self.requests += 1
        self.users += 1

    def end(self) -> None:
        """A request has gone."""
        self.requests -= 1
        self.leave()

    def leave(self) -> None:
        """One of its users has gone."""
        self.users -= 1
        if not self.users:
            self._transport.forget(self)

    def create_connection(self, origin: httpcore.Origin) -> httpcore.AsyncConnectionInterface:
        backend = Backend(lambda: self._transport.connect(self.route))
        # Another pool only knows which of httpcore's connections leads there, and what it needs.
        maker = httpcore.AsyncConnectionPool(
            ssl_context=self._transport.context() if self.route.scheme == "https" else None,
            proxy=_proxy(self.proxy),
            http2=self._transport.http2,
            network_backend=backend,
        )
        connection = Connection(maker.create_connection(origin), backend, self)
        self.users += 1
        self._transport.opening()
        return connection


def _proxy(proxy: Proxy | None) -> httpcore.Proxy | None:
    if proxy is None:
        return None
    url = httpcore.URL(scheme=proxy.scheme.encode(), host=proxy.host.encode(), port=proxy.port, target=b"/")
    return httpcore.Proxy(url, auth=proxy.credentials)


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


@final
class Upload(httpx.AsyncByteStream):
    """A request's body, as often as it is sent; httpx's own is a generator, which may be dropped half way."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = False

    def __aiter__(self) -> Upload:
        self._left = bool(self._data)
        return self

    async def __anext__(self) -> bytes:
        if not self._left:
            raise StopAsyncIteration
        self._left = False
        return self._data


@final
class Download(httpx.AsyncByteStream):
    """A response's body, as sent."""

    def __init__(self, response: httpcore.Response, turn: Turn, done: Callable[[], None]) -> None:
        self._response = response
        assert isinstance(response.stream, AsyncIterable)  # noqa: S101 -- for the type checker
        self._parts = aiter(response.stream)
        self._turn = turn
        self._done = done
        self._started = self._ended = self._closed = False

    def __aiter__(self) -> Download:
        return self

    async def __anext__(self) -> bytes:
        """Some bytes.

        Raises:
            Fault: the body broke off.
        """
        self._started = True
        try:
            part = await anext(self._parts)
            self._turn.taken += len(part)
            return part
        except StopAsyncIteration:
            self._ended = True
            raise
        except Exception as exc:
            self._ended = True
            fault = exchange_fault(exc, ended=self._turn.wire.ended)
            raise Fault("ECONNRESET", "aborted") if fault.code in LOST else fault from exc
        except BaseException:
            self._ended = True
            raise

    async def aclose(self) -> None:
        """Give the connection back if the body was read to its end, else give the response up."""
        if self._closed:
            return
        self._closed = True
        try:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + _PARTING):
                if self._started and not self._ended:
                    # An asynchronous generator must not be dropped half way.
                    self._turn.abandon()
                    with contextlib.suppress(Exception):
                        async for part in self._parts:
                            self._turn.taken += len(part)
                await self._response.aclose()
        finally:
            self._done()
