"""What a plugin implements, and the messages that pass between it and the engine.

A *runtime* runs one language.  It loads a function into a *program*; a program
runs any number of *calls*, each in a *world* of its own; all a world can do is ask
its *host*.  A *fetcher* carries the host's requests out.  A *command* is for people at a terminal.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, final

import msgspec
import trio

if TYPE_CHECKING:
    import argparse

    from .functions import Function
    from .limits import Limits

__all__ = [
    "CacheEntry",
    "Call",
    "Command",
    "Egress",
    "Ending",
    "FetchRequest",
    "FetchResponse",
    "Fetcher",
    "Hop",
    "Host",
    "Killed",
    "Program",
    "Reply",
    "Returned",
    "Runtime",
    "Thrown",
]


# ---------------------------------------------------------------- one call


@final
class Call(msgspec.Struct, frozen=True, gc=False):
    """One call of one handler.

    Attributes:
        handler: ``onTrack``, ``onBatch``, ``onRequest``, ...
        argument: JSON text of the event, of the array of events, or of a :class:`isthmus.Request`.
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
    """The handler threw, or what it awaited was rejected."""

    name: str
    message: str
    stack: str = ""


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
    """

    ending: Ending
    messages: bytes = b""
    cpu: float = 0.0
    memory: int = 0
    started: float = 0.0


class Program(ABC):
    """A function loaded by a runtime, ready for any number of calls.

    Attributes:
        handlers: names of the handlers the code defines, as Segment spells them.
    """

    handlers: frozenset[str]

    @abstractmethod
    async def run(self, call: Call, host: Host) -> Reply:
        """Run one call in a world of its own and say how it ended.

        Safe to call concurrently.  What the function does wrong is in the reply; an exception
        out of here is the runtime's own fault.  Cancelling it stops the function.
        """

    async def run_many(
        self, calls: Sequence[tuple[Call, Host]], deliver: Callable[[int, Reply], None]
    ) -> None:
        """Run calls together; ``deliver(index, reply)`` for each as it ends, in the Trio thread.

        Override where many calls at once are cheaper than one at a time.  ``deliver`` does not block
        and does not raise.
        """

        async def one(index: int, call: Call, host: Host) -> None:
            deliver(index, await self.run(call, host))

        async with trio.open_nursery() as nursery:
            for index, (call, host) in enumerate(calls):
                nursery.start_soon(one, index, call, host)

    async def forget(self, instance: str) -> None:  # noqa: B027 -- most programs keep nothing per instance
        """Drop what is kept for an instance that is gone."""

    @abstractmethod
    async def aclose(self) -> None:
        """Give back what the program holds; calls in flight have ended before."""


class Runtime(ABC):
    """Runs one language; offered through the hook ``isthmus_runtimes``.

    Attributes:
        language: what ``Function.language`` says to choose it.
        suffixes: file suffixes that mean this language, ``(".js",)``.
        isolation: one sentence: what separates a function from the host, on this machine.
    """

    language: str
    suffixes: tuple[str, ...] = ()
    isolation: str = ""

    @abstractmethod
    async def load(self, function: Function, limits: Limits) -> Program:
        """Make a program of a function; every call of it is held to ``limits``.

        Raises:
            LoadError: the code does not load.
        """

    def assemble(self, file: Path, root: Path) -> str | bytes:
        """The code of a function that lies on disk, in one piece.

        The command line asks, in a thread, and gives the answer to :meth:`load` as ``Function.code``.
        Override where a function may be more than one file; as it is, its code is what the file holds.

        Args:
            file: as ``function.toml`` or the command line names it.
            root: the function's directory.

        Raises:
            LoadError: the pieces do not fit together.
            OSError: the file cannot be read.
        """
        del root
        return file.read_bytes()

    async def aclose(self) -> None:  # noqa: B027 -- optional
        """Give back threads and processes; programs have been closed before."""


# ---------------------------------------------------------------- what a world may ask


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


class Fetcher(ABC):
    """Carries requests out; offered through the hook ``isthmus_fetcher``."""

    @abstractmethod
    async def fetch(
        self,
        request: FetchRequest,
        egress: Egress,
        *,
        max_response_bytes: int,
        on_hop: Callable[[Hop], None],
    ) -> FetchResponse:
        """Send a request, within its instance's egress rules.

        Calls ``on_hop`` for each hop, failed ones too.  Cancelling it closes the connection.

        Raises:
            FetchError: no response came, or the rules forbid the request.
        """

    def check_egress(self, egress: Egress) -> None:  # noqa: B027 -- optional
        """Say, when an instance is loaded, whether its egress rules can be followed.

        Raises:
            EngineError: a rule is malformed; the message names it.
        """

    async def aclose(self) -> None:  # noqa: B027 -- optional
        """Close pooled connections."""


@final
class CacheEntry(msgspec.Struct, frozen=True, gc=False):
    """Answer of :meth:`Host.cache_load`: ``value`` is JSON text, or None: load it, then store it."""

    value: bytes | None


class Host(ABC):
    """What a world may ask; made anew for each invocation, and its only authority."""

    @abstractmethod
    async def fetch(self, request: FetchRequest) -> FetchResponse:
        """Send a request within the instance's egress rules and the call's limits.

        Raises:
            FetchError: no response came, the rules forbid it, or a limit was reached.
        """

    @abstractmethod
    async def sleep(self, seconds: float) -> None:
        """Wait."""

    @abstractmethod
    async def cache_load(self, key: str) -> CacheEntry:
        """The instance's cached value; waits while another call is loading the same key.

        After an answer without value this call is the key's loader: it owes a
        :meth:`cache_store` or :meth:`cache_fail`; the end of the call counts as the latter.
        """

    @abstractmethod
    def cache_store(self, key: str, value: bytes, ttl: float | None) -> None:
        """Keep JSON text for ``ttl`` seconds, None for as long as there is room."""

    @abstractmethod
    def cache_fail(self, key: str) -> None:
        """The loader threw: nothing is kept, the next who waits loads."""

    @abstractmethod
    def cache_delete(self, key: str) -> None:
        """Forget a key."""

    @abstractmethod
    def log(self, level: str, text: str, at: float = 0.0) -> None:
        """Keep a line of console output; ``at`` is seconds since the start of the call."""

    def log_left_out(self, size: int) -> None:  # noqa: B027 -- most runtimes log all there is
        """Say how many bytes of console output were kept back, a runtime's own cap having been reached."""


# ---------------------------------------------------------------- the command line


class Command(ABC):
    """A command of the command line ``isthmus``; offered through the hook ``isthmus_commands``.

    Attributes:
        name: what it is called by: lower-case letters, digits and hyphens, a letter first.
        summary: what it does, a line for ``isthmus --help``.
    """

    name: str
    summary: str

    @abstractmethod
    def parser(self) -> argparse.ArgumentParser:
        """Make a parser of its arguments, with ``prog="isthmus NAME"``; ``--debug`` is added to it.

        Called only when the command is.  What it needs beyond names and texts belongs into ``execute``.
        """

    @abstractmethod
    def execute(self, arguments: argparse.Namespace) -> int:
        """Do what they say and give the exit status: 0 where all is well.

        Raises:
            IsthmusError: what went wrong, in a sentence: it is printed, and the exit status is 2.
        """
