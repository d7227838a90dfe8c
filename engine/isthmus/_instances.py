"""A function with setting values, ready to be invoked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import final

import msgspec
import trio

from ._host import Door
from ._programs import SharedProgram
from ._rules.dispatch import EVENT_HANDLERS, Choice, choose
from ._slots import Slots
from ._tally import Tally
from .functions import Function
from .limits import Limits
from .messages import Egress
from .settings import SettingsSource

__all__ = ["Binding", "Instance", "Terms"]


@final
class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What an instance was loaded with: what of it is to stay where a part is replaced."""

    function: Function
    settings: Mapping[str, object] | SettingsSource
    limits: Limits
    egress: Egress
    retry_network_errors: bool
    source_id: str
    slots: Slots | None = None

    def __repr__(self) -> str:
        # The settings may hold secrets.
        return f"<Terms of {self.function.name!r}>"


@final
class Binding:
    """What the engine knows of an instance, until it is replaced: calls under way keep theirs to their end.

    Attributes:
        terms: it was loaded with.
        tally: counts its calls; that of the instance, whatever its code is.
        due: ``trio.current_time()`` when its settings are to be asked for again, None for never.
        successor: what calls that begin from now on run on, once it was replaced.
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
        "due",
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
        "successor",
        "tally",
        "terms",
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
        terms: Terms,
        tally: Tally,
    ) -> None:
        self.shared = shared
        self.door = door
        self.handlers = handlers
        self.key = key
        self.name = name
        self.settings = settings
        self.terms = terms
        self.tally = tally
        self.successor: Binding | None = None
        self.due: float | None = None
        self.retry_network_errors = terms.retry_network_errors
        self.source_id = terms.source_id
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

    def latest(self) -> Binding:
        """What it was replaced by, or itself."""
        binding = self
        while binding.successor is not None:
            binding = binding.successor
        return binding

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
        function: the function it is an instance of; another one after :meth:`Engine.replace`.
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
