"""Event loops that say how long they have waited for nothing: their timers run out by a clock that may stand still."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import clock

if TYPE_CHECKING:
    import asyncio

__all__ = ["tell"]


def tell(loop: asyncio.AbstractEventLoop) -> None:
    """Have a loop's waits move the call's clock on."""
    selector: Any = getattr(loop, "_selector", None)
    if selector is None:
        return
    select = selector.select

    def select_and_tell(timeout: float | None = None) -> Any:
        events = select(timeout)
        if not events and timeout is not None and timeout > 0:
            clock.waited(timeout)
        return events

    selector.select = select_and_tell
