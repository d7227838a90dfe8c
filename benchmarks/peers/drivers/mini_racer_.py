"""``mini-racer``: V8 in a thread of the process of its host."""

from __future__ import annotations

import json
from typing import Any

import py_mini_racer

from benchmarks.peers.drivers.serving import SHIM, Driver, World, serve


class Racer(World):
    def __init__(self, code: str, seconds: float, memory: int) -> None:
        self._racer: Any = py_mini_racer.MiniRacer()
        self._racer.set_hard_memory_limit(memory)
        self._seconds = seconds
        self._eval(code + SHIM)

    def call(self, event: str, settings: str) -> str:
        self._eval(f"__call({json.dumps(event)}, {json.dumps(settings)})")
        out: str = self._eval("__out")
        return out

    def close(self) -> None:
        self._racer.close()

    def _eval(self, code: str) -> Any:
        return self._racer.eval(code, timeout_sec=self._seconds)


class MiniRacer(Driver):
    def world(self, code: str) -> World:
        return Racer(code, self.seconds, self.memory)


serve(MiniRacer())
