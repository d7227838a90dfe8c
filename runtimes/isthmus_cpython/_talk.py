"""The talk between one call's process and its host, from the call to its ending, within the call's limits."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple, final

import trio

from isthmus.abc import Call, Ending, Host
from isthmus.errors import RuntimeFault

from ._endings import ending_of, of_cpu, of_nonsense, of_wall
from ._errands import Errands
from ._messages import parse_end, parse_fault, parse_line, parse_operation
from ._process import Process
from ._wire import ASK, CALL, END, FAULT, LOG, METERED, FrameTooLarge, Nonsense

if TYPE_CHECKING:
    from isthmus.limits import Limits

__all__ = ["Told", "hold"]

FLOOD: Final = 100
"""How many times ``Limits.operations`` a call may ask of its host in all."""
MOST_LINES: Final = 100_000
"""Lines of console output that are read at all; the process itself sends few beyond its limit."""
GLANCE: Final = 0.002
"""Seconds between two looks at a process's clock, at the least."""


class Told(NamedTuple):
    """How a call ended.

    Attributes:
        ending: of the handler.
        messages: that were sent, an array or nothing.
        cpu: seconds that its process had used by then, where it keeps account itself.
        lines: of the code that ran, as the process tells it, where that was asked.
    """

    ending: Ending
    messages: bytes = b""
    cpu: float = 0.0
    lines: Sequence[int] = ()


async def hold(process: Process, call: Call, host: Host, limits: Limits, used: float) -> Told | None:
    """Send the call and do what its process asks, until it has ended; None where it went silent.

    Args:
        process: armed, or about to be.
        call: to be run.
        host: of the call.
        limits: its own.
        used: seconds of processor time that the process had used before.

    Raises:
        RuntimeFault: the process could not be confined.
    """
    talk = _Talk(process, host, limits)
    with trio.move_on_after(limits.wall) as wall:
        async with trio.open_nursery() as nursery:
            if limits.cpu < limits.wall:
                nursery.start_soon(talk.watch, used, nursery.cancel_scope)
            await talk.listen(call, nursery)
            if nursery.child_tasks:
                nursery.cancel_scope.cancel()  # what is under way is nobody's any more
    if talk.fault is not None:
        raise talk.fault
    if talk.told is None and wall.cancelled_caught:
        return Told(of_wall(limits))
    return talk.told


@final
class _Talk:
    """What was said so far.

    Attributes:
        told: how it ended, None before.
        fault: of the runtime's own.
    """

    def __init__(self, process: Process, host: Host, limits: Limits) -> None:
        self._process = process
        self._host = host
        self._limits = limits
        self._errands: Errands | None = None
        self._asked = 0
        self._lines = 0
        self.told: Told | None = None
        self.fault: RuntimeFault | None = None

    async def listen(self, call: Call, nursery: trio.Nursery) -> None:
        """Send the call and hear the process out."""
        connection = self._process.connection
        with suppress(OSError):  # it may have ended; what it wrote before is read all the same
            connection.begin(CALL, _payload(call, taped=self._host.taped, traced=self._host.traced))
        self._process.resume()  # with a call to read already: it wakes up once
        if not connection.whole:
            nursery.start_soon(self._finish)  # it may have to be heard first, with what its module prints
        try:
            while (frame := await connection.receive()) is not None:
                if self._hear(*frame, nursery):
                    return
        except (Nonsense, FrameTooLarge) as nonsense:
            self.told = Told(of_nonsense(nonsense, self._limits))
        except RuntimeFault as fault:
            self.fault = fault

    async def _finish(self) -> None:
        with suppress(OSError):
            await self._process.connection.finish()

    async def watch(self, used: float, scope: trio.CancelScope) -> None:
        """End the talk when the process has used its processor time, by the kernel's own clock of it."""
        most = used + self._limits.cpu
        while (now := self._process.cpu()) is not None:
            if now >= most:
                self.told = Told(of_cpu(self._limits))
                scope.cancel()
                return
            await trio.sleep(max((most - now) / 2, GLANCE))  # it may have two threads

    def _hear(self, kind: int, payload: bytes, nursery: trio.Nursery) -> bool:
        """Take in a frame; whether it was the last."""
        if kind == METERED:
            cpu, payload = int.from_bytes(payload[:8], "little") / 1e9, payload[8:]
            self._end(payload, cpu)
            return True
        if kind == END:
            self._end(payload)
            return True
        if kind == ASK:
            self._ask(payload, nursery)
        elif kind == LOG:
            self._log(payload)
        elif kind == FAULT:
            raise RuntimeFault(f"a process could not be confined: {parse_fault(payload).message}")
        return False

    def _end(self, payload: bytes, cpu: float = 0.0) -> None:
        ended = parse_end(payload)
        if ended.left_out:
            self._host.log_left_out(ended.left_out)
        self.told = Told(*ending_of(ended, self._limits), cpu, ended.lines)

    def _ask(self, payload: bytes, nursery: trio.Nursery) -> None:
        self._asked += 1
        most = FLOOD * max(self._limits.operations, 1)
        if self._asked > most:
            raise Nonsense(f"it asked its host for more than {most} things")
        if self._errands is None:
            self._errands = Errands(self._host, self._process.connection, nursery, self._limits.operations)
        self._errands.begin(parse_operation(payload))

    def _log(self, payload: bytes) -> None:
        self._lines += 1
        if self._lines > MOST_LINES:
            raise Nonsense(f"it wrote more than {MOST_LINES} lines")
        line = parse_line(payload)
        self._host.log(line.level, line.text, min(line.at, self._limits.wall))


def _payload(call: Call, *, taped: bool, traced: bool) -> bytes:
    """A call as its process takes it; of one that is taped the first thing said is that the clock stands still."""
    return b'{"still":%b,"traced":%b,"handler":"%b","now":%b,"seed":"%b","settings":%b,"argument":%b}' % (
        b"true" if taped else b"false",
        b"true" if traced else b"false",
        call.handler.encode(),
        repr(call.now).encode(),
        call.seed.hex().encode(),
        call.settings,
        call.argument,
    )
