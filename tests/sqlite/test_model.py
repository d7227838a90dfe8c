"""The embedded queue against a model, over any course of events; what it says when it is opened again included."""

from __future__ import annotations

import tempfile
from contextlib import AbstractAsyncContextManager
from typing import final

from hypothesis import settings

from isthmus.queues import Queue
from isthmus.testing.queue_machine import queue_machine
from isthmus_sqlite._clock import Clock
from isthmus_sqlite._opening import opened


@final
class FileSubject:
    """A queue in a file whose clock stands still."""

    reopens = True

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory()
        self._now = 0.0

    def open_queue(self) -> AbstractAsyncContextManager[Queue]:
        return opened(f"sqlite:{self._directory.name}/q.db", {}, make_clock=self._clock)

    def _clock(self, last: int) -> Clock:
        return Clock(last, elapsed=lambda: self._now, wall=lambda: 1_700_000_000.0 + self._now)

    def advance(self, seconds: float) -> None:
        self._now += seconds

    def close(self) -> None:
        self._directory.cleanup()


TestModel = queue_machine(FileSubject).TestCase
TestModel.settings = settings(max_examples=15, stateful_step_count=40, deadline=None)
