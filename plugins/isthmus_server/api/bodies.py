"""Bodies of requests, within a limit."""

from __future__ import annotations

from contextlib import aclosing
from typing import Final

from starlette.requests import ClientDisconnect, Request

from .problems import problem

__all__ = ["body_of"]

PATIENCE: Final = 4
"""Times the limit of a body that is read of one that is larger: clients that are still sending hear no answer."""


async def body_of(request: Request, most: int) -> bytes:
    """The body of a request.

    Args:
        request: that has come in.
        most: bytes.

    Raises:
        Problem: 413, it is larger; 400, its sender left.
    """
    parts, size = [], 0
    try:
        async with aclosing(request.stream()) as stream:
            async for part in stream:
                size += len(part)
                if size <= most:
                    parts.append(part)
                elif size > PATIENCE * most:
                    break
    except ClientDisconnect:
        raise problem(400, "The body ended too soon.") from None
    if size > most:
        raise problem(413, f"The body is larger than {most} bytes.")
    return b"".join(parts)
