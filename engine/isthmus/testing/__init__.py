"""For tests of what is built on isthmus: a runtime and a fetcher that are the test's own."""

from __future__ import annotations

from .runtime import (
    Handler as Handler,
    MockFetcher as MockFetcher,
    ScriptedRuntime as ScriptedRuntime,
    Throw as Throw,
    World as World,
)
