"""A queue in a file whose time the test moves on."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import final

import pytest

from isthmus_sqlite._clock import Clock, uptime
from isthmus_sqlite._opening import opened
from isthmus_sqlite._queue import SqliteQueue


@final
class Times:
    """The two clocks that a file's time is made of: the real ones, and what the test adds."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.set_by = 0.0

    async def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.passed += seconds

    def clock(self, last: int) -> Clock:
        return Clock(
            last,
            elapsed=lambda: uptime() + self.passed,
            wall=lambda: time.time() + self.passed + self.set_by,
        )


Opener = Callable[..., AbstractAsyncContextManager[SqliteQueue]]


@pytest.fixture
def times() -> Times:
    return Times()


@pytest.fixture
def open_queue(tmp_path: Path, times: Times) -> Opener:
    def opener(**options: str) -> AbstractAsyncContextManager[SqliteQueue]:
        return opened(f"sqlite:{tmp_path}/queue/q.db", options, make_clock=times.clock)

    return opener
