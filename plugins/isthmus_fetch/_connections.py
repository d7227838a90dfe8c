"""One of httpcore's connections, watched, so that its pool judges it rightly.

httpcore decides from a connection's own account of itself whether to use, share or close it.
That account goes wrong where requests are cancelled while a connection is being made, where
HTTP/2 was hoped for and not got, and where an HTTP/2 server retires or closes a connection that
is idle.  This one is kept from outside, over the wire below and the trace of events above.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol, final

import httpcore
import trio

from ._dial import Route
from ._faults import Fault
from ._frames import FrameWire
from ._turns import MAX_STREAMS, Turn
from ._wire import Wire
from .egress import Proxy

__all__ = ["Backend", "Connection", "Keeper"]


class Keeper(Protocol):
    """Who keeps the connections of a route.

    Attributes:
        proxy: what they lead through, or None.
        room: requests one of them carries at a time, as far as is known: one, unless it is HTTP/2.
        closed: an idle one is not wanted any more.
        connect_timeout: seconds one may take to be made.
    """

    route: Route
    proxy: Proxy | None
    room: int

    @property
    def closed(self) -> bool: ...
    @property
    def connect_timeout(self) -> float: ...
    def idle(self, connection: Connection) -> None: ...
    def busy(self, connection: Connection) -> None: ...
    def gone(self, connection: Connection) -> None: ...


@final
class Backend(httpcore.AsyncNetworkBackend):
    """Connects once, to where the route leads and its rules allow, whatever host it is asked for.

    Attributes:
        fault: why no connection came about, for all who wait for it.
    """

    def __init__(self, connect: Callable[[], Awaitable[Wire]]) -> None:
        self._connect = connect
        self._begun = False
        self.wire: Wire | None = None
        self.fault: Fault | None = None

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 -- httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> Wire:
        if self.fault:
            raise Fault(self.fault.code, self.fault.reason) from self.fault
        if self._begun:  # and cancelled
            raise httpcore.ConnectionNotAvailable
        self._begun = True
        self.wire = await self._connect()
        return self.wire


@final
class Connection(httpcore.AsyncConnectionInterface):
    """A connection of a pool.

    Args:
        inner: httpcore's.
        backend: what ``inner`` connects with, and nothing else does.
        keeper: is told when it is idle, busy again, and gone.

    Attributes:
        limit: requests it carries at a time.
        used: whether a response has come on it.
        is_ready: whether it is connected, and its protocol is known.
    """

    def __init__(self, inner: httpcore.AsyncConnectionInterface, backend: Backend, keeper: Keeper) -> None:
        self.inner = inner
        self.backend = backend
        self.keeper = keeper
        self.limit = 1
        self.used = False
        self.is_ready = False
        self._turns: set[Turn] = set()
        self._retired = False
        self._gone = False

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        if self.is_closed():
            raise httpcore.ConnectionNotAvailable
        rested = self.is_idle()
        turn = Turn(self, request)
        self._turns.add(turn)
        self.keeper.busy(self)
        deadline = math.inf if self.is_ready else trio.current_time() + self.keeper.connect_timeout
        with trio.CancelScope(deadline=deadline) as turn.scope:
            try:
                if rested and self.frames:
                    await self.frames.catch_up()
                    if self.is_closed() or self._leaving:
                        raise httpcore.ConnectionNotAvailable
                return await self.inner.handle_async_request(turn.request)
            except httpcore.ConnectionNotAvailable:
                self.over(turn)
                raise
            except BaseException as exc:
                fault = turn.fault(exc) if isinstance(exc, Exception) else None
                if turn.acting and not (self.is_ready and self.frames):
                    self.backend.fault = fault
                    self.close()
                self.over(turn)
                if fault:
                    raise fault from exc
                raise
        if turn.cut_short:
            raise Fault(
                "ERR_HTTP2_STREAM_ERROR", "the server ended the stream before it had read the request"
            )
        raise Fault("ETIMEDOUT", f"connect ETIMEDOUT {self.keeper.route.host}:{self.keeper.route.port}")

    def ready(self) -> None:
        """It is connected, and its protocol is known."""
        if not self.is_ready:
            self.is_ready = True
            if self.frames is None:
                self.keeper.room = 1
            elif self.keeper.room == 1:
                self.keeper.room = MAX_STREAMS
            self.limit = self.keeper.room
            for turn in self._turns:
                turn.scope.deadline = math.inf

    def over(self, turn: Turn) -> None:
        """A request is, with whatever became of it."""
        if turn not in self._turns:
            return
        self._turns.remove(turn)
        # What httpcore has buffered for a request that was given up is never given back to the window.
        if self.frames and self.frames.end(turn.stream) > turn.taken:
            self._retired = True
        if self.frames and self.is_ready and not self.inner.is_available():
            self.close()  # else those who share it would wait for what never comes
        if self._turns or self.is_closed():
            return
        if not self.is_ready or self.keeper.closed or self._leaving:
            self.close()
        else:
            self.keeper.idle(self)

    @property
    def frames(self) -> FrameWire | None:
        """Set where HTTP/2 is spoken."""
        return self.backend.wire.frames if self.backend.wire else None

    @property
    def _leaving(self) -> bool:
        return self._retired or (self.frames is not None and self.frames.farewell is not None)

    def close(self) -> None:
        if not self._gone:
            self._gone = True
            if self.backend.wire:
                self.backend.wire.close()
            self.keeper.gone(self)

    async def aclose(self) -> None:
        self.close()

    def can_handle_request(self, origin: httpcore.Origin) -> bool:
        return self.inner.can_handle_request(origin)

    def is_available(self) -> bool:
        if self.is_closed() or self._leaving:
            return False
        if not self.is_ready:
            return len(self._turns) < self.keeper.room
        return len(self._turns) < self.limit and self.inner.is_available()

    def is_idle(self) -> bool:
        return self.is_ready and not self._turns

    def has_expired(self) -> bool:
        # What comes unasked over HTTP/1.1 is the end; over HTTP/2 it is looked at first.
        wire = self.backend.wire
        if wire is None or wire.frames or self.is_closed() or not self.is_idle():
            return False
        return wire.readable()

    def is_closed(self) -> bool:
        wire = self.backend.wire
        if wire is not None and wire.closed and not self._gone:
            self.close()
        return self._gone

    def info(self) -> str:
        return self.inner.info()
