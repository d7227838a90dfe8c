"""The kernel as ctypes reaches it: raw system calls, ``prctl``, and errors as ``OSError``."""

from __future__ import annotations

import ctypes
import os
import platform
import sys

__all__ = ["MACHINE", "call", "checked", "is_linux", "libc", "prctl"]

MACHINE = platform.machine()
libc = ctypes.CDLL(None, use_errno=True)
_syscall = libc.syscall
_syscall.restype = ctypes.c_long


def is_linux() -> bool:
    """Whether there is a kernel here whose calls these modules know."""
    return sys.platform == "linux"


def checked(result: int, what: str) -> int:
    """The result of a C function; an OSError that names it where it failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def call(number: int, what: str, *arguments: object) -> int:
    """A system call by its number; whole numbers are passed as longs, all else as ctypes does."""
    longs = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    return checked(_syscall(ctypes.c_long(number), *longs), what)


def prctl(option: int, what: str, *arguments: int) -> int:
    """``prctl`` with what is not given being 0."""
    longs = [ctypes.c_ulong(each) for each in (*arguments, 0, 0, 0, 0)[:4]]
    return checked(libc.prctl(ctypes.c_int(option), *longs), what)
