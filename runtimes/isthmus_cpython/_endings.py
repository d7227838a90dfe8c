"""What became of a call, said as the engine says it: pure, over what its process wrote and how it ended."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Final

from isthmus.abc import Ending, Killed, Returned, Thrown

from ._messages import Ended
from ._process import Exit
from ._wire import END, METERED, FrameTooLarge, Nonsense

if TYPE_CHECKING:
    from isthmus.limits import Limits

__all__ = ["ending_of", "manner", "of_cpu", "of_nonsense", "of_silence", "of_wall"]

KERNEL_PART: Final = 0.25
"""Of the limit: who had less of it in memory was not killed for that, but by an operator, or for want of memory elsewhere, and may
be tried again. Not more, for the kernel counts as well what is in a call's files and in its tables."""


def of_wall(limits: Limits) -> Killed:
    """The wall limit ended it."""
    return Killed("timeout", f"the call took longer than its limit of {limits.wall:g} s")


def of_cpu(limits: Limits) -> Killed:
    """The limit of processor time ended it."""
    return Killed("cpu", f"the call used more processor time than its limit of {limits.cpu:g} s")


def _of_memory(limits: Limits) -> Killed:
    return Killed("memory", f"the call needed more memory than its limit of {limits.memory} bytes")


def _of_output(size: int, limits: Limits) -> Killed:
    text = f"the call handed out {size} bytes of JSON, more than its limit of {limits.output_bytes}"
    return Killed("output", text)


def ending_of(ended: Ended, limits: Limits) -> tuple[Ending, bytes]:
    """The ending that a process tells, and the messages it sent."""
    if ended.ok:
        size = len(ended.value) + len(ended.messages)
        if size > limits.output_bytes:
            return _of_output(size, limits), b""
        return Returned(bytes(ended.value), ended.note), bytes(ended.messages)
    if ended.exhausted:
        return _of_memory(limits), b""
    if ended.too_large:
        return _of_output(ended.too_large, limits), b""
    thrown = ended.thrown
    return Thrown(thrown.name, thrown.message, thrown.stack, thrown.retry_after), b""


def of_nonsense(fault: Nonsense | FrameTooLarge, limits: Limits) -> Killed:
    """It was ended for what it wrote."""
    if isinstance(fault, FrameTooLarge) and fault.kind in {END, METERED}:
        return _of_output(fault.size, limits)
    return Killed("crash", f"the call's process wrote what it may not write: {fault}")


def of_silence(exit_: Exit, limits: Limits, *, killed: bool) -> Killed:
    """It hung up before it said how the call ended; then it ended, or had to be killed."""
    if killed:
        return Killed("crash", "the call's process closed its connection before its handler returned")
    if exit_.status is None:
        return Killed("crash", "the call's process is gone, and nobody saw it end")
    code = os.waitstatus_to_exitcode(exit_.status)
    if code >= 0:
        return Killed("crash", f"the call ended its process ({manner(exit_)}) before its handler returned")
    if -code == signal.SIGXCPU or (-code == signal.SIGKILL and exit_.cpu >= limits.cpu):
        return of_cpu(limits)
    if -code == signal.SIGKILL and exit_.memory >= limits.memory * KERNEL_PART:
        return Killed("memory", "the call's process was killed by the kernel, most likely for want of memory")
    if -code == signal.SIGKILL:
        return Killed("crash", "the call's process was killed from outside")
    if -code == signal.SIGSYS:
        return Killed("crash", "the call asked the kernel for what no function may (SIGSYS), and was ended")
    return Killed("crash", f"the call's process broke ({manner(exit_)})")


def manner(exit_: Exit) -> str:
    """How a process ended, in a word or two."""
    if exit_.status is None:
        return "nobody saw how"
    code = os.waitstatus_to_exitcode(exit_.status)
    return f"exit status {code}" if code >= 0 else _named(-code)


def _named(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
