"""A response's body as it comes in: decompressed, counted, and cut off at its limit.

A compressed body is decompressed in small pieces, so that what is held never exceeds
the limit by more than one of them, however well it was compressed.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from typing import final

from ._faults import Fault

__all__ = ["ENCODINGS", "Body", "TooLarge"]

ENCODINGS = "gzip, deflate"

_PIECE = 64 * 1024
_GZIP_MAGIC = b"\x1f\x8b"


@final
class TooLarge(Exception):
    """The body has more bytes than its limit."""


@final
class Body:
    """Takes a body in, chunk by chunk.

    Args:
        encoding: the response's Content-Encoding; what is not known is kept as it comes.
        limit: bytes, after decompression.
    """

    def __init__(self, encoding: str, limit: int) -> None:
        self._limit = limit
        # Hands out what it holds without a copy, as joined pieces would not be.
        self._held = io.BytesIO()
        self.size = 0
        encoding = encoding.strip().lower()
        self._decoder: _Gzip | _Deflate | None = None
        if encoding in {"gzip", "x-gzip"}:
            self._decoder = _Gzip()
        elif encoding in {"deflate", "x-deflate"}:
            self._decoder = _Deflate()

    def feed(self, data: bytes) -> None:
        """Take the next chunk.

        Raises:
            TooLarge: with it the body exceeds its limit.
            Fault: it is not compressed in the way it claims.
        """
        if self._decoder is None:
            self._add(data)
            return
        try:
            self._decoder.feed(data, self._add)
        except zlib.error as exc:
            raise Fault("Z_DATA_ERROR", f"{exc}".rpartition(": ")[2]) from exc

    def _add(self, piece: bytes) -> None:
        if self.size + len(piece) > self._limit:
            raise TooLarge
        self.size += len(piece)
        self._held.write(piece)

    def value(self) -> bytes:
        """All there is so far.

        A compressed body that ends early counts as ended: browsers and node-fetch are as lenient.
        """
        return self._held.getvalue()


class _Gzip:
    """One member after another (RFC 1952 section 2.2); what follows and is no member is ignored."""

    def __init__(self) -> None:
        self._member: zlib._Decompress | None = _member()
        self._held = b""
        self._over = False

    def feed(self, data: bytes, add: Callable[[bytes], None]) -> None:
        data = self._held + data
        self._held = b""
        while data and not self._over:
            if self._member is None:
                if len(data) < len(_GZIP_MAGIC):
                    self._held = data
                    return
                self._over = not data.startswith(_GZIP_MAGIC)
                if self._over:
                    return
                self._member = _member()
            data = _inflate(self._member, data, add)
            if self._member.eof:
                self._member = None


class _Deflate:
    """The zlib format, or what some servers take "deflate" for: the bare stream inside it."""

    def __init__(self) -> None:
        self._stream: zlib._Decompress | None = None

    def feed(self, data: bytes, add: Callable[[bytes], None]) -> None:
        if self._stream is None:
            if not data:
                return
            # RFC 1950: the low half of a zlib stream's first byte is 8.
            self._stream = zlib.decompressobj() if data[0] & 0x0F == 8 else zlib.decompressobj(-15)
        if not self._stream.eof:
            _inflate(self._stream, data, add)


def _member() -> zlib._Decompress:
    return zlib.decompressobj(16 + zlib.MAX_WBITS)


def _inflate(stream: zlib._Decompress, data: bytes, add: Callable[[bytes], None]) -> bytes:
    """Decompress in pieces; what lies beyond the stream's end is handed back."""
    while True:
        piece = stream.decompress(data, _PIECE)
        if piece:
            add(piece)
        if stream.eof:
            return stream.unused_data
        data = stream.unconsumed_tail
        # A full piece may have left more output inside the stream, with no input to show for it.
        if not data and len(piece) < _PIECE:
            return b""
