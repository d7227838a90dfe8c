"""What the course of a call is made of: the place where its guest runs, the world it is in, and its early end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from isthmus.abc import Killed, Thrown

if TYPE_CHECKING:
    from ._talk import Talk

__all__ = ["Ended", "Place", "Sealed"]

T = TypeVar("T")


class Ended(Exception):
    """The call is over, whatever its guest would do."""

    def __init__(self, ending: Killed | Thrown) -> None:
        super().__init__(ending.message)
        self.ending = ending


class Sealed(Protocol):
    """What a talk does with a world, whatever kind of guest is in it."""

    talk: Talk | None

    @property
    def memory_bytes(self) -> int: ...
    @property
    def fuel_used(self) -> int: ...
    def refuel(self) -> None: ...
    def begin(self, data: bytes, now_ns: int, *, stdin: bool) -> bytes: ...
    def taken(self, stream: int) -> bytes: ...
    def waited(self, nanoseconds: int) -> None: ...


class Place(Protocol):
    """Where a guest runs: a thread of the crew, or the Trio thread.

    Attributes:
        since: ``trio.current_time()`` when it began.
    """

    since: float

    def outside(self, ask: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        """Have Trio do something, and wait for it."""

    def inside(self, act: Callable[..., T], *arguments: Any) -> T:
        """Have something done in the Trio thread that takes no time."""

    def look(self) -> None:
        """See whether the guest may run on; what is raised here stops it."""
