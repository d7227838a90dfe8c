"""Places events go to that are no function: an HTTP endpoint, a file, a Python callable."""

from __future__ import annotations

import inspect
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final
from urllib.parse import urlsplit

import trio

from ._pipeline.attempts import retry_after
from ._rules.jsontext import fields_of
from .abc import Egress, FetchRequest
from .errors import EngineError, FetchError
from .outcomes import Code, Problem, Status
from .pipelines import Attempt, Sink

if TYPE_CHECKING:
    from ._engine import Engine

__all__ = ["CallableSink", "FileSink", "HttpSink", "Retry"]

_DELIVERED: Final = Attempt(status=Status.DELIVERED)
_DEFAULT_EGRESS: Final = Egress()
_DEFAULT_HEADERS: Final = (("content-type", "application/json"),)


def _failed(status: Status, name: str, message: str, code: Code, after: float | None = None) -> Attempt:
    return Attempt(status=status, problem=Problem(name=name, message=message, code=code), retry_after=after)


class Retry(Exception):
    """Raised by a callable: the events are to be tried again.

    Args:
        message: why; it is shown, so that no secret belongs in it.
        after: seconds before which it makes no sense, or None.
    """

    def __init__(self, message: str = "", *, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


@final
class HttpSink(Sink):
    """Sends a JSON array of the events in one request, through the engine's fetcher and its egress rules.

    2xx is delivered; 429, 5xx and no response are tried again, as late as ``Retry-After`` asks; anything else is
    refused, and the events are sent in halves until those to blame are alone.

    Args:
        engine: whose fetcher carries the requests.
        url: where to.
        headers: beside ``content-type``; what they hold is not shown.
        method: of the requests.
        egress: where they may go.

    Raises:
        EngineError: no plugin of the engine carries requests out, or an egress rule is malformed.
    """

    def __init__(
        self,
        engine: Engine,
        url: str,
        *,
        headers: Sequence[tuple[str, str]] = (),
        method: str = "POST",
        egress: Egress = _DEFAULT_EGRESS,
    ) -> None:
        if engine.fetcher is None:
            raise EngineError("no plugin of this engine carries requests out")
        engine.fetcher.check_egress(egress)
        self._fetcher = engine.fetcher
        self._url = url
        self._method = method
        self._headers = (*_DEFAULT_HEADERS, *headers)
        self._egress = egress

    def __repr__(self) -> str:
        return f"HttpSink({urlsplit(self._url).hostname!r})"  # the rest of a URL may hold a key

    async def deliver(self, events: Sequence[bytes]) -> Attempt:
        request = FetchRequest(
            method=self._method,
            url=self._url,
            headers=self._headers,
            body=b"[" + b",".join(events) + b"]",
        )
        try:
            response = await self._fetcher.fetch(
                request, self._egress, max_response_bytes=1024 * 1024, on_hop=lambda hop: None
            )
        except FetchError as exc:
            said = f"no response ({exc.code or exc.type})"  # the message quotes the URL
            return _failed(Status.RETRY, "FetchError", said, Code.RETRY)
        said = f"status {response.status}"
        if 200 <= response.status < 300:
            return _DELIVERED
        if response.status == 429 or response.status >= 500:
            after = retry_after(response.headers, time.time())
            return _failed(Status.RETRY, "RetryError", said, Code.RETRY, after)
        return _failed(Status.REFUSED, "BadRequest", said, Code.BAD_REQUEST)


@final
class FileSink(Sink):
    """Appends events to a file, one a line; they are on disk when an attempt is delivered.

    Args:
        path: of the file; a directory above it has to be there.
        rotate_bytes: a file that has this many is renamed ``NAME.1``, ``NAME.2``, ..., and another begun; None for never.
    """

    def __init__(self, path: str | os.PathLike[str], *, rotate_bytes: int | None = None) -> None:
        self._path = Path(path)
        self._rotate_bytes = rotate_bytes
        self._turn = trio.Lock()

    def __repr__(self) -> str:
        return f"FileSink({str(self._path)!r})"

    async def deliver(self, events: Sequence[bytes]) -> Attempt:
        # A line is an event: JSON may have line feeds between its parts, and never within a string.
        lines = b"".join(event.replace(b"\n", b" ").replace(b"\r", b" ") + b"\n" for event in events)
        async with self._turn:
            try:
                await trio.to_thread.run_sync(self._append, lines)
            except OSError as exc:
                said = f"{self._path.name} cannot be written: {exc.strerror}"
                return _failed(Status.RETRY, "OSError", said, Code.RETRY)
        return _DELIVERED

    def _append(self, lines: bytes) -> None:
        is_new = not self._path.exists()
        with self._path.open("ab") as file:
            before = file.tell()
            try:
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                # Half a line would be taken for the beginning of the next one.
                os.ftruncate(file.fileno(), before)
                raise
            size = file.tell()
        if is_new:
            self._sync_directory()
        if self._rotate_bytes is not None and size >= self._rotate_bytes:
            number = 1
            while (rotated := self._path.with_name(f"{self._path.name}.{number}")).exists():
                number += 1
            self._path.rename(rotated)
            self._sync_directory()

    def _sync_directory(self) -> None:
        """A file's name is durable only once its directory is."""
        directory = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


@final
class CallableSink(Sink):
    """Hands events to a callable, plain or async, one at a time.

    What it returns means nothing.  :class:`Retry` has the event tried again; any other exception refuses it.  A plain one
    runs in the Trio thread, and must not block.

    Args:
        call: takes an event, decoded.
    """

    def __init__(self, call: Callable[[dict[str, Any]], Awaitable[object] | object]) -> None:
        self._call = call

    def __repr__(self) -> str:
        return f"CallableSink({getattr(self._call, '__qualname__', 'callable')!r})"

    async def deliver(self, events: Sequence[bytes]) -> Sequence[Attempt]:
        return [await self._one(event) for event in events]

    async def _one(self, event: bytes) -> Attempt:
        try:
            answer = self._call(fields_of(event))
            if inspect.isawaitable(answer):
                await answer
        except Retry as exc:
            return _failed(Status.RETRY, "RetryError", str(exc), Code.RETRY, exc.after)
        except Exception as exc:  # noqa: BLE001 -- the callable's own, and in the attempt
            return _failed(Status.REFUSED, type(exc).__name__, str(exc), Code.BAD_REQUEST)
        return _DELIVERED
