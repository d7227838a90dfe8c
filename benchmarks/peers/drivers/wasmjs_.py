"""``wasmjs``: QuickJS-NG in WebAssembly on wasmtime; it has no limits to set, and runs no jobs: its handler is not ``async``."""

from __future__ import annotations

import json
from typing import Any

import wasmjs.wasmjs

from benchmarks.peers.drivers.serving import Driver, World, serve


class Reactor(World):
    def __init__(self, code: str) -> None:
        self._reactor: Any = wasmjs.wasmjs.WasmJS()
        self._reactor.eval(f"{code};globalThis.onTrack = onTrack;0")

    def call(self, event: str, settings: str) -> str:
        given = f"JSON.parse({json.dumps(event)}), JSON.parse({json.dumps(settings)})"
        out: str = self._reactor.eval(f"JSON.stringify({{ value: onTrack({given}) }})")
        return out


class WasmJS(Driver):
    def world(self, code: str) -> World:
        return Reactor(code.replace("async function onTrack", "function onTrack"))


serve(WasmJS())
