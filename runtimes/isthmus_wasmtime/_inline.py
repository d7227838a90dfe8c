"""Inline calls: run in the Trio thread itself, where a call is short and nothing else is to be done.

Two hops between threads cost more than a small guest does.  So a call that comes alone is run where it was asked for,
for some milliseconds at the most.  One that runs on, or wants something of its host, is forgotten and run again, from its
start, in a thread of the crew: an effect leaves a world only through its host, and this one has had none.  Programs whose
calls do so are tried less and less.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, Generic, NoReturn, TypeVar, final

import trio

if TYPE_CHECKING:
    from ._crew import Crew

__all__ = ["Here", "InlineCalls", "Unsuited"]

SHORT: Final = 0.01
"""Seconds that the Trio thread may stand still for a guest."""
LONG: Final = 0.002
"""Seconds from which on a call that ended counts as one that had better been run in a thread."""
MOST_INPUT: Final = 65_536
"""Bytes of an argument that are still short."""
MOST_SKIPPED: Final = 4096
"""Calls that go to a thread, at the most, before another is tried inline."""
NEEDED_STACK: Final = 2 * 1024 * 1024
"""Bytes of stack a thread must have: the half megabyte that a guest may use, Python's own, and as much again."""

T = TypeVar("T")


class Unsuited(Exception):
    """A guest wants what it can't have in the Trio thread: more time, or its host."""


@final
class Here:
    """The place of a guest in the Trio thread; see :class:`isthmus_wasmtime._course.Place`.

    Attributes:
        since: ``trio.current_time()`` when its guest began.
    """

    __slots__ = ("_until", "since")

    def __init__(self) -> None:
        self.since = trio.current_time()
        self._until = time.monotonic() + SHORT

    def outside(self, ask: Callable[..., Awaitable[Any]], *arguments: Any) -> NoReturn:
        """Refused: nothing can be waited for here."""
        raise Unsuited

    def inside(self, act: Callable[..., Any], *arguments: Any) -> NoReturn:
        """Refused: it would have happened twice where the guest has to be run again."""
        raise Unsuited

    def look(self) -> None:
        """See whether the guest may run on."""
        if time.monotonic() > self._until:
            raise Unsuited


class InlineCalls(Generic[T]):
    """The calls of one program, as far as they are run inline.

    Args:
        crew: that runs the others.
        work: runs a call; what it changes outside of its world must not matter where it is run again.
    """

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._pause = self._skip = 1

    def wanted(self, size: int) -> bool:
        """Whether a call with an argument of so many bytes is to be tried; asked once for each call."""
        if self._skip:
            self._skip -= 1
            return False
        return size <= MOST_INPUT and self._crew.idle and _fits()

    async def attempt(self, work: Callable[[Here], T]) -> T | None:
        """What a call gives; None where it is to be run in a thread, not having begun."""
        self._crew.inline = True
        try:
            await trio.lowlevel.checkpoint()  # who comes meanwhile finds it taken, and gets a thread
            return self._run(work)
        finally:
            self._crew.inline = False

    # An interrupt waits for the next checkpoint: within a guest's callback it would be the guest's end.
    @trio.lowlevel.enable_ki_protection
    def _run(self, work: Callable[[Here], T]) -> T | None:
        began = time.monotonic()
        try:
            with self._crew.clock:
                done: T | None = work(Here())
        except Unsuited:
            done = None
        if done is None or time.monotonic() - began > LONG:
            self._pause = self._skip = min(self._pause * 2, MOST_SKIPPED)
        elif self._pause > 1:
            self._pause -= 1
        return done


_thread = threading.local()


def _fits() -> bool:
    """Whether this thread has stack enough; nobody says so of one that is not Linux's."""
    if not hasattr(_thread, "fits"):
        _thread.fits = sys.platform.startswith("linux") and _stack_size() >= NEEDED_STACK
    fits: bool = _thread.fits
    return fits


def _stack_size() -> int:
    """Bytes of stack that this thread has, 0 where the C library doesn't tell."""
    attributes = (ctypes.c_char * 256)()  # more than any C library's pthread_attr_t
    size = ctypes.c_size_t(0)
    try:
        library = ctypes.CDLL(None)
        if library.pthread_getattr_np(ctypes.c_void_p(threading.get_ident()), attributes):
            return 0
        library.pthread_attr_getstacksize(attributes, ctypes.byref(size))
        library.pthread_attr_destroy(attributes)
    except (OSError, AttributeError):
        return 0
    return size.value
