"""``pydantic-monty``: a Python interpreter in Rust, in processes of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pydantic_monty

from benchmarks.peers.drivers.serving import Driver, World, serve


class Session(World):
    def __init__(self, pool: Any, code: str, seconds: float, memory: int) -> None:
        limits = pydantic_monty.ResourceLimits(max_feed_duration_secs=seconds, max_memory=memory)
        self._checkout = pool.checkout(limits=limits)
        self._session = self._checkout.__enter__()
        self._session.feed_run(code)

    def call(self, event: str, settings: str) -> str:
        value = self._session.feed_run(
            "on_track(event, settings)",
            inputs={"event": json.loads(event), "settings": json.loads(settings)},
        )
        return json.dumps({"value": value})

    def close(self) -> None:
        self._checkout.__exit__(None, None, None)


class Monty(Driver):
    def __init__(self, pool: Any) -> None:
        super().__init__()
        self._pool = pool

    def world(self, code: str) -> World:
        return Session(self._pool, code, self.seconds, self.memory)


BINARY = Path(pydantic_monty.__file__).parents[1] / "bin" / "monty"
"""Where pip puts it that was told a directory."""

with pydantic_monty.Monty(max_processes=64, binary_path=BINARY) as pool:
    serve(Monty(pool))
