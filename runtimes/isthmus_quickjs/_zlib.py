"""Compression for Node's zlib module: whole buffers, with the parameters and the errors that zlib has."""

from __future__ import annotations

import re
import zlib
from typing import Annotated, Any, Final, Literal

import msgspec

from ._asks import LARGEST, Ask, Handled, Refusal, answered, handles

__all__ = ["answer"]

WINDOWS: Final = {"gzip": 16, "deflate": 0, "raw": 0}
CODES: Final = {-2: "Z_STREAM_ERROR", -3: "Z_DATA_ERROR", -5: "Z_BUF_ERROR", 2: "Z_NEED_DICT"}
SAID: Final = re.compile(r"Error (-?\d+) while [^:]*(?:: (.*))?")

Form = Literal["gzip", "deflate", "raw"]
Window = Annotated[int, msgspec.Meta(ge=8, le=15)]


def answer(name: str, payload: bytes) -> bytes:
    """Answer one operation; see :func:`isthmus_quickjs._asks.answered`."""
    return answered(_OPERATIONS, name, payload)


class Pack(Ask):
    """How to compress: then the data and a preset dictionary, which may be empty."""

    form: Form
    level: Annotated[int, msgspec.Meta(ge=-1, le=9)] = -1
    window: Window = 15
    memory: Annotated[int, msgspec.Meta(ge=1, le=9)] = 8
    strategy: Annotated[int, msgspec.Meta(ge=0, le=4)] = 0


def _pack(ask: Pack, data: bytes, dictionary: bytes) -> bytes:
    window = _window(ask.form, max(ask.window, 9))
    compressor = zlib.compressobj(
        ask.level, zlib.DEFLATED, window, ask.memory, ask.strategy, *_given(dictionary)
    )
    return compressor.compress(data) + compressor.flush()


class Unpack(Ask):
    """How to decompress: then the data and a preset dictionary, which may be empty.

    Attributes:
        form: ``auto`` is gzip or deflate, whichever it is.
        most: bytes of output at the most.
        partial: an end that is missing is no error.
    """

    form: Literal["gzip", "deflate", "raw", "auto"]
    window: Window = 15
    most: Annotated[int, msgspec.Meta(ge=1, le=1 << 53)] = LARGEST
    partial: bool = False


def _unpack(ask: Unpack, data: bytes, dictionary: bytes) -> bytes:
    form = ask.form
    if form == "auto":
        form = "gzip" if data[:2] == b"\x1f\x8b" else "deflate"
    most = min(ask.most, LARGEST)
    whole = bytearray()
    rest = data
    while True:
        decompressor = zlib.decompressobj(_window(form, ask.window), *_given(dictionary))
        try:
            whole += decompressor.decompress(rest, most - len(whole) + 1)
        except zlib.error as error:
            raise _fault(error) from error
        if len(whole) > most:
            code = "ERR_BUFFER_TOO_LARGE"
            raise Refusal(f"Cannot create a Buffer larger than {most} bytes", code, "RangeError")
        if not decompressor.eof and not ask.partial:
            raise Refusal("unexpected end of file", "Z_BUF_ERROR")
        rest = decompressor.unused_data
        if (
            form != "gzip" or rest[:2] != b"\x1f\x8b"
        ):  # gzip may go on; anything else behind it is passed over
            return bytes(whole)


def _window(form: Form, window: int) -> int:
    return -window if form == "raw" else window + WINDOWS[form]


def _given(dictionary: bytes) -> tuple[Any, ...]:
    return (dictionary,) if dictionary else ()


def _fault(error: zlib.error) -> Refusal:
    said = SAID.match(str(error))
    code = int(said[1]) if said else -3
    if code == 2:
        return Refusal("Missing dictionary", "Z_NEED_DICT")
    text = (said[2] if said else None) or str(error)
    return Refusal(text, CODES.get(code, "Z_DATA_ERROR"))


class Check(Ask):
    """Then the data.

    Attributes:
        start: what came of the data before these.
    """

    start: Annotated[int, msgspec.Meta(ge=0, le=(1 << 32) - 1)] = 0


def _crc32(ask: Check, data: bytes) -> bytes:
    return zlib.crc32(data, ask.start).to_bytes(4, "little")


_OPERATIONS: Final[dict[str, Handled[Any]]] = {
    "pack": handles(Pack, 2, _pack),
    "unpack": handles(Unpack, 2, _unpack),
    "crc32": handles(Check, 1, _crc32),
}
