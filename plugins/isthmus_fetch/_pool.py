"""Some connections of one route, as a pool of httpcore's."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Callable
from typing import Protocol, final

import httpcore

from ._connections import Backend, Connection
from ._dial import Route
from ._turns import MAX_STREAMS
from ._wire import Wire
from .egress import Proxy, rules_of

__all__ = ["Pool", "Pools"]

# Requests that share a pool: of connections with one request each, and of connections with many.
_SHARE = 16
_SHARE_OF_STREAMS = 128


class Pools(Protocol):
    """What a pool needs of the transport that has them all.

    Attributes:
        context: makes what TLS needs.
        http2: offer HTTP/2 where there is TLS.
        connect_timeout: seconds a connection may take to be made.
        closed: idle connections are not wanted any more.
    """

    context: Callable[[], ssl.SSLContext]
    http2: bool
    connect_timeout: float
    closed: bool

    async def connect(self, route: Route) -> Wire: ...
    def opening(self) -> None: ...
    def idle(self, connection: Connection) -> None: ...
    def busy(self, connection: Connection) -> None: ...
    def gone(self, connection: Connection) -> None: ...
    def forget(self, pool: Pool) -> None: ...


@final
class Pool(httpcore.AsyncConnectionPool):
    """Some connections of one route.

    Attributes:
        requests: under way.
        share: how many of those it is good for.
        users: requests under way, and connections open.
        host: as httpcore takes it: an IPv6 address in brackets, but for SOCKS.
    """

    def __init__(self, transport: Pools, route: Route) -> None:
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
