"""Counts of an engine's calls, by instance, and what tells observers of each."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import final

from ._host import describe
from .calls import CallEnded, CallEvent, CallStarted, EngineStats, InstanceStats, Observe
from .outcomes import Outcome, Usage

__all__ = ["Tally", "Watch"]

logger = logging.getLogger("isthmus")

NOTHING = Usage()


@final
class Watch:
    """All calls of an engine.

    Args:
        observers: told of each.
        wall_clock: seconds since the epoch.

    Attributes:
        begun: calls so far.
        ended: those of them that have.
    """

    __slots__ = ("_observers", "_wall_clock", "begun", "ended")

    def __init__(self, observers: Sequence[Observe], wall_clock: Callable[[], float]) -> None:
        self._observers = tuple(observers)
        self._wall_clock = wall_clock
        self.begun = 0
        self.ended = 0

    def __bool__(self) -> bool:
        """Whether anybody is told."""
        return bool(self._observers)

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._wall_clock()

    def stats(self, tallies: Iterable[Tally], *, programs: int) -> EngineStats:
        """What was done, of all instances; where two have one name, the second has a number behind it."""
        found: dict[str, InstanceStats] = {}
        for tally in tallies:
            name, number = tally.instance, 2
            while name in found:
                name, number = f"{tally.instance}#{number}", number + 1
            found[name] = tally.stats()
        ended = self.ended
        return EngineStats(
            instances=found, ended=ended, in_flight=max(0, self.begun - ended), programs=programs
        )

    def tell(self, event: CallEvent) -> None:
        """Tell all observers; what one raises is logged by its type, for it may quote anything."""
        for observe in self._observers:
            try:
                observe(event)
            except Exception as exc:  # noqa: BLE001 -- calls go on, seen or not
                logger.error("an observer of calls failed: %s", describe(exc, None))


@final
class Tally:
    """The calls of one instance.

    Args:
        watch: of its engine.
        function: the function's name.
        instance: the instance's name.

    Attributes:
        instance: the instance's name.
        in_flight: calls under way.
    """

    __slots__ = (
        "_calls",
        "_cancelled",
        "_capabilities",
        "_codes",
        "_cpu",
        "_fetches",
        "_memory",
        "_unrun",
        "_wall",
        "_watch",
        "function",
        "in_flight",
        "instance",
    )

    def __init__(self, watch: Watch, function: str, instance: str) -> None:
        self._watch = watch
        self.function = function
        self.instance = instance
        self.in_flight = 0
        self._calls: dict[str, int] = {}
        self._codes: dict[str, int] = {}
        self._unrun = self._cancelled = self._memory = self._fetches = self._capabilities = 0
        self._wall = self._cpu = 0.0

    def begin(self, handler: str) -> int:
        """A call has begun; its number, for :meth:`end`."""
        watch = self._watch
        watch.begun += 1
        number = watch.begun
        self.in_flight += 1
        if watch:
            watch.tell(
                CallStarted(
                    call=number,
                    function=self.function,
                    instance=self.instance,
                    handler=handler,
                    at=watch.now(),
                )
            )
        return number

    def end(self, number: int, handler: str, outcome: Outcome | None) -> None:
        """It has ended, with an outcome or by being cancelled."""
        watch = self._watch
        watch.ended += 1
        self.in_flight -= 1
        code = None
        if outcome is None:
            self._cancelled += 1
            status, usage = None, NOTHING
        else:
            status, usage = outcome.status, outcome.usage
            self._calls[status] = self._calls.get(status, 0) + 1
            if outcome.problem is not None:
                code = outcome.problem.code
                self._codes[code] = self._codes.get(code, 0) + 1
            self._wall += usage.wall
            self._cpu += usage.cpu
            self._memory = max(self._memory, usage.memory)
            self._fetches += usage.fetches
            self._capabilities += usage.capabilities
        if watch:
            watch.tell(
                CallEnded(
                    call=number,
                    function=self.function,
                    instance=self.instance,
                    handler=handler,
                    status=status,
                    code=code,
                    usage=usage,
                    at=watch.now(),
                )
            )

    def pass_over(self) -> None:
        """An event came that no handler runs for."""
        self._unrun += 1

    def stats(self) -> InstanceStats:
        """What there is so far; from any thread, for its tables are copied in one step each."""
        return InstanceStats(
            function=self.function,
            calls={str(status): number for status, number in dict(self._calls).items()},
            codes={str(code): number for code, number in dict(self._codes).items()},
            unrun=self._unrun,
            cancelled=self._cancelled,
            in_flight=self.in_flight,
            wall=self._wall,
            cpu=self._cpu,
            memory=self._memory,
            fetches=self._fetches,
            capabilities=self._capabilities,
        )
