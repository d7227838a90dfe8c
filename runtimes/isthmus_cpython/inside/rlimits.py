"""Resource limits: of memory, descriptors and files once in the zygote, of processor time in every child.

All but the last are inherited by a fork, and a zygote can live with them itself.
"""

from __future__ import annotations

import math
import resource

__all__ = ["limit", "limit_time"]

OPEN_FILES = 64
"""Descriptors a process may hold at once."""


def limit(*, memory: int, file_size: int) -> None:
    """Hold this process and those it forks to its limits for good: they are set hard, nothing raises them.

    Args:
        memory: bytes of address space, 0 for no limit.
        file_size: bytes of the longest file that may be written.
    """
    wanted = {
        "RLIMIT_CORE": 0,
        "RLIMIT_NOFILE": OPEN_FILES,
        "RLIMIT_FSIZE": file_size,
        "RLIMIT_MEMLOCK": 0,
        "RLIMIT_MSGQUEUE": 0,
    }
    if memory:
        wanted["RLIMIT_AS"] = memory
    for name, value in wanted.items():
        _set(name, value, value)


def limit_time(cpu: float) -> None:
    """End this process when it has used so many seconds of processor time, rounded up; 0 for no limit.

    The host keeps the exact time; this holds where the host cannot.
    """
    if cpu:
        seconds = math.ceil(cpu) + 1
        _set("RLIMIT_CPU", seconds, seconds + 1)  # at the first comes SIGXCPU, at the second SIGKILL


def _set(name: str, soft: int, hard: int) -> None:
    which = getattr(resource, name, None)  # not every system has each
    if which is None:
        return
    _, most = resource.getrlimit(which)
    if most != resource.RLIM_INFINITY:
        soft, hard = min(soft, most), min(hard, most)
    resource.setrlimit(which, (soft, hard))
