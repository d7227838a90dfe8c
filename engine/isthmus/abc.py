"""What a plugin implements; the values that pass are in :mod:`isthmus.messages`, and here as well.

A *runtime* runs one language.  It loads a function into a *program*; a program
runs any number of *calls*, each in a *world* of its own; all a world can do is ask
its *host*.  A *fetcher* carries the host's requests out.  A *command* is for people at a terminal.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, final

import trio

from .errors import CapabilityError, EngineError
from .messages import (
    CacheEntry as CacheEntry,
    Call as Call,
    Egress as Egress,
    Ending as Ending,
    FetchRequest as FetchRequest,
    FetchResponse as FetchResponse,
    Hop as Hop,
    Killed as Killed,
    Reply as Reply,
    Returned as Returned,
    Thrown as Thrown,
)

if TYPE_CHECKING:
    import argparse

    from .functions import Function
    from .limits import Limits

__all__ = [
    "CacheEntry",
    "Call",
    "Command",
    "DeferredRuntime",
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
    "SharedCache",
    "Thrown",
]


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
        variant: "" for the runtime of a language; a second one has a name of its own here, and runs the
            functions whose ``isolation`` is that name.
        suffixes: file suffixes that mean this language, ``(".js",)``.
        isolation: one sentence: what separates a function from the host, on this machine.
    """

    language: str
    variant: str = ""
    suffixes: tuple[str, ...] = ()
    isolation: str = ""

    @property
    def version(self) -> str:
        """What has to be the same for a call to be replayed exactly, beside isthmus itself; "" where nothing is."""
        return ""

    @property
    def key(self) -> str:
        """What it is known by in an engine: its language, and its variant after a plus sign."""
        return f"{self.language}+{self.variant}" if self.variant else self.language

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


@final
class DeferredRuntime(Runtime):
    """A runtime that is made with the first function in its language: engines that run none do not pay for it.

    What does not work out when it is made, such as an option that has no such value, fails the loading of that function.

    Args:
        make: imports the runtime and makes it.
        language, variant, suffixes: as the runtime's own are.
    """

    def __init__(
        self, make: Callable[[], Runtime], *, language: str, variant: str = "", suffixes: tuple[str, ...] = ()
    ) -> None:
        self._make = make
        self._made: Runtime | None = None
        self.language = language
        self.variant = variant
        self.suffixes = suffixes

    @property
    def isolation(self) -> str:  # type: ignore[override] # found out when it is first asked for
        """What the runtime says of it; where it cannot be made, why."""
        try:
            return self._runtime().isolation
        except EngineError as error:
            return str(error)

    @property
    def version(self) -> str:
        """What the runtime says of it."""
        return self._runtime().version

    async def load(self, function: Function, limits: Limits) -> Program:
        """Make a program of a function, and the runtime before it."""
        return await self._runtime().load(function, limits)

    def assemble(self, file: Path, root: Path) -> str | bytes:
        """The code of a function that lies on disk, as the runtime puts it together."""
        return self._runtime().assemble(file, root)

    async def aclose(self) -> None:
        """Close the runtime, where it was made."""
        if self._made is not None:
            await self._made.aclose()

    def _runtime(self) -> Runtime:
        if self._made is None:
            self._made = self._make()
        return self._made


# ---------------------------------------------------------------- what a world may ask


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


class SharedCache(ABC):
    """Where functions' caches are kept in place of the engine's memory; handed in as ``open_engine(cache=...)``.

    For instances of several processes that are to share what they load.  Names and keys are the embedder's and the function's own
    texts; values are JSON text.  What is raised is logged, and counts as nothing found.
    """

    @abstractmethod
    async def load(self, instance: str, key: str) -> bytes | None:
        """What is kept under an instance's key, None for nothing.

        One call asks at a time for each key of an instance, on behalf of all that wait for it in this process.
        """

    @abstractmethod
    def store(self, instance: str, key: str, value: bytes, ttl: float | None) -> None:
        """Keep a value for ``ttl`` seconds, None for as long as there is room; called in the engine's thread, must not block."""

    @abstractmethod
    def delete(self, instance: str, key: str) -> None:
        """Forget a key; called in the engine's thread, must not block."""


class Host(ABC):
    """What a world may ask; made anew for each invocation, and its only authority.

    A call that is recorded, or replayed, is *taped*: whatever its world is told must be the host's to say.
    The runtime then calls what waits (:meth:`fetch`, :meth:`sleep`, :meth:`cache_load`, :meth:`capability`) in
    the order in which the world asks, though it may await it elsewhere; asks :meth:`elapsed` or :meth:`moment` for each
    time that it tells the world; and does nothing twice.

    Attributes:
        taped: whether the call is recorded or replayed.
    """

    taped: bool = False

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

    async def capability(self, name: str, argument: bytes) -> bytes:
        """Use what the embedder offers under a name; JSON text in, JSON text out.

        Raises:
            CapabilityError: it was not granted, the argument does not fit, a limit was reached, or it failed.
        """
        del argument
        raise CapabilityError(f"there is no capability {name[:100]!r} here", code="not_granted")

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

    @property
    def traced(self) -> bool:
        """Whether somebody wants to know which lines of the code run: :meth:`ran` is to be told, if the runtime can."""
        return False

    def ran(self, lines: Iterable[int], among: Iterable[int]) -> None:  # noqa: B027 -- most calls are not traced
        """Say which lines of the function's code ran in this call, from 1, and among which that was."""

    # What a runtime would decide by itself, were the call not taped.

    async def turn(self, answered: trio.Event) -> None:
        """Wait for an answer, and all that is there with it; then the runtime hands them to the world together.

        Args:
            answered: set with the first answer; until then the world waits, and asks for nothing.
        """
        await answered.wait()
        await trio.lowlevel.checkpoint()

    def elapsed(self, seconds: float) -> float:
        """Give back the seconds that the world is told have passed: as measured, or, in a replay, as they were."""
        return seconds

    def moment(self) -> float:
        """Seconds since the start of a taped call at which the answer came that has been given just now.

        For runtimes that hand each answer on by itself, at once, and tell their world the time with it.
        """
        return 0.0

    def drawn(self, what: str, question: bytes, draw: Callable[[], bytes]) -> bytes:
        """Give back what a library draws by chance of its own, or, in a replay, what it drew; in any thread.

        Args:
            what: a name for it.
            question: what it is drawn for; the same in a replay.
            draw: draws it.
        """
        del what, question
        return draw()


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
