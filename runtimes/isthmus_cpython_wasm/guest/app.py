"""The component's exports: what a function's process has Python do."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
from typing import Any

from isthmus_cpython.inside import calls, clock, console, serving

from . import absent, library, loops, zones
from .frames import connection

__all__ = ["WitWorld"]

COLLECT_AFTER = 50_000
"""Objects a call makes before Python looks for cycles: that reads the whole library, and takes longer than most calls."""


class WitWorld:
    """What ``world.wit`` exports."""

    def live(self, text: str) -> None:
        """Run calls; see :func:`isthmus_cpython.inside.serving.speak`."""
        image: dict[str, Any] = json.loads(text) if text else {}
        if image:
            image["code"] = base64.b64decode(image["code"])
            serving.prepare(image)
        serving.speak(connection, image, once=not image.get("keep"), refuse=absent.refuse_threads)


library.import_all()
zones.install()
loops.install()
absent.install()
clock.install()
console.capture(-1)  # nobody hears of what is printed while code is looked at
calls._runner().run(calls._awaited(asyncio.sleep(0)))
gc.collect()
gc.freeze()
gc.set_threshold(COLLECT_AFTER)
