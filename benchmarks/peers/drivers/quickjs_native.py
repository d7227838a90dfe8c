"""``quickjs`` and ``quickjs-ng``: two bindings of one interface, in the process of their host."""

from __future__ import annotations

from typing import Any

import quickjs

from benchmarks.peers.drivers.serving import SHIM, Driver, World, serve


class Context(World):
    def __init__(self, code: str, seconds: float, memory: int) -> None:
        self._context: Any = quickjs.Context()
        self._context.set_memory_limit(memory)
        self._context.set_time_limit(seconds)
        self._context.eval(code + SHIM)
        self._call = self._context.get("__call")

    def call(self, event: str, settings: str) -> str:
        self._call(event, settings)
        while self._context.execute_pending_job():
            pass
        out: str = self._context.get("__out")
        return out


class QuickJS(Driver):
    def world(self, code: str) -> World:
        return Context(code, self.seconds, self.memory)


serve(QuickJS())
