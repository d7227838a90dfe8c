"""A small HTTP/1.1 server on loopback that takes what a function sends, so that it can be tried offline.

It answers 200 and ``{"ok":true}``, or what the rules of a file say.  It is no server for anything
else: it trusts its one client, keeps to bodies with a length or in chunks, and never leaves 127.0.0.1.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Final, final

import msgspec
import trio

from .definition import read_file
from .faults import UsageFault

__all__ = ["Rule", "Sink", "open_sink", "read_rules"]

_HEAD_BYTES: Final = 64 * 1024
_BODY_BYTES: Final = 64 * 1024 * 1024
_KINDS: Final = 100
"""Different targets that are counted one by one; beyond them, an id in the path makes each its own."""

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r]*chunked[ \t]*\r\n", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection:[^\r]*close", re.IGNORECASE)
_CONTINUES = re.compile(rb"\r\nexpect:[ \t]*100-continue", re.IGNORECASE)


@final
class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the sink answers, and to what; the first rule that fits is taken.

    Attributes:
        method: upper case, "" for any.
        path: of the request, with ``*`` for anything; one with a ``?`` in it minds the query too.
        body_contains: text that has to be in the request's body.
        status: of the answer.
        headers: of the answer, beside its length and type.
        body: JSON to answer with; a string is sent as text.
        delay: seconds to wait before the answer.
    """

    method: str = ""
    path: str = "*"
    body_contains: str = ""
    status: int = 200
    headers: dict[str, str] = {}
    body: msgspec.Raw = msgspec.Raw(b'{"ok":true}')
    delay: float = 0.0


@final
class _Answer:
    """A rule, read once: what it fits, and the bytes it is answered with."""

    def __init__(self, rule: Rule) -> None:
        self.status = rule.status
        self.delay = rule.delay
        self._method = rule.method
        self._path = re.compile(".*".join(map(re.escape, rule.path.split("*"))), re.DOTALL)
        self._minds_query = "?" in rule.path
        self._text = rule.body_contains.encode()
        self.head, self.body = _written(rule)

    def fits(self, method: str, target: str, body: bytes) -> bool:
        path = target if self._minds_query else target.partition("?")[0]
        return self._method in {"", method} and self._path.fullmatch(path) is not None and self._text in body


def _written(rule: Rule) -> tuple[bytes, bytes]:
    body = bytes(rule.body)
    kind = "application/json"
    if body.startswith(b'"'):
        body, kind = msgspec.json.decode(body, type=str).encode(), "text/plain; charset=utf-8"
    try:
        reason = HTTPStatus(rule.status).phrase
    except ValueError:
        reason = "Unknown"
    lines = [f"HTTP/1.1 {rule.status} {reason}", f"Content-Length: {len(body)}"]
    if not any(name.lower() == "content-type" for name in rule.headers):
        lines.append(f"Content-Type: {kind}")
    lines += [f"{name}: {value}" for name, value in rule.headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace"), body


_DEFAULT = _Answer(Rule())


def read_rules(path: str) -> tuple[Rule, ...]:
    """Read the rules of a file, a JSON array of objects with the fields of :class:`Rule`.

    Raises:
        UsageFault: it is not that.
    """
    try:
        return msgspec.json.decode(read_file(Path(path)), type=tuple[Rule, ...])
    except (msgspec.DecodeError, RecursionError) as exc:
        raise UsageFault(f"{path} does not say what the sink answers: {exc}") from None


@final
class Sink:
    """The server, while it runs.

    Attributes:
        port: on 127.0.0.1.
        requests: how many it answered.
        counts: of those, by method, path and status.
    """

    def __init__(self, rules: Sequence[Rule], port: int) -> None:
        self._answers = [_Answer(rule) for rule in rules]
        self.port = port
        self.requests = 0
        self.counts: Counter[tuple[str, str, int]] = Counter()

    @property
    def url(self) -> str:
        """What a function is told to send to; a path can be put behind it."""
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Answer the requests of one connection."""
        async with stream:
            try:
                await self._converse(_Reader(stream), stream)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass
            except _Malformed:
                await stream.send_all(
                    b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )

    async def _converse(self, reader: _Reader, stream: trio.abc.Stream) -> None:
        while head := await reader.head():
            words = head.partition(b"\r\n")[0].split(b" ")
            if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
                raise _Malformed
            method, target = words[0].decode("latin-1"), words[1].decode("latin-1")
            if _CONTINUES.search(head):
                await stream.send_all(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = await reader.body(head)
            answer = next((each for each in self._answers if each.fits(method, target, body)), _DEFAULT)
            if answer.delay:
                await trio.sleep(answer.delay)
            self._count(method, target.partition("?")[0], answer.status)
            await stream.send_all(answer.head if method == "HEAD" else answer.head + answer.body)
            if _CLOSES.search(head):
                return

    def _count(self, method: str, path: str, status: int) -> None:
        self.requests += 1
        key = (method, path, status)
        if key not in self.counts and len(self.counts) >= _KINDS:
            key = (method, "(other paths)", status)
        self.counts[key] += 1


@asynccontextmanager
async def open_sink(rules: Sequence[Rule] = ()) -> AsyncIterator[Sink]:
    """Open a sink on a free port of 127.0.0.1, and close it with all its connections on the way out."""
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    address: tuple[str, int] = listeners[0].socket.getsockname()
    sink = Sink(rules, address[1])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, sink.serve, listeners)
        try:
            yield sink
        finally:
            nursery.cancel_scope.cancel()


class _Malformed(Exception):
    """What came is no request."""


@final
class _Reader:
    """Takes requests off a connection."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self._data = bytearray()

    async def head(self) -> bytes:
        """The next request up to its empty line, ``b""`` at the end of the connection."""
        while (end := self._data.find(b"\r\n\r\n")) < 0:
            if len(self._data) > _HEAD_BYTES:
                raise _Malformed
            if not await self._more():
                return b""
        return self._take(end + 4)

    async def body(self, head: bytes) -> bytes:
        if _CHUNKED.search(head):
            parts = []
            while length := await self._chunk_length():
                parts.append((await self._exactly(length + 2))[:-2])
            while await self._line():  # trailers
                pass
            return b"".join(parts)
        length_of_all = _LENGTH.search(head)
        return await self._exactly(int(length_of_all[1])) if length_of_all else b""

    async def _chunk_length(self) -> int:
        try:
            return int((await self._line()).partition(b";")[0], 16)
        except ValueError:
            raise _Malformed from None

    async def _line(self) -> bytes:
        while (end := self._data.find(b"\r\n")) < 0:
            if len(self._data) > _HEAD_BYTES or not await self._more():
                raise _Malformed
        return self._take(end + 2)[:-2]

    async def _exactly(self, count: int) -> bytes:
        if count > _BODY_BYTES:
            raise _Malformed
        while len(self._data) < count:
            if not await self._more():
                raise _Malformed
        return self._take(count)

    async def _more(self) -> bool:
        data = await self._stream.receive_some(65536)
        self._data += data
        return bool(data)

    def _take(self, count: int) -> bytes:
        taken = bytes(self._data[:count])
        del self._data[:count]
        return taken
