"""How many processors this process should count on, for whoever starts a thread for each."""

from __future__ import annotations

import os

__all__ = ["processors"]


def processors() -> int:
    """``$ISTHMUS_PROCESSORS``, else those that the process may run on.

    The variable is for processes that share a machine by agreement, and for containers whose quota is less than the
    processors they see.  What is no number from 1 is as if it were not there.
    """
    given = os.environ.get("ISTHMUS_PROCESSORS", "")
    if given.isascii() and given.isdigit() and int(given):
        return int(given)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
