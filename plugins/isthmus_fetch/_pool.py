"""Connections kept for the next request of the same route.

Every operation costs the same however many connections there are, idle ones close by
themselves, and whoever waits for a connection can be cancelled without a trace.  A
connection under one set of egress rules is never used under another: the rules are
part of the route it is kept under.
"""

from __future__ import annotations

import contextlib
import functools
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol, final

import trio

from ._faults import Fault
from ._requests import Head

if TYPE_CHECKING:
    from ._dial import Route
    from ._http1 import Http1Connection
    from ._http2 import Http2Connection
    from ._wire import Wire

__all__ = ["Exchange", "Pool"]

# The first takes a fresh connection, so a second would tell nothing new of an idle one; it is there
# for a server that refuses streams until its settings are known.
_RETRIES = 2

_REMEMBERED = 4096  # routes of which it is known what they speak
_ASSUMED_STREAMS = 100  # RFC 9113 section 6.5.2 wants no server to bear less


class Exchange(Protocol):
    """A response whose head is there; ``close`` it whatever happens."""

    address: str
    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]

    @property
    def http_version(self) -> str: ...

    async def receive(self) -> bytes:
        """The next bytes of the body as sent, none at its end."""

    def close(self) -> None:
        """Give the connection back if the body was read to its end, else give it up."""


@final
class _Dial:
    """A connection being made, which may turn out to have room for those who wait for it."""

    def __init__(self) -> None:
        self.done = trio.Event()
        self.fault: Fault | None = None


@final
class Pool:
    """Sends requests over connections it keeps.

    Args:
        dial: makes a connection for a route.
        max_connections: in use at the same time; who finds no more waits.
        max_keepalive: kept idle at the same time.
        keepalive: seconds a connection is kept idle.
    """

    def __init__(
        self,
        dial: Callable[[Route], Awaitable[Wire]],
        *,
        max_connections: int,
        max_keepalive: int,
        keepalive: float,
    ) -> None:
        self._dial = dial
        self._max_keepalive = max_keepalive
        self._keepalive = keepalive
        # An HTTP/1.1 connection holds a permit while it is used, an HTTP/2 connection as long as it lives.
        self._permits = trio.Semaphore(max_connections)
        self._idle: dict[Route, deque[Http1Connection]] = {}
        self._shared: dict[Route, list[Http2Connection]] = {}
        self._dials: dict[Route, _Dial] = {}
        # Of routes over TLS: how many streams a connection bears, 0 where it is not HTTP/2.
        self._known: OrderedDict[Route, int] = OrderedDict()
        # Oldest first: when each idle connection was last used, and where it belongs.
        self._resting: OrderedDict[Http1Connection | Http2Connection, tuple[float, Route]] = OrderedDict()
        self._reaping = False
        self._closed = False

    async def send(self, route: Route, head: Head, body: bytes | None) -> Exchange:
        """Send a request, again on another connection where the first certainly led nowhere.

        Raises:
            Fault: no response came.
        """
        for attempt in range(_RETRIES):
            try:
                return await self._exchange(route, head, body, fresh=attempt > 0)
            except Fault as fault:
                if not fault.unprocessed:
                    raise
        return await self._exchange(route, head, body, fresh=True)

    def close(self) -> None:
        """Close what is idle, and what is shared with whatever it carries."""
        self._closed = True
        for connection in list(self._resting):
            self._discard(connection)
        for shared in list(self._shared.values()):
            for connection in list(shared):
                connection.close()

    async def _exchange(self, route: Route, head: Head, body: bytes | None, *, fresh: bool) -> Exchange:
        while True:
            if shared := self._with_room(route):
                return await shared.exchange(head, body)
            if dial := self._dials.get(route):
                await dial.done.wait()
                if dial.fault:
                    raise Fault(dial.fault.code, dial.fault.reason) from dial.fault
                continue
            await self._permit()
            # The permit may have taken its time, in which another has dialled or begun to.
            if self._with_room(route) or route in self._dials:
                self._permits.release()
                continue
            connection = None if fresh else self._rested(route)
            if connection is None:
                connection = await self._open(route)
            if connection is not None:
                return await connection.exchange(head, body, functools.partial(self._over, route))

    def _with_room(self, route: Route) -> Http2Connection | None:
        for connection in self._shared.get(route, ()):
            if connection.room:
                self._resting.pop(connection, None)
                return connection
        return None

    async def _permit(self) -> None:
        try:
            self._permits.acquire_nowait()
        except trio.WouldBlock:
            # An idle HTTP/2 connection holds one that is better used here.
            for connection, (_, route) in self._resting.items():
                if connection in self._shared.get(route, ()):
                    self._discard(connection)
                    break
            await self._permits.acquire()

    def _rested(self, route: Route) -> Http1Connection | None:
        """The idle connection that was used last, for it is the likeliest to be alive."""
        while idle := self._idle.get(route):
            connection = idle[-1]
            if not connection.stale:
                self._forget(connection)
                return connection
            self._discard(connection)
        return None

    async def _open(self, route: Route) -> Http1Connection | None:
        """Make a connection with the permit in hand; None where it is one to share, by now in its place."""
        dial = None
        if route.scheme == "https" and self._known.get(route) != 0:
            dial = self._dials[route] = _Dial()
        kept = False
        try:
            wire = await self._dial(route)
            if self._closed:
                wire.close()
                raise Fault("ECONNRESET", "socket hang up")
            if wire.alpn == "h2":
                self._share(route, wire)
                kept = True
                return None
            if route.scheme == "https":
                self._remember(route, 0)
            kept = True
            return _http1(wire)
        except Fault as fault:
            if dial:
                dial.fault = fault
            raise
        finally:
            if not kept:
                self._permits.release()
            if dial:
                del self._dials[route]
                dial.done.set()

    def _share(self, route: Route, wire: Wire) -> None:
        from ._http2 import Http2Connection  # here, as h2 takes 10 ms to import

        others = self._shared.setdefault(route, [])
        connection = Http2Connection(
            wire,
            limit=others[-1].limit if others else self._known.get(route) or _ASSUMED_STREAMS,
            on_idle=functools.partial(self._rest, route),
            on_gone=functools.partial(self._gone, route),
        )
        others.append(connection)

    def _remember(self, route: Route, streams: int) -> None:
        self._known[route] = streams
        self._known.move_to_end(route)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def _over(self, route: Route, connection: Http1Connection, reusable: bool) -> None:
        self._permits.release()
        if reusable:
            self._idle.setdefault(route, deque()).append(connection)
            self._rest(route, connection)

    def _rest(self, route: Route, connection: Http1Connection | Http2Connection) -> None:
        self._resting[connection] = (trio.current_time(), route)
        wanted = self._permits.statistics().tasks_waiting and connection in self._shared.get(route, ())
        if self._closed or self._keepalive <= 0 or wanted:
            self._discard(connection)
        elif len(self._resting) > self._max_keepalive:
            self._discard(next(iter(self._resting)))
        if self._resting and not self._reaping:
            self._reaping = True
            trio.lowlevel.spawn_system_task(self._reap, name="isthmus_fetch idle connections")

    async def _reap(self) -> None:
        """Close what has been idle for too long; ends when nothing is, or when the run does."""
        try:
            while self._resting:
                connection, (since, _) = next(iter(self._resting.items()))
                left = since + self._keepalive - trio.current_time()
                if left > 0:
                    await trio.sleep(left)
                else:
                    self._discard(connection)
        except trio.Cancelled:
            self.close()
            raise
        finally:
            self._reaping = False

    def _forget(self, connection: Http1Connection | Http2Connection) -> None:
        """Take a connection out of what is idle."""
        _, route = self._resting.pop(connection)
        if idle := self._idle.get(route):
            with contextlib.suppress(ValueError):  # a shared connection is not among them
                idle.remove(connection)  # type: ignore[arg-type]
            if not idle:
                del self._idle[route]

    def _discard(self, connection: Http1Connection | Http2Connection) -> None:
        self._forget(connection)
        connection.close()

    def _gone(self, route: Route, connection: Http2Connection) -> None:
        self._permits.release()
        self._remember(route, connection.limit)
        self._resting.pop(connection, None)
        shared = self._shared[route]
        shared.remove(connection)
        if not shared:
            del self._shared[route]


def _http1(wire: Wire) -> Http1Connection:
    from ._http1 import Http1Connection  # here, as h11 takes 7 ms to import

    return Http1Connection(wire)
