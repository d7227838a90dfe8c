"""sleep: waiting as something the host does, so that it can be recorded and replayed."""

from __future__ import annotations

from ._door import door

__all__ = ["asleep", "sleep"]


def sleep(seconds: float) -> None:
    """Wait; other threads go on."""
    door.ask(op="sleep", seconds=float(seconds))


async def asleep(seconds: float) -> None:
    """Wait; other tasks go on."""
    await door.ask_async(op="sleep", seconds=float(seconds))
