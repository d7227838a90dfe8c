"""What httpcore does not do for HTTP/2, done between it and the wire, on whole frames.

- httpcore leaves it to the cancelled request what becomes of bytes h2 has already counted as sent;
  here they are handed to a task of the connection's own, so that nothing is ever sent by halves.
- httpcore forgets a request that is given up and tells nobody; here its stream is reset, towards the
  server, which stops sending, and towards h2, which counts streams.
- A server that retires a connection says GOAWAY and goes on answering what it has taken on (RFC 9113
  section 6.8); nginx does so after every thousandth request.  h2 takes the frame for the end, and
  httpcore fails requests that are being answered.  So the frame is taken out, the connection gets no
  new requests, and those the server has not taken on are told so, each by a reset of its own.
- httpcore sends one request at a time where a server does not say how many it takes, as those on
  Node do not; here the first settings of such a server say a hundred.
- httpcore waits for good to be let upload what a server has already answered, or reset.
- h2 holds a frame of any announced length, up to 16 MiB, before it looks whether that was allowed;
  here the announcement is enough.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, final

import httpcore
import trio

from ._faults import Fault

if TYPE_CHECKING:
    from ._wire import Wire

__all__ = ["FrameWire"]

_HEADER = 9
_DATA = 0
_HEADERS = 1
_END_STREAM = 1
_RST_STREAM = 3
_SETTINGS = 4
_GOAWAY = 7
_REFUSED_STREAM = 7
_CANCEL = 8
_MAX_FRAME = 16 * 1024  # RFC 9113 section 6.5.2: what a client takes that announces nothing else

# MAX_CONCURRENT_STREAMS = 100; what the server says itself comes behind it and counts.
_TAKES = b"\x00\x03" + (100).to_bytes(4, "big")

_READ_SIZE = 64 * 1024

# A server that sends pings and reads no answers must not fill this side's memory.
_MAX_BACKLOG = 256 * 1024


@final
class FrameWire(httpcore.AsyncNetworkStream):
    """A wire on which HTTP/2 is spoken.

    Attributes:
        farewell: the last stream the server has taken on, once it has said so.
        uploads: by stream that is being uploaded to, what to call where the server ends it before.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._partial = bytearray()
        self._inbox = bytearray()
        self._reader = trio.Lock()
        self._reading: trio.CancelScope | None = None
        self._outbox = bytearray()
        self._writing = False
        self._drained = trio.lowlevel.ParkingLot()
        self._fault: Fault | None = None
        # Bytes of data that have come, by stream under way.
        self._delivered: dict[int, int] = {}
        self._settled = False
        self.uploads: dict[int, Callable[[], None]] = {}
        self.farewell: int | None = None

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 -- httpcore's interface
        """Some whole frames, none at the end."""
        async with self._reader:
            while not self._inbox:
                if self._fault:
                    raise httpcore.ReadError(self._fault)
                with trio.CancelScope() as self._reading:
                    data = await self._wire.read(max_bytes)
                    if not data:
                        return b""
                    self._take(data)
        frames, self._inbox = bytes(self._inbox), bytearray()
        return frames

    async def catch_up(self) -> None:
        """Take in what has come while nothing was asked, be it a farewell or the end."""
        # Only TLS knows what it holds already, and it cannot be asked, only read.
        async with self._reader, trio.open_nursery() as nursery:
            nursery.start_soon(self._read_on)
            for _ in range(3):  # to begin, to hear from the socket, to take it in
                await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()

    async def _read_on(self) -> None:
        with contextlib.suppress(httpcore.ReadError):
            while data := await self._wire.read(_READ_SIZE):
                self._take(data)
        self.close()

    def _take(self, data: bytes) -> None:
        self._partial += data
        while len(self._partial) >= _HEADER:
            length = int.from_bytes(self._partial[:3], "big")
            if length > _MAX_FRAME:
                self.close(Fault("ERR_HTTP2_SESSION_ERROR", f"the server sends a frame of {length} bytes"))
                return
            if len(self._partial) < _HEADER + length:
                return
            frame = bytes(self._partial[: _HEADER + length])
            del self._partial[: _HEADER + length]
            if frame[3] == _GOAWAY and length >= 8:  # one too short is for h2 to judge
                self.farewell = int.from_bytes(frame[9:13], "big") & 0x7FFFFFFF
                for stream in self._delivered:
                    if stream > self.farewell:
                        self._inbox += _reset(stream, _REFUSED_STREAM)
            elif frame[3] == _SETTINGS and not self._settled:
                self._settled = True
                self._inbox += (
                    (length + len(_TAKES)).to_bytes(3, "big") + frame[3:_HEADER] + _TAKES + frame[_HEADER:]
                )
            else:
                stream = int.from_bytes(frame[5:9], "big")
                if frame[3] == _DATA and stream in self._delivered:
                    self._delivered[stream] += length
                if stream in self.uploads and _ends(frame):
                    self.uploads.pop(stream)()
                self._inbox += frame

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 -- httpcore's interface
        """Take whole frames; waits only where too much has been taken already."""
        self._send(buffer)
        while len(self._outbox) > _MAX_BACKLOG and not self._fault:
            await self._drained.park()
        if self._fault:
            raise httpcore.WriteError(self._fault)

    def _send(self, frames: bytes) -> None:
        self._outbox += frames
        if self._outbox and not self._writing and not self._wire.closed:
            self._writing = True
            trio.lowlevel.spawn_system_task(self._drain, name="isthmus_fetch HTTP/2 writer")

    async def _drain(self) -> None:
        try:
            while self._outbox and not self._wire.closed:
                frames, self._outbox = bytes(self._outbox), bytearray()
                await self._wire.write(frames)
                self._drained.unpark_all()
        except httpcore.WriteError as exc:
            self.close(exc.args[0])
        except trio.Cancelled:  # the run is over
            self._wire.close()
            raise
        finally:
            self._writing = False

    def begin(self, stream: int) -> bool:
        """Note that a stream is about to be opened; False where the server would not take it on."""
        self._delivered[stream] = 0
        return self.farewell is None or stream <= self.farewell

    def reset(self, stream: int) -> None:
        """Tell the server and h2, each of the other, that it has reset a stream."""
        self._send(_reset(stream, _CANCEL))
        self._inbox += _reset(stream, _CANCEL)
        if self._reading:
            self._reading.cancel()

    def end(self, stream: int) -> int:
        """Forget a stream; how many bytes of data have come on it."""
        self.uploads.pop(stream, None)
        return self._delivered.pop(stream, 0)

    def close(self, fault: Fault | None = None) -> None:
        """Close it; what is under way on it fails."""
        self._fault = self._fault or fault or Fault("ECONNRESET", "socket hang up")
        self._wire.close()
        self._drained.unpark_all()

    async def aclose(self) -> None:
        self.close()

    def get_extra_info(self, info: str) -> Any:
        return self._wire.get_extra_info(info)


def _ends(frame: bytes) -> bool:
    """Whether nothing more comes on the frame's stream."""
    return frame[3] == _RST_STREAM or (frame[3] in {_DATA, _HEADERS} and bool(frame[4] & _END_STREAM))


def _reset(stream: int, code: int) -> bytes:
    return b"\x00\x00\x04" + bytes((_RST_STREAM, 0)) + stream.to_bytes(4, "big") + code.to_bytes(4, "big")
