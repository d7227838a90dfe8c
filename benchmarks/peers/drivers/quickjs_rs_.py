"""``quickjs-rs``: QuickJS-NG in WebAssembly on wasmtime."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

import quickjs_rs

from benchmarks.peers.drivers.serving import SHIM, Driver, World, serve

LOOP: Final = asyncio.new_event_loop()


class Context(World):
    def __init__(self, code: str, seconds: float, memory: int) -> None:
        self._runtime: Any = quickjs_rs.Runtime(memory_limit=memory)
        self._context: Any = quickjs_rs.Context(self._runtime, timeout=seconds)
        self._context.eval(code + SHIM + "\n;0")

    def call(self, event: str, settings: str) -> str:
        call = f"__call({json.dumps(event)}, {json.dumps(settings)})"
        out: str = LOOP.run_until_complete(self._context.eval_async(f"await {call}"))
        return out

    def close(self) -> None:
        self._context.close()
        self._runtime.close()


class QuickJSRs(Driver):
    def world(self, code: str) -> World:
        return Context(code, self.seconds, self.memory)


serve(QuickJSRs())
