"""Frames from a function's process: hostile input, so each is capped by its length and read by a typed decoder.

A frame is a length, a kind and that many bytes; the process's half is ``isthmus_guest._channel``.
"""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from typing import Annotated, Final, Literal, TypeVar

import msgspec
import trio

from isthmus.errors import IsthmusError

__all__ = [
    "ANSWER",
    "ARMED",
    "ASK",
    "CALL",
    "END",
    "FAULT",
    "LOAD",
    "LOADED",
    "LOG",
    "Connection",
    "Ended",
    "Fault",
    "FrameTooLarge",
    "Line",
    "Loaded",
    "Nonsense",
    "Operation",
    "Raised",
    "parse_end",
    "parse_fault",
    "parse_line",
    "parse_loaded",
    "parse_operation",
]

ARMED, ASK, LOG, END, FAULT, LOADED = 1, 2, 3, 4, 5, 6
LOAD, CALL, ANSWER = 33, 34, 35

_HEAD: Final = struct.Struct("<IB")
_CHUNK: Final = 65536
_MOST_CHUNK: Final = 1 << 20
_LONGEST_TEXT: Final = 16384
MOST_LINE: Final = 1024 * 1024
"""Bytes of one frame of console output: its text, 64 Ki characters, with every one of them escaped, and more."""


class Nonsense(IsthmusError):
    """What a process wrote is no frame, or not one that it may write now."""


class FrameTooLarge(IsthmusError):
    """A frame is longer than one of its kind may be.

    Attributes:
        kind: of the frame.
        size: bytes, as its head says.
    """

    def __init__(self, kind: int, size: int) -> None:
        super().__init__(f"a frame of kind {kind} with {size} bytes")
        self.kind = kind
        self.size = size


_Text = Annotated[str, msgspec.Meta(max_length=_LONGEST_TEXT)]
_Handler = Literal[
    "onIdentify",
    "onTrack",
    "onPage",
    "onScreen",
    "onGroup",
    "onAlias",
    "onDelete",
    "onBatch",
    "onRequest",
]
_Id = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]


class Raised(msgspec.Struct, frozen=True):
    """An exception, as the process describes it."""

    name: _Text = "Exception"
    message: _Text = ""
    stack: _Text = ""
    line: Annotated[int, msgspec.Meta(ge=1, lt=2**31)] | None = None
    column: Annotated[int, msgspec.Meta(ge=0, lt=2**31)] | None = None


class Ended(msgspec.Struct, frozen=True):
    """How a call ended.

    Attributes:
        ok: the handler returned.
        value: JSON text of what it returned, empty for None.
        note: why that has no JSON form.
        messages: what was sent, an array.
        thrown: what it raised.
        exhausted: it raised MemoryError.
        too_large: bytes of value and messages, where they were too many to be handed over.
        left_out: bytes of console output that were kept back.
    """

    ok: bool
    value: msgspec.Raw = msgspec.Raw()
    note: _Text = ""
    messages: msgspec.Raw = msgspec.Raw()
    thrown: Raised = Raised()
    exhausted: bool = False
    too_large: _Id = 0
    left_out: _Id = 0


class Operation(msgspec.Struct, frozen=True):
    """What a process asks of its host; ``seconds`` and ``ttl`` are in seconds."""

    op: Literal["fetch", "sleep", "cache_load", "cache_store", "cache_fail", "cache_delete", "cancel"]
    id: _Id = 0
    url: str = ""
    method: str = "GET"
    headers: list[tuple[str, str]] = []
    body: str | None = None
    base64: bool = False
    redirect: str = "follow"
    seconds: float = 0.0
    key: str = ""
    value: str = "null"
    ttl: float | None = None


class Line(msgspec.Struct, frozen=True):
    """A line of console output; a runtime's own level, ``notice``, is not the function's to use."""

    level: Literal["debug", "log", "info", "warn", "error"]
    text: str
    at: Annotated[float, msgspec.Meta(ge=0)] = 0.0


class Loaded(msgspec.Struct, frozen=True):
    """What was found in a function's code.

    Attributes:
        handlers: names, as Segment spells them.
        asynchronous: any of them is.
        imports: modules that it imports, or names.
        code: compiled, for the processes of calls; nothing is done with it here.
        error: why it does not load.
    """

    handlers: list[_Handler] = []
    asynchronous: bool = False
    imports: list[str] = []
    code: bytes = b""
    error: Raised | None = None


class Fault(msgspec.Struct, frozen=True):
    """Why a process could not be made ready."""

    message: _Text = ""


_T = TypeVar("_T")

_ended = msgspec.json.Decoder(Ended)
_operation = msgspec.json.Decoder(Operation)
_line = msgspec.json.Decoder(Line)
_loaded = msgspec.json.Decoder(Loaded)
_fault = msgspec.json.Decoder(Fault)


def _parse(decoder: msgspec.json.Decoder[_T], payload: bytes, what: str) -> _T:
    try:
        return decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Nonsense(f"{what} is not one: {str(error)[:200]}") from None


def parse_end(payload: bytes) -> Ended:
    """The end of a call; its value and its messages are JSON text in UTF-8."""
    found = _parse(_ended, payload, "the end of a call")
    if not payload.isascii():
        try:
            payload.decode()  # msgspec does not look into the strings of what it leaves as text
        except UnicodeDecodeError:
            raise Nonsense("the end of a call is not UTF-8") from None
    if found.messages and bytes(found.messages).lstrip()[:1] != b"[":
        raise Nonsense("the messages of a call are no array")
    return found


def parse_operation(payload: bytes) -> Operation:
    """Something asked of the host."""
    return _parse(_operation, payload, "an operation")


def parse_line(payload: bytes) -> Line:
    """A line of console output."""
    return _parse(_line, payload, "a line of console output")


def parse_loaded(payload: bytes) -> Loaded:
    """What was found in a function's code."""
    return _parse(_loaded, payload, "the account of what was loaded")


def parse_fault(payload: bytes) -> Fault:
    """Why a process could not be made ready."""
    return _parse(_fault, payload, "a fault")


class Connection:
    """The host's end of the connection to one process.

    Args:
        sock: connected, a stream; it is made non-blocking.
        caps: by kind, bytes of the longest frame that may come; other kinds may not come at all.
    """

    __slots__ = ("_buffer", "_caps", "_socket")

    def __init__(self, sock: socket.socket, caps: dict[int, int]) -> None:
        sock.setblocking(False)
        self._socket = sock
        self._caps = caps
        self._buffer = bytearray()

    async def send(self, kind: int, payload: bytes) -> None:
        """Write a frame.

        Raises:
            OSError: the process is gone.
        """
        await self.finish(self.begin(kind, payload))

    def begin(self, kind: int, payload: bytes) -> memoryview:
        """Write of a frame what there is room for, and give back what is left for :meth:`finish`.

        Raises:
            OSError: the process is gone.
        """
        data = memoryview(_HEAD.pack(len(payload), kind) + payload)
        try:
            return data[self._socket.send(data) :]
        except BlockingIOError:
            return data

    async def finish(self, rest: memoryview) -> None:
        """Write the rest of a frame.

        Raises:
            OSError: the process is gone.
        """
        while rest:
            await trio.lowlevel.wait_writable(self._socket)
            with suppress(BlockingIOError):
                rest = rest[self._socket.send(rest) :]

    async def receive(self) -> tuple[int, bytes] | None:
        """The next frame, None where the process has closed its end.

        Raises:
            Nonsense: it may not write such a frame.
            FrameTooLarge: the frame is longer than its kind may be; none of it was read.
        """
        buffer = self._buffer
        if not await self._fill(_HEAD.size):
            return None
        size, kind = _HEAD.unpack_from(buffer)
        cap = self._caps.get(kind)
        if cap is None:
            raise Nonsense(f"a frame of kind {kind} is none that may come")
        if size > cap:
            raise FrameTooLarge(kind, size)
        whole = _HEAD.size + size
        if not await self._fill(whole):
            return None
        payload = bytes(memoryview(buffer)[_HEAD.size : whole])
        del buffer[:whole]
        return kind, payload

    async def _fill(self, size: int) -> bool:
        buffer = self._buffer
        waited = False
        while len(buffer) < size:
            try:
                data = self._socket.recv(max(_CHUNK, min(size - len(buffer), _MOST_CHUNK)))
            except BlockingIOError:
                await trio.lowlevel.wait_readable(self._socket)
                waited = True
                continue
            except OSError:
                return False
            if not data:
                return False
            buffer += data
            if not waited:  # one that always has more to say is not to keep everybody else from their turn
                await trio.lowlevel.checkpoint()
            waited = False
        return True

    def close(self) -> None:
        """Close this end; whoever waits for the other is told, once."""
        if self._socket.fileno() >= 0:
            trio.lowlevel.notify_closing(self._socket)
            self._socket.close()
