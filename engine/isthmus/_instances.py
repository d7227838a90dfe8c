"""A function with setting values, and the program it shares with others of its code."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import final

import trio

from ._host import Door, describe
from ._rules.dispatch import EVENT_HANDLERS, Choice, choose
from .abc import Program, Runtime
from .errors import LoadError, RuntimeFault
from .functions import Function
from .limits import Limits

__all__ = ["CLOSE_GRACE", "Binding", "Instance", "Loaded", "SharedProgram", "close_guarded"]

logger = logging.getLogger("isthmus")

CLOSE_GRACE = 5.0
"""Seconds that closing a program, a runtime or a fetcher may take before it is left as it is."""


async def close_guarded(what: str, aclose: Callable[[], Awaitable[None]]) -> None:
    """Close something of a plugin's: shielded, within a bound, its faults logged and gone."""
    with trio.CancelScope(shield=True, deadline=trio.current_time() + CLOSE_GRACE) as scope:
        try:
            await aclose()
        except Exception as exc:  # noqa: BLE001 -- a plugin's, and logged
            logger.error("closing %s failed: %s", what, describe(exc, None))
    if scope.cancelled_caught:
        logger.error("closing %s took more than %s s and was given up", what, CLOSE_GRACE)


@final
class Loaded:
    """A program, and how many calls it has under way."""

    __slots__ = ("calls", "program", "retired")

    def __init__(self, program: Program, *, retired: bool) -> None:
        self.program = program
        self.calls = 0
        self.retired = retired


@final
class _Attempt:
    __slots__ = ("done", "error")

    def __init__(self) -> None:
        self.done = trio.Event()
        self.error: Exception | None = None


@final
class SharedProgram:
    """The program of all instances of one function under the same limits.

    It is loaded when first needed, and again after a fault; a program that is given up is closed
    by the last call to leave it.

    Attributes:
        users: instances that hold it.
        current: what new calls run on, None until it is loaded (again).
    """

    __slots__ = ("_attempt", "_runtime", "current", "function", "limits", "users")

    def __init__(self, runtime: Runtime, function: Function, limits: Limits) -> None:
        self._runtime = runtime
        self._attempt: _Attempt | None = None
        self.function = function
        self.limits = limits
        self.users = 0
        self.current: Loaded | None = None

    async def load(self) -> Loaded:
        """The program, loaded if need be: by one of those who ask, for all of them.

        Raises:
            LoadError: the code does not load.
            RuntimeFault: its runtime failed.
        """
        while self.current is None:
            attempt = self._attempt
            if attempt is not None:
                await attempt.done.wait()
                if attempt.error is not None:
                    raise attempt.error
                continue  # loaded, or its loader was cancelled
            attempt = self._attempt = _Attempt()
            try:
                loaded = await self._load()
            except Exception as exc:
                attempt.error = exc
                raise
            finally:
                self._attempt = None
                attempt.done.set()
            if loaded.retired:
                return loaded
        return self.current

    async def _load(self) -> Loaded:
        try:
            program = await self._runtime.load(self.function, self.limits)
            handlers = program.handlers
            if not isinstance(handlers, frozenset):
                raise TypeError(f"Program.handlers is a frozenset, not {type(handlers).__name__}")
        except (LoadError, RuntimeFault):
            raise
        except Exception as exc:
            logger.error("loading %r failed: %s", self.function.name, describe(exc, None))
            raise RuntimeFault(
                f"the runtime of {self.function.language} failed to load function {self.function.name!r}"
            ) from exc
        # A call may outlive the last instance, and come to load what nobody else will use.
        loaded = Loaded(program, retired=self.users == 0)
        if not loaded.retired:
            self.current = loaded
        return loaded

    def discard(self, loaded: Loaded) -> None:
        """Give a program up; the next call loads it anew."""
        loaded.retired = True
        if self.current is loaded:
            self.current = None

    async def leave(self, loaded: Loaded, calls: int = 1) -> None:
        """Calls have ended; of a program given up the last one closes it.  No checkpoint otherwise."""
        loaded.calls -= calls
        if loaded.retired and not loaded.calls:
            await close_guarded(f"a program of {self.function.name!r}", loaded.program.aclose)

    async def retire(self) -> None:
        """The last instance is gone."""
        if (loaded := self.current) is not None:
            self.discard(loaded)
            await self.leave(loaded, calls=0)


@final
class Binding:
    """What the engine knows of an instance.

    Attributes:
        key: unique among the engine's instances.
        settings: JSON text of their values.
        busy: calls (or chunks of them) under way.
        closed: no call may begin.
    """

    __slots__ = (
        "_idle",
        "busy",
        "choices",
        "closed",
        "door",
        "function",
        "handlers",
        "key",
        "kind",
        "limits",
        "name",
        "retry_network_errors",
        "settings",
        "shared",
        "source_id",
    )

    def __init__(
        self,
        shared: SharedProgram,
        door: Door,
        handlers: frozenset[str],
        *,
        key: str,
        name: str,
        settings: bytes,
        retry_network_errors: bool,
        source_id: str,
    ) -> None:
        self.shared = shared
        self.door = door
        self.handlers = handlers
        self.key = key
        self.name = name
        self.settings = settings
        self.retry_network_errors = retry_network_errors
        self.source_id = source_id
        self.function = shared.function
        self.kind = shared.function.kind
        self.limits = shared.limits
        self.choices = {type_: self._choose(type_) for type_ in (None, *EVENT_HANDLERS)}
        self.busy = 0
        self.closed = False
        self._idle = trio.Event()

    def choice(self, event_type: object) -> Choice:
        """What an event of a type comes to."""
        if not isinstance(event_type, str):
            return self.choices[None]
        return self.choices.get(event_type) or self._choose(event_type)

    def _choose(self, event_type: str | None) -> Choice:
        function = self.function
        return choose(function.kind, event_type, self.handlers, pass_through=function.pass_through)

    def leave(self, calls: int = 1) -> None:
        """Calls have ended."""
        self.busy -= calls
        if not self.busy:
            self._idle.set()

    async def idle(self) -> None:
        """Wait until no call is under way; none may begin meanwhile."""
        while self.busy:
            self._idle = trio.Event()
            await self._idle.wait()


@final
class Instance:
    """A function with setting values, ready to be invoked; made by :meth:`Engine.load`.

    Attributes:
        name: what outcomes call it.
        function: the function it is an instance of.
        handlers: names of the handlers the function's code defines.
    """

    __slots__ = ("_aclose", "function", "handlers", "name")

    def __init__(
        self,
        name: str,
        function: Function,
        handlers: frozenset[str],
        aclose: Callable[[Instance], Awaitable[None]],
    ) -> None:
        self.name = name
        self.function = function
        self.handlers = handlers
        self._aclose = aclose

    def __repr__(self) -> str:
        return (
            f"<isthmus.Instance {self.name!r} of {self.function.kind.value} function {self.function.name!r}>"
        )

    async def aclose(self) -> None:
        """Take no more calls, wait for those under way, and give the program back.

        Where this is cancelled, calls under way go on, and their program is closed when the last
        of them has ended.
        """
        await self._aclose(self)


Instance.__module__ = "isthmus"
