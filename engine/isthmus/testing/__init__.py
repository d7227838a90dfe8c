"""For tests of what is built on isthmus: functions, runtimes, queues, and services that embed an engine.

What needs Hypothesis is in :mod:`isthmus.testing.strategies`; fixtures for pytest come with the package by themselves
(``isthmus_engine``, ``isthmus_function``, ``isthmus_http``).
"""

from __future__ import annotations

from ._casework import CaseRun as CaseRun, run_case as run_case
from ._lab import Lab as Lab, load_project as load_project, open_lab as open_lab
from ._soundness import Flaw as Flaw, difference_of as difference_of, flaw_of as flaw_of
from ._views import view_of as view_of
from .cases import Case as Case, InvalidCase as InvalidCase
from .functions import LabEngine as LabEngine, LoadedFunction as LoadedFunction, lab_engine as lab_engine
from .http import HttpStub as HttpStub, StubResponse as StubResponse
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
from .runtimes import (
    RUNTIME_CHECKS as RUNTIME_CHECKS,
    RuntimeCheck as RuntimeCheck,
    RuntimeSubject as RuntimeSubject,
    check_runtime as check_runtime,
)
