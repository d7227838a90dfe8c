"""Ctrl-C and SIGTERM, as often as somebody meant them."""

from __future__ import annotations

import math
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Final

import trio

__all__ = ["interrupts"]

ECHO: Final = 0.2
"""Seconds in which a signal counts as the one before it: ``timeout`` sends each to the process and to its group."""


@contextmanager
def interrupts() -> Iterator[AsyncIterator[signal.Signals]]:
    """Receive signals from here on, those that come twice at once as one."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as received:
        yield _apart(received)


async def _apart(received: AsyncIterator[int]) -> AsyncIterator[signal.Signals]:
    last = -math.inf
    async for number in received:
        if trio.current_time() - last >= ECHO:
            last = trio.current_time()
            yield signal.Signals(number)
