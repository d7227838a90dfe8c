"""Reads bodies of requests: never more of them than is wanted, and not for ever."""

from __future__ import annotations

import zlib
from contextlib import aclosing
from typing import Final

import trio
from starlette.requests import ClientDisconnect, Request

from .answers import Refusal

__all__ = ["inflated", "read_body", "too_large"]

_GZIP: Final = 16 + zlib.MAX_WBITS


async def read_body(request: Request, *, most: int, patience: float) -> bytes:
    """Read a body as it was sent.

    Args:
        request: whose body has not been read.
        most: bytes that are taken.
        patience: seconds for all of it.

    Raises:
        Refusal: it is too large, or does not come.
    """
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:20]) > most:
        raise too_large(most)
    body = bytearray()
    try:
        with trio.fail_after(patience):
            async with aclosing(request.stream()) as parts:
                async for part in parts:
                    body += part
                    if len(body) > most:
                        raise too_large(most)
    except trio.TooSlowError:
        raise Refusal(408, "timeout", f"the body did not arrive within {patience:g} s") from None
    except ClientDisconnect:
        raise Refusal(400, "incomplete", "the body is not complete") from None
    return bytes(body)


def inflated(body: bytes, encoding: str, *, most: int) -> bytes:
    """What a body says, once its ``Content-Encoding`` is undone.

    Args:
        body: as it was sent.
        encoding: of it, "" for none.
        most: bytes that it may come to; no more are ever made.

    Raises:
        Refusal: it is too large, damaged, or in another encoding than gzip.
    """
    encoding = encoding.strip().lower()
    if encoding in {"", "identity"}:
        return body
    if encoding not in {"gzip", "x-gzip"}:
        raise Refusal(415, "unsupported_encoding", "the Content-Encoding of a body is gzip, or there is none")
    whole = bytearray()
    left = body
    try:
        while left:
            member = zlib.decompressobj(_GZIP)
            whole += member.decompress(left, most + 1 - len(whole))
            if len(whole) > most:
                raise too_large(most)
            if not member.eof:
                raise Refusal(400, "malformed_body", "the gzip body ends too early")
            left = member.unused_data.lstrip(b"\0")
    except zlib.error:
        raise Refusal(
            400, "malformed_body", "the body is not the gzip that its Content-Encoding says"
        ) from None
    return bytes(whole)


def too_large(most: int) -> Refusal:
    """Bodies above a limit."""
    return Refusal(413, "payload_too_large", f"a body has at most {most} bytes here")
