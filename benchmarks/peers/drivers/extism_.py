"""``extism``: WebAssembly on wasmtime, in the process of its host; a module is compiled once, and a plug-in made of that for each event."""

from __future__ import annotations

import base64
from typing import Any, Final

from extism import Plugin as Made
from extism.extism import CompiledPlugin

from benchmarks.peers.drivers.serving import Driver, World, serve

PAGE: Final = 65536


class Plugin(World):
    def __init__(self, compiled: Any, settings: dict[str, Any]) -> None:
        self._plugin: Any = Made(compiled, config=settings)

    def call(self, event: str, settings: str) -> str:
        return f'{{"value":{bytes(self._plugin.call("on_track", event)).decode()}}}'


class Extism(Driver):
    def __init__(self) -> None:
        super().__init__()
        self._compiled: dict[tuple[str, float], Any] = {}

    def world(self, code: str) -> World:
        key = code, self.seconds
        if key not in self._compiled:
            self._compiled[key] = CompiledPlugin(
                {
                    "wasm": [{"data": base64.b64decode(code)}],
                    "timeout_ms": round(self.seconds * 1000),
                    "memory": {"max_pages": self.memory // PAGE},
                }
            )
        return Plugin(self._compiled[key], self.settings)


serve(Extism())
