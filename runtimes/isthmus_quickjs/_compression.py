"""Compression of byte streams, as CompressionStream and DecompressionStream have it."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Final

__all__ = ["OPERATIONS"]

LARGEST: Final = 32 * 1024 * 1024
"""Bytes, compressed or not, at once: nothing stops this half way, and a small input may be a large output's."""

WINDOWS: Final = {"gzip": 31, "deflate": 15, "deflate-raw": -15}


def _compress(form: str, payload: bytes) -> bytes:
    if len(payload) > LARGEST:
        raise ValueError(f"{len(payload)} bytes are more than the {LARGEST} that are compressed at once")
    compressor = zlib.compressobj(wbits=WINDOWS[form])
    return compressor.compress(payload) + compressor.flush()


def _decompress(form: str, payload: bytes) -> bytes:
    """What was compressed.

    Raises:
        ValueError: it is not whole, something comes behind its end, or it is too large.
        zlib.error: it is not what this form has.
    """
    decompressor = zlib.decompressobj(wbits=WINDOWS[form])
    whole = decompressor.decompress(payload, LARGEST)
    if decompressor.unconsumed_tail:
        raise ValueError(f"more than the {LARGEST} bytes that are decompressed at once")
    if not decompressor.eof or decompressor.unused_data:
        raise ValueError("the end is missing, or something comes behind it")
    return whole


OPERATIONS: Final[dict[str, Callable[[str, bytes], bytes]]] = {
    "compress": _compress,
    "decompress": _decompress,
}
