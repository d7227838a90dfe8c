"""HTTP/2 on a wire: many exchanges at a time, over h2.

Two tasks of the connection's own read and write it for as long as it lives, so that
pings are answered and farewells heard while it is idle, and so that a request that is
cancelled in the middle of anything leaves the stream of frames whole: it resets its
own stream, and the others never notice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import h2.config
import h2.connection
import h2.events
import h2.settings
import trio

from ._faults import Fault
from ._frames import FrameFilter, GoAway
from ._http2_exchange import Http2Exchange
from ._requests import Head
from ._wire import Wire

__all__ = ["Http2Connection"]

_STREAM_WINDOW = 1024 * 1024
_CONNECTION_WINDOW = 16 * 1024 * 1024
_MAX_HEADERS = 64 * 1024
_MAX_STREAMS = 1000
_LAST_STREAM = 2**31 - 3  # they are numbered, and numbers run out

# A server that sends pings and reads no answers must not fill this side's memory.
_MAX_BACKLOG = 1024 * 1024


@final
class Http2Connection:
    """A connection that carries many exchanges at once.

    Args:
        wire: under TLS, HTTP/2 agreed on.
        limit: exchanges the server is taken to bear at once, until it says how many.
        on_idle: called each time its last exchange is over.
        on_gone: called once, when it is closed by either side.

    Attributes:
        limit: exchanges the server bears at once.
        used: whether a response has come on it.
        closed: whether it is gone.
    """

    def __init__(
        self,
        wire: Wire,
        *,
        limit: int,
        on_idle: Callable[[Http2Connection], None],
        on_gone: Callable[[Http2Connection], None],
    ) -> None:
        self.address = wire.address
        self.limit = limit
        self.used = False
        self.closed = False
        self._wire = wire
        self._on_idle = on_idle
        self._on_gone = on_gone
        self._retired = False
        self._exchanges: dict[int, Http2Exchange] = {}
        self._frames = FrameFilter()
        self._outgoing = bytearray()
        self._wake = trio.lowlevel.ParkingLot()
        self._drained = trio.lowlevel.ParkingLot()
        # Headers are checked here, stream by stream: h2 would end the connection over one bad header.
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=True, header_encoding=None, validate_inbound_headers=False)
        )
        self.h2.local_settings = h2.settings.Settings(
            client=True,
            initial_values={
                h2.settings.SettingCodes.ENABLE_PUSH: 0,
                h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: _STREAM_WINDOW,
                h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: _MAX_HEADERS,
            },
        )
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(_CONNECTION_WINDOW - 65535)
        self.flush()
        trio.lowlevel.spawn_system_task(self._read, name="isthmus_fetch HTTP/2 reader")
        trio.lowlevel.spawn_system_task(self._write, name="isthmus_fetch HTTP/2 writer")

    @property
    def room(self) -> bool:
        """Whether it takes another exchange now."""
        return (
            not self.closed
            and not self._retired
            and len(self._exchanges) < self.limit
            and self.h2.highest_outbound_stream_id < _LAST_STREAM
        )

    async def exchange(self, head: Head, body: bytes | None) -> Http2Exchange:
        """Send a request, for which there must be room, and wait for the head of its response.

        Raises:
            Fault: no response came.
        """
        number = self.h2.get_next_available_stream_id()
        exchange = self._exchanges[number] = Http2Exchange(self, number)
        try:
            await exchange.start(head, body)
        except BaseException:
            exchange.close()
            raise
        return exchange

    def close(self, fault: Fault | None = None) -> None:
        """Close it; exchanges that are not over fail."""
        if self.closed:
            return
        self.closed = True
        self._wire.close()
        for exchange in self._exchanges.values():
            exchange.fail(fault or Fault("ECONNRESET", "socket hang up"))
        self._wake.unpark_all()
        self._drained.unpark_all()
        self._on_gone(self)

    def flush(self) -> None:
        """Hand what h2 has to say to the writer."""
        self._outgoing += self.h2.data_to_send()
        self._wake.unpark_all()

    def forget(self, number: int) -> None:
        """An exchange is over."""
        if self._exchanges.pop(number, None) is None or self.closed:
            return
        self.flush()
        if self._exchanges:
            return
        if self._retired:
            self.close()
        else:
            self._on_idle(self)

    async def _write(self) -> None:
        while not self.closed:
            if not self._outgoing:
                await self._wake.park()
                continue
            data, self._outgoing = bytes(self._outgoing), bytearray()
            try:
                await self._wire.send(data)
            except Fault as fault:
                self.close(fault)
            self._drained.unpark_all()

    async def _read(self) -> None:
        try:
            while not self.closed:
                data = await self._wire.receive()
                if not data:
                    raise Fault("ECONNRESET", "socket hang up")
                data, farewells = self._frames.feed(data)
                for event in self.h2.receive_data(data):
                    self._take(event)
                for farewell in farewells:
                    self._retire(farewell)
                self.flush()
                while len(self._outgoing) > _MAX_BACKLOG and not self.closed:
                    await self._drained.park()
        except Fault as fault:
            self.close(fault)
        except trio.Cancelled:  # the run is over
            self.close()
            raise
        except Exception as exc:  # noqa: BLE001 -- h2 and what it stands on; out of a system task it would end the run
            self.close(Fault("ERR_HTTP2_SESSION_ERROR", f"the server breaks HTTP/2: {exc}"))

    def _take(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RemoteSettingsChanged):
            self.limit = min(self.h2.remote_settings.max_concurrent_streams, _MAX_STREAMS)
        number = getattr(event, "stream_id", None)
        if number in self._exchanges:
            self._exchanges[number].take(event)
        elif isinstance(event, h2.events.WindowUpdated | h2.events.RemoteSettingsChanged):
            # There may be room to send again, on any of them.
            for exchange in self._exchanges.values():
                exchange.take(event)

    def _retire(self, farewell: GoAway) -> None:
        """Take nothing new; what the server has not taken on may be asked elsewhere."""
        self._retired = True
        for number, exchange in list(self._exchanges.items()):
            if number > farewell.last_stream:
                reason = f"the server goes away with error code {farewell.code}"
                exchange.fail(Fault("ERR_HTTP2_GOAWAY_SESSION", reason, unprocessed=True))
        if not self._exchanges:
            self.close()
