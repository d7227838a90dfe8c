"""The values that pass between the engine and what plugs into it: a call and its reply, a request and its response."""

from __future__ import annotations

from typing import Literal, final

import msgspec

__all__ = [
    "CacheEntry",
    "Call",
    "Egress",
    "Ending",
    "FetchRequest",
    "FetchResponse",
    "Hop",
    "Killed",
    "Reply",
    "Returned",
    "Thrown",
]


@final
class Call(msgspec.Struct, frozen=True, gc=False):
    """One call of one handler.

    Attributes:
        handler: ``onTrack``, ``onBatch``, ``onRequest``, ...
        argument: JSON text of the event, of the array of events, or of a webhook: ``{"method", "url", "headers":
            [[name, value], ...], "text"}``, with ``"base64"`` in place of ``"text"`` for a body that is not UTF-8.
        settings: JSON text of the instance's settings, an object.
        instance: unique key of the instance, for ``isolation="instance"``.
        now: seconds since the epoch at the start of the call; the world's clock starts here.
        seed: 32 bytes from which all of the world's randomness comes.
    """

    handler: str
    argument: bytes
    settings: bytes
    instance: str
    now: float
    seed: bytes

    def __repr__(self) -> str:
        # In a log or a traceback it would show what is in the settings.
        return f"<Call of {self.handler} for {self.instance!r}, {len(self.argument)} bytes>"


@final
class Returned(msgspec.Struct, frozen=True, gc=False):
    """The handler finished.

    Attributes:
        value: JSON text of what it returned, ``b""`` for undefined (or None).
        note: why the value could not be encoded (a cycle, a BigInt), else "".
    """

    value: bytes = b""
    note: str = ""


@final
class Thrown(msgspec.Struct, frozen=True, gc=False):
    """The handler threw, or what it awaited was rejected.

    Attributes:
        retry_after: how long what was thrown asks to wait: seconds, or text of at most 64 characters as a ``Retry-After``
            header has it, seconds or a date; or None.  What can't be read as that is as good as None.
    """

    name: str
    message: str
    stack: str = ""
    retry_after: float | str | None = None


@final
class Killed(msgspec.Struct, frozen=True, gc=False):
    """A limit ended the call, or its world broke.

    Attributes:
        reason: which limit; ``crash`` where the world itself failed.
        message: a sentence that names the limit and its value.
    """

    reason: Literal["timeout", "cpu", "memory", "output", "crash"]
    message: str


Ending = Returned | Thrown | Killed


@final
class Reply(msgspec.Struct, frozen=True, gc=False):
    """What a program says of one call.

    Attributes:
        ending: how it ended.
        messages: JSON text of an array of what ``Segment.*`` was given, ``b""`` for none.
        cpu: seconds the function's own code ran.
        memory: bytes of the world at the most.
        started: ``trio.current_time()`` when the call left the queue and its clock began.
        fuel: units of work it took, where the runtime counts them.
    """

    ending: Ending
    messages: bytes = b""
    cpu: float = 0.0
    memory: int = 0
    started: float = 0.0
    fuel: int = 0


@final
class FetchRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request as the function made it.

    Attributes:
        url: absolute, ``http`` or ``https``.
        method: upper case.
        headers: in order.
        body: the bytes to send, None for none.
        redirect: follow redirects, hand them back, or fail on them (the Fetch standard's names).
    """

    url: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    redirect: Literal["follow", "manual", "error"] = "follow"

    def __repr__(self) -> str:
        return f"<FetchRequest {self.method} to {_origin(self.url)}>"


@final
class Hop(msgspec.Struct, frozen=True, kw_only=True):
    """One request on the wire, as a fetcher saw it; a redirect is a hop of its own.

    Attributes:
        request_body: the whole body sent.
        response_body: the body received, decompressed; empty on a redirect whose body was not read.
        address: the address connected to, or "".
        started: ``trio.current_time()`` at its start.
        duration: seconds.
        error: why no response came, or "".
    """

    method: str
    url: str
    request_headers: tuple[tuple[str, str], ...] = ()
    request_body: bytes = b""
    status: int | None = None
    response_headers: tuple[tuple[str, str], ...] = ()
    response_body: bytes = b""
    address: str = ""
    http_version: str = ""
    started: float = 0.0
    duration: float = 0.0
    error: str = ""

    def __repr__(self) -> str:
        return f"<Hop {self.method} to {_origin(self.url)}, status {self.status}>"


def _origin(url: str) -> str:
    """The part of a URL that holds no secrets: a token may be in its credentials, its path or its query."""
    scheme, mark, rest = url.partition("://")
    authority = rest.partition("/")[0].partition("?")[0].partition("#")[0]
    return f"{scheme}{mark}{authority.rpartition('@')[2]}"


@final
class FetchResponse(msgspec.Struct, frozen=True, kw_only=True):
    """What came back: status line, headers in order, the whole decompressed body, the final URL."""

    status: int
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    url: str = ""
    redirected: bool = False


@final
class Egress(msgspec.Struct, frozen=True, kw_only=True):
    """Where the requests of one instance may go.

    Entries of ``allow`` and ``deny`` are host names (``api.example.com``), suffixes
    (``*.example.com``), addresses or networks (``10.1.0.0/16``), each with an optional ``:port``.

    Attributes:
        allow_private: let requests reach private, loopback, link-local and metadata addresses.
        allow: where not empty, only what matches may be reached; a private address that matches
            an address or network here may be reached too.
        deny: what matches may not be reached, whatever else says it may.
        proxy: URL of the HTTP proxy all requests leave through (``http://user:pass@host:port``).
    """

    allow_private: bool = False
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    proxy: str | None = None

    def __repr__(self) -> str:
        proxy = None if self.proxy is None else _origin(self.proxy)
        return (
            f"Egress(allow_private={self.allow_private!r}, allow={self.allow!r}, deny={self.deny!r}, "
            f"proxy={proxy!r})"
        )


@final
class CacheEntry(msgspec.Struct, frozen=True, gc=False):
    """Answer of :meth:`Host.cache_load`: ``value`` is JSON text, or None: load it, then store it."""

    value: bytes | None
