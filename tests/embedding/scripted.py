"""A function for the tests of the facades, over the scripted runtime."""

from __future__ import annotations

import contextvars
import threading
from typing import Any

import trio

import isthmus
from isthmus.testing import ScriptedRuntime, World

TENANT: contextvars.ContextVar[str] = contextvars.ContextVar("tenant", default="nobody")

FUNCTION = isthmus.Function(name="f", kind=isthmus.Kind.DESTINATION, language="scripted", code="f")

LIMITS = isthmus.Limits(wall=600)


class Script:
    """Handlers of one function, and what has become of its calls.

    Attributes:
        begun: set as a call that waits begins.
        waiting: calls that wait now.
        cancelled: calls that were cancelled.
        threads: names of the threads that calls ran in.
    """

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.waiting = 0
        self.cancelled = 0
        self.threads: set[str] = set()

    def on_track(self, event: Any, settings: Any, world: World) -> object:
        self.threads.add(threading.current_thread().name)
        return {"number": event.get("number"), "tenant": TENANT.get()}

    async def on_identify(self, event: Any, settings: Any, world: World) -> object:
        """Waits for ever, and says how that ended."""
        self.waiting += 1
        self.begun.set()
        try:
            await trio.sleep_forever()
        except trio.Cancelled:
            self.cancelled += 1
            raise
        finally:
            self.waiting -= 1

    def on_batch(self, events: Any, settings: Any, world: World) -> object:
        return None

    def runtime(self, *, batches: bool = True) -> ScriptedRuntime:
        handlers = {"onTrack": self.on_track, "onIdentify": self.on_identify}
        return ScriptedRuntime(handlers | ({"onBatch": self.on_batch} if batches else {}))


def track(number: int = 0) -> dict[str, object]:
    return {"type": "track", "event": "Seen", "number": number}


IDENTIFY = {"type": "identify"}
