"""The programs of an engine: loaded once for all who share one, given up and closed."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import final

import trio

from ._host import describe
from .abc import Program, Runtime
from .errors import LoadError, RuntimeFault
from .functions import Function
from .limits import Limits

__all__ = ["CLOSE_GRACE", "Loaded", "Programs", "SharedProgram", "close_guarded"]

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
class Programs:
    """The programs of an engine, one for all instances of equal functions under equal limits."""

    def __init__(self) -> None:
        self._shared: dict[tuple[Function, Limits], SharedProgram] = {}

    def __len__(self) -> int:
        """Count those that are held."""
        return len(self._shared)

    def borrow(self, runtime: Runtime, function: Function, limits: Limits) -> SharedProgram:
        """Take one for an instance, which owes a :meth:`give_back`."""
        shared = self._shared.get((function, limits))
        if shared is None:
            shared = self._shared[function, limits] = SharedProgram(runtime, function, limits)
        shared.users += 1
        return shared

    async def give_back(self, shared: SharedProgram, key: str | None = None) -> None:
        """An instance is gone, of which the program may keep something under a key."""
        shared.users -= 1
        if not shared.users:
            # The engine, as it closes, may have been faster.
            self._shared.pop((shared.function, shared.limits), None)
            await shared.retire()
        elif key is not None and shared.current is not None:
            await close_guarded(f"instance {key!r}", partial(shared.current.program.forget, key))

    async def aclose(self) -> None:
        """Close them all, once no call is under way."""
        for shared in tuple(self._shared.values()):
            await shared.retire()
        self._shared.clear()
