"""What an engine tells of its calls: each as it begins and as it ends, and the counts of all of them.

Names, codes and numbers only: nothing of an event, a setting, a message or a log line, so that metrics and traces
can hold all of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import msgspec

from .outcomes import Code, Status, Usage

__all__ = ["CallEnded", "CallEvent", "CallStarted", "EngineStats", "InstanceStats", "Observe"]


@final
class CallStarted(msgspec.Struct, frozen=True, tag=True, kw_only=True, gc=False):
    """A call has begun.

    Attributes:
        call: its number; :class:`CallEnded` has the same.
        function: the function's name.
        instance: the instance's name.
        handler: that runs.
        at: seconds since the epoch, as the engine's wall clock has it.
    """

    call: int
    function: str
    instance: str
    handler: str
    at: float


@final
class CallEnded(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """A call has ended.

    Attributes:
        call: its number.
        function: the function's name.
        instance: the instance's name.
        handler: that ran.
        status: what it came to; None where it was cancelled, and there is no outcome.
        code: why it is not plain success, or None.
        usage: what it took.
        at: seconds since the epoch, as the engine's wall clock has it.
    """

    call: int
    function: str
    instance: str
    handler: str
    status: Status | None
    code: Code | None
    usage: Usage
    at: float


CallEvent = CallStarted | CallEnded

Observe = Callable[[CallEvent], None]
"""Told of calls in the engine's thread; must not block."""


@final
class InstanceStats(msgspec.Struct, frozen=True, kw_only=True):
    """What was done for one instance since it was loaded.

    Attributes:
        function: the function's name.
        calls: that have ended with an outcome, by its status; a batch is one.
        codes: those that were no plain success, by the problem's code.
        unrun: events that no handler ran for.
        cancelled: calls that ended with no outcome.
        in_flight: calls under way.
        wall: seconds that calls took, summed.
        cpu: seconds that the function's own code ran, summed.
        memory: bytes of the largest world so far.
        fetches: requests begun.
        capabilities: uses of capabilities begun.
    """

    function: str
    calls: dict[str, int] = {}
    codes: dict[str, int] = {}
    unrun: int = 0
    cancelled: int = 0
    in_flight: int = 0
    wall: float = 0.0
    cpu: float = 0.0
    memory: int = 0
    fetches: int = 0
    capabilities: int = 0


@final
class EngineStats(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine has done and has in hand.

    Attributes:
        instances: by name, with a number behind it (``name#2``) where several share one; those that were closed are not there.
        ended: calls that have ended, of closed instances as well.
        in_flight: calls under way.
        programs: functions that are loaded; instances of equal functions share one.
    """

    instances: dict[str, InstanceStats] = {}
    ended: int = 0
    in_flight: int = 0
    programs: int = 0
