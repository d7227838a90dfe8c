"""What a run and its companions say to each other: msgpack, each message behind its length."""

from __future__ import annotations

import struct
from typing import Final, Generic, Literal, TypeVar, final

import msgspec
import trio

from isthmus._cli.stream import Place, Share
from isthmus._cli.tally import Counted
from isthmus.abc import Egress
from isthmus.functions import Function, Kind, SettingDefinition
from isthmus.limits import Limits

__all__ = [
    "Channel",
    "Definition",
    "Done",
    "End",
    "FromCompanion",
    "Ready",
    "Setup",
    "ToCompanion",
    "Unready",
]

LARGEST: Final = 1 << 30
"""Bytes of one message: some tens of outcomes, each with all that it may hold."""

_LENGTH: Final = struct.Struct("!I")
_READ: Final = 1 << 18


# ---------------------------------------------------------------- to a companion


@final
class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a :class:`isthmus.Function` but for its code, which may be text or bytes."""

    name: str
    kind: Kind
    language: str
    file: str
    settings: tuple[SettingDefinition, ...]
    isolation: Literal["call", "instance", "wasm"]
    lenient: bool
    pass_through: bool
    capabilities: tuple[str, ...]
    fan_out: bool

    @classmethod
    def of(cls, function: Function) -> Definition:
        """Take them from a function."""
        return cls(**{name: getattr(function, name) for name in cls.__struct_fields__})


@final
class Setup(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The first message: what to run.

    Attributes:
        definition: the fields of the function that was loaded, but for its code.
        code: its code, as UTF-8 where it is text.
        is_text: whether it is.
        settings: JSON text of the instance's values.
        limits: of its calls.
        egress: where its requests may go.
        heads: see :func:`isthmus._cli.results.heads_of`.
        lines: whether outcomes are wanted, or their numbers only.
        concurrency: events under way at once.
    """

    definition: Definition
    code: bytes
    is_text: bool
    settings: bytes
    limits: Limits
    egress: Egress
    heads: list[bytes]
    lines: bool
    concurrency: int

    def __repr__(self) -> str:
        return f"Setup({self.definition.name!r})"  # its settings are nobody's to see

    @property
    def function(self) -> Function:
        """The function."""
        fields = msgspec.structs.asdict(self.definition)
        return Function(**fields, code=self.code.decode() if self.is_text else self.code)


@final
class End(msgspec.Struct, frozen=True, tag=True):
    """No more events come: end when those under way have."""


ToCompanion = Setup | Share | End


# ---------------------------------------------------------------- from a companion


@final
class Ready(msgspec.Struct, frozen=True, tag=True):
    """The function is loaded."""


@final
class Unready(msgspec.Struct, frozen=True, tag=True):
    """It is not; the message says why, without values of settings."""

    message: str


@final
class Done(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What became of some events.

    Attributes:
        places: which.
        lines: their outcomes as NDJSON, where wanted.
        counted: in numbers.
        flaws: those that were no events, with what is wrong with them; they are among ``places``.
        failing: JSON text of the first outcome that was not good, where a better one was found than before.
    """

    places: list[Place]
    lines: bytes
    counted: Counted
    flaws: list[tuple[Place, str]] = []
    failing: tuple[Place, bytes] | None = None


FromCompanion = Ready | Unready | Done


# ---------------------------------------------------------------- the way there

T = TypeVar("T")


@final
class Channel(Generic[T]):
    """Messages over a stream of bytes; one task sends and one receives at a time.

    Args:
        stream: to the other process.
        expected: the type of what comes.
    """

    def __init__(self, stream: trio.abc.HalfCloseableStream, expected: type[T]) -> None:
        self._stream = stream
        self._decode = msgspec.msgpack.Decoder(expected).decode
        self._encode_into = msgspec.msgpack.Encoder().encode_into
        self._held = bytearray()

    async def send(self, message: object) -> None:
        """Send one message.

        Raises:
            trio.BrokenResourceError: the other process has gone.
        """
        frame = bytearray(_LENGTH.size)
        self._encode_into(message, frame, _LENGTH.size)
        _LENGTH.pack_into(frame, 0, len(frame) - _LENGTH.size)
        await self._stream.send_all(frame)

    async def receive(self) -> T | None:
        """Wait for the next message; None where the other process has gone.

        Raises:
            ValueError: what came is none.
        """
        length = await self._filled(_LENGTH.size)
        if length is None:
            return None
        (size,) = _LENGTH.unpack(length)
        if size > LARGEST:
            raise ValueError(f"a message of {size} bytes is longer than {LARGEST}")
        text = await self._filled(size)
        return None if text is None else self._decode(text)

    async def _filled(self, size: int) -> bytes | None:
        held = self._held
        while len(held) < size:
            try:
                data = await self._stream.receive_some(_READ)
            except trio.BrokenResourceError:
                data = b""
            if not data:
                return None
            held += data
        taken = bytes(held[:size])
        del held[:size]
        return taken

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()
