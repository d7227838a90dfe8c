"""``jsbox``: QuickJS-NG by Rust, in the process of its host."""

from __future__ import annotations

import json
from typing import Any

import jsbox

from benchmarks.peers.drivers.serving import SHIM, Driver, World, serve


class Runtime(World):
    def __init__(self, code: str, seconds: float, memory: int) -> None:
        self._runtime: Any = jsbox.Runtime(memory_limit=memory)
        self._seconds = seconds
        self._runtime.eval(code + SHIM, timeout=seconds)

    def call(self, event: str, settings: str) -> str:
        call = f"__call({json.dumps(event)}, {json.dumps(settings)})"
        out: str = self._runtime.eval(call, timeout=self._seconds)
        return out


class JsBox(Driver):
    def world(self, code: str) -> World:
        return Runtime(code, self.seconds, self.memory)


serve(JsBox())
