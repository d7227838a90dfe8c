"""The conversation of a driver whose contender is called and waited for."""

from __future__ import annotations

import json
import os
import sys
import time
from abc import ABC, abstractmethod
from typing import Any, Final

__all__ = ["SHIM", "Driver", "World", "resident", "serve"]

SHIM: Final = """
;var __out;
function __call(event, settings) {
  __out = undefined;
  return Promise.resolve()
    .then(() => onTrack(JSON.parse(event), JSON.parse(settings)))
    .then((value) => (__out = JSON.stringify({ value })), (error) => (__out = JSON.stringify({ error: `${error}` })));
}
"""
"""Calls the handler of a script for those that know of no handlers: texts in, a promise of one out, which is ``__out`` as well."""


class World(ABC):
    """A world with the code in it."""

    @abstractmethod
    def call(self, event: str, settings: str) -> str:
        """One event; the text ``{"value": ...}`` or ``{"error": ...}``."""

    def close(self) -> None:  # noqa: B027 -- most are given back when nobody knows them any more
        """Give it back."""


class Driver(ABC):
    """A contender, opened for one handler."""

    code: str
    event: dict[str, Any]
    settings: dict[str, Any]
    seconds: float
    memory: int

    def __init__(self) -> None:
        self._kept: World | None = None

    @abstractmethod
    def world(self, code: str) -> World:
        """A new world that is held to ``seconds`` and ``memory`` by the contender's own means."""

    def open(self, request: dict[str, Any]) -> dict[str, Any]:
        """Take the handler, and run it once."""
        for name in ("code", "event", "settings", "seconds", "memory"):
            setattr(self, name, request[name])
        return {"value": self.fresh()}

    def fresh(self) -> object:
        """One event in a world of its own: made, called, closed."""
        world = self.world(self.code)
        try:
            return self._through(world)
        finally:
            world.close()

    def kept(self) -> object:
        """One event in the world of the one before."""
        if self._kept is None:
            self._kept = self.world(self.code)
        return self._through(self._kept)

    def sample(self, request: dict[str, Any]) -> dict[str, Any]:
        """So many events, one after the other."""
        one = self.fresh if request["world"] == "fresh" else self.kept
        taken, value = [], one()
        for _ in range(request["count"]):
            began = time.perf_counter_ns()
            value = one()
            taken.append(time.perf_counter_ns() - began)
        return {"ns": taken, "value": value}

    def live(self, request: dict[str, Any]) -> dict[str, Any]:
        """What a world that has run an event takes while it lives."""
        self._through(self.world(self.code))
        before = self.resident()
        worlds = [self.world(self.code) for _ in range(request["count"])]
        for world in worlds:
            self._through(world)
        return {"bytes": (self.resident() - before) / len(worlds)}

    def resident(self) -> int:
        """Bytes in memory of the process that has the worlds."""
        return resident()

    def probe(self, request: dict[str, Any]) -> dict[str, Any]:
        """Code that wants to run for ever, or to have all memory."""
        self.seconds = request["seconds"]
        began = time.perf_counter()
        try:
            how = self.world(request["code"]).call("{}", "{}")
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is how the call ended
            how = f"{type(error).__name__}: {error}"
        return {"seconds": time.perf_counter() - began, "how": str(how)}

    def _through(self, world: World) -> object:
        answer = json.loads(world.call(json.dumps(self.event), json.dumps(self.settings)))
        return answer["value"]


def resident(process: int | str = "self") -> int:
    """Bytes of a process that are in memory."""
    with open(f"/proc/{process}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def serve(driver: Driver) -> None:
    """Answer requests until there are no more."""
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(getattr(driver, request["do"])(request)), flush=True)
