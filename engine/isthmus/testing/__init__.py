"""For tests of what is built on isthmus: a runtime, a fetcher and a queue that are the test's own."""

from __future__ import annotations

from .memory_queue import MemoryQueue as MemoryQueue
from .runtime import (
    Handler as Handler,
    MockFetcher as MockFetcher,
    ScriptedRuntime as ScriptedRuntime,
    Throw as Throw,
    World as World,
)
