"""For tests of what is built on isthmus: a runtime, a fetcher and a queue that are the test's own."""

from __future__ import annotations

from .memory_queue import MemoryQueue as MemoryQueue
from .queues import (
    QUEUE_CHECKS as QUEUE_CHECKS,
    QueueCheck as QueueCheck,
    QueueSubject as QueueSubject,
    check_queue as check_queue,
)
from .runtime import (
    Handler as Handler,
    MockFetcher as MockFetcher,
    ScriptedRuntime as ScriptedRuntime,
    Throw as Throw,
    World as World,
)
