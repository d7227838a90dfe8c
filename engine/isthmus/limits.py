"""How much one invocation may take: every bound is a value the operator can move."""

from __future__ import annotations

import math
from typing import final

import msgspec

from .errors import EngineError

__all__ = ["Limits"]

KIB = 1024
MIB = 1024 * 1024


@final
class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The bounds of one invocation; a batch is one invocation.

    Attributes:
        wall: seconds from the start of the call to its reply, fetches included (Segment: 5).
        cpu: seconds the function's own code may run, waiting not counted.
        memory: bytes of one world: its code, its libraries, its heap.
        log_bytes: UTF-8 bytes of console output kept per call (Segment's tester: 4 KB).
        fetches: requests one call may start, redirects not counted.
        fetch_request_bytes: bytes of one request's body.
        fetch_response_bytes: bytes of one response's body, after decompression.
        input_bytes: bytes of JSON handed in: an event, a batch, or a webhook (with its headers).
        output_bytes: bytes of JSON handed out: the returned value, or all messages together.
        operations: fetches, timers, cache calls and capabilities that may wait at the same time.
        trace_bytes: bytes of each body kept in the trace.
        capabilities: uses of capabilities in one call.
        capability_bytes: bytes of JSON that one use may hand over, and get.
    """

    wall: float = 5.0
    cpu: float = 5.0
    memory: int = 128 * MIB
    log_bytes: int = 4 * KIB
    fetches: int = 50
    fetch_request_bytes: int = 6 * MIB
    fetch_response_bytes: int = 6 * MIB
    input_bytes: int = 16 * MIB
    output_bytes: int = 6 * MIB
    operations: int = 1000
    trace_bytes: int = 4 * KIB
    capabilities: int = 100
    capability_bytes: int = MIB

    def __post_init__(self) -> None:
        for name in ("wall", "cpu"):
            seconds = getattr(self, name)
            number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
            if not (number and 0 < seconds < math.inf):
                raise EngineError(f"Limits.{name} takes a positive number of seconds, not {seconds!r}")
        for name in self.__struct_fields__[2:]:
            count = getattr(self, name)
            if not isinstance(count, int) or isinstance(count, bool) or count < 0:
                raise EngineError(f"Limits.{name} takes a whole number from 0, not {count!r}")
