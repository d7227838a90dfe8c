"""Bodies on their way out and in, as httpx and httpcore want them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterable, Callable
from typing import final

import httpcore
import httpx
import trio

from ._faults import LOST, Fault, exchange_fault
from ._turns import Turn

__all__ = ["Download", "Upload"]

# How long giving up a response may wait for a server that does not read.
_PARTING = 1.0


@final
class Upload(httpx.AsyncByteStream):
    """A request's body, as often as it is sent; httpx's own is a generator, which may be dropped half way."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = False

    def __aiter__(self) -> Upload:
        self._left = bool(self._data)
        return self

    async def __anext__(self) -> bytes:
        if not self._left:
            raise StopAsyncIteration
        self._left = False
        return self._data


@final
class Download(httpx.AsyncByteStream):
    """A response's body, as sent."""

    def __init__(self, response: httpcore.Response, turn: Turn, done: Callable[[], None]) -> None:
        self._response = response
        assert isinstance(response.stream, AsyncIterable)  # noqa: S101 -- for the type checker
        self._parts = aiter(response.stream)
        self._turn = turn
        self._done = done
        self._started = self._ended = self._closed = False

    def __aiter__(self) -> Download:
        return self

    async def __anext__(self) -> bytes:
        """Some bytes.

        Raises:
            Fault: the body broke off.
        """
        self._started = True
        try:
            part = await anext(self._parts)
            self._turn.taken += len(part)
            return part
        except StopAsyncIteration:
            self._ended = True
            raise
        except Exception as exc:
            self._ended = True
            fault = exchange_fault(exc, ended=self._turn.wire.ended)
            raise Fault("ECONNRESET", "aborted") if fault.code in LOST else fault from exc
        except BaseException:
            self._ended = True
            raise

    async def aclose(self) -> None:
        """Give the connection back if the body was read to its end, else give the response up."""
        if self._closed:
            return
        self._closed = True
        try:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + _PARTING):
                if self._started and not self._ended:
                    # An asynchronous generator must not be dropped half way.
                    self._turn.abandon()
                    with contextlib.suppress(Exception):
                        async for part in self._parts:
                            self._turn.taken += len(part)
                await self._response.aclose()
        finally:
            self._done()
