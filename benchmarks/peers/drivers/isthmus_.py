"""isthmus, by its public API: JavaScript, or the language that the argument names, ``python`` or ``wasm``."""

from __future__ import annotations

import base64
import itertools
import json
import sys
import time
from typing import Any, final

import msgspec
import trio

import isthmus
from benchmarks.peers.drivers.serving import resident

FILES = {"javascript": "handler.js", "python": "handler.py", "wasm": "handler.wasm"}
WAITING = {
    "javascript": "async function onTrack() { await new Promise((done) => setTimeout(done, 3000)); }",
    "python": "import asyncio\nasync def on_track(event, settings):\n    await asyncio.sleep(3)\n",
}


@final
class Isthmus:
    """Answers as :class:`benchmarks.peers.drivers.serving.Driver` does.

    A kept world is ``isolation="instance"``; ``many`` is ``Engine.invoke_each``, which is what ``isthmus run`` uses.
    """

    def __init__(self, engine: isthmus.Engine, language: str) -> None:
        self._engine = engine
        self._language = language

    async def open(self, request: dict[str, Any]) -> dict[str, Any]:
        self._limits = isthmus.Limits(
            wall=request["seconds"], cpu=request["seconds"], memory=request["memory"]
        )
        self._event = msgspec.json.encode(request["event"])
        self._settings = request["settings"]
        self._worlds = {
            "fresh": await self._load(request["code"]),
            "kept": await self._load(request["code"], isolation="instance"),
        }
        return {"value": await self._one(self._worlds["fresh"])}

    async def sample(self, request: dict[str, Any]) -> dict[str, Any]:
        instance = self._worlds[request["world"]]
        taken, value = [], await self._one(instance)
        for _ in range(request["count"]):
            began = time.perf_counter_ns()
            value = await self._one(instance)
            taken.append(time.perf_counter_ns() - began)
        return {"ns": taken, "value": value}

    async def many(self, request: dict[str, Any]) -> dict[str, Any]:
        outcomes: list[isthmus.Outcome | isthmus.InvalidInput] = []
        began = time.perf_counter()
        await self._engine.invoke_each(
            self._worlds["fresh"],
            itertools.repeat(self._event, request["count"]),
            lambda _, outcome: outcomes.append(outcome),
        )
        seconds = time.perf_counter() - began
        values = {bytes(outcome.value or b"") for outcome in outcomes if isinstance(outcome, isthmus.Outcome)}
        (value,) = values
        return {"seconds": seconds, "value": msgspec.json.decode(value)}

    async def live(self, request: dict[str, Any]) -> dict[str, Any]:
        self._limits = isthmus.Limits(wall=60.0, memory=self._limits.memory)
        instance = await self._load(WAITING[self._language])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._engine.invoke, instance, self._event)
            await trio.sleep(0.5)
            before = resident()
            for _ in range(request["count"]):
                nursery.start_soon(self._engine.invoke, instance, self._event)
            await trio.sleep(1.5)
            return {"bytes": (resident() - before) / request["count"]}

    async def probe(self, request: dict[str, Any]) -> dict[str, Any]:
        self._limits = isthmus.Limits(
            wall=request["seconds"], cpu=request["seconds"], memory=self._limits.memory
        )
        instance = await self._load(request["code"])
        began = time.perf_counter()
        outcome = await self._engine.invoke(instance, b'{"type":"track"}')
        said = outcome.problem.message if outcome.problem is not None else ""
        return {"seconds": time.perf_counter() - began, "how": f"{outcome.status.value}: {said}"}

    async def _load(self, code: str, isolation: Any = "call") -> isthmus.Instance:
        function = isthmus.Function(
            kind=isthmus.Kind.DESTINATION,
            name="contest",
            language=self._language,
            code=base64.b64decode(code) if self._language == "wasm" else code,
            file=FILES[self._language],
            isolation=isolation,
            settings=tuple(isthmus.SettingDefinition(name=name) for name in self._settings),
        )
        return await self._engine.load(function, settings=self._settings, limits=self._limits)

    async def _one(self, instance: isthmus.Instance) -> object:
        outcome = await self._engine.invoke(instance, self._event)
        return msgspec.json.decode(outcome.value) if outcome.value is not None else None


async def main() -> None:
    """Answer requests until there are no more."""
    async with isthmus.open_engine() as engine:
        driver = Isthmus(engine, sys.argv[1] if len(sys.argv) > 1 else "javascript")
        while line := await trio.to_thread.run_sync(sys.stdin.readline):
            request = json.loads(line)
            print(json.dumps(await getattr(driver, request["do"])(request)), flush=True)


trio.run(main)
