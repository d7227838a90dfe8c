"""What the end of a call's process says of the call, where it said nothing itself."""

from __future__ import annotations

import signal

import pytest

from isthmus import Limits
from isthmus_cpython._endings import of_silence
from isthmus_cpython._process import Exit

LIMITS = Limits(cpu=2.0, memory=100_000_000)


@pytest.mark.parametrize(
    ("exit_", "reason"),
    [
        (Exit(signal.SIGKILL, 0.1, 99_000_000), "memory"),
        (Exit(signal.SIGKILL, 0.1, 30_000_000), "memory"),  # the rest in files and tables
        (Exit(signal.SIGKILL, 0.1, 20_000_000), "crash"),  # by an operator: it may be tried again
        (Exit(signal.SIGKILL, 2.1, 20_000_000), "cpu"),
        (Exit(signal.SIGXCPU, 2.0, 20_000_000), "cpu"),
        (Exit(signal.SIGSEGV, 0.1, 99_000_000), "crash"),
        (Exit(3 << 8, 0.1, 99_000_000), "crash"),
        (Exit(None), "crash"),
    ],
)
def test_a_kill_is_of_memory_only_where_there_was_much_of_it(exit_: Exit, reason: str) -> None:
    assert of_silence(exit_, LIMITS, killed=False).reason == reason
