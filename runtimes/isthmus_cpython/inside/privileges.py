"""Privileges given up: no new ones by exec, no capabilities, no looking into the process from outside."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import struct

from .kernel import call, libc, prctl
from .syscalls import number

__all__ = ["die_with_parent", "drop_bounds", "drop_capabilities", "forbid_new", "hide_memory"]

_SET_DEATH_SIGNAL, _SET_DUMPABLE, _DROP_BOUND, _SET_NO_NEW_PRIVILEGES = 1, 4, 24, 38
_CAPABILITY_VERSION = 0x20080522
_MOST_CAPABILITIES = 64


def forbid_new() -> None:
    """No program started from here on has more privileges than this; seccomp and Landlock ask for it."""
    prctl(_SET_NO_NEW_PRIVILEGES, "no_new_privs", 1)


def die_with_parent(parent: int = 0) -> None:
    """Be killed when the thread that forked this process ends.

    Args:
        parent: its process, where this one is to end if it has ended already; 0 where its number is not known here.
    """
    prctl(_SET_DEATH_SIGNAL, "PR_SET_PDEATHSIG", signal.SIGKILL)
    if parent and os.getppid() != parent:
        os._exit(1)


def hide_memory() -> None:
    """Let no process of the same user read or trace this one."""
    prctl(_SET_DUMPABLE, "PR_SET_DUMPABLE", 0)


def drop_bounds() -> None:
    """Give up capabilities for whatever is started later; without privileges there is nothing to give up."""
    for capability in range(_MOST_CAPABILITIES):
        if libc.prctl(_DROP_BOUND, ctypes.c_ulong(capability), 0, 0, 0) < 0:
            if ctypes.get_errno() in {errno.EINVAL, errno.EPERM}:
                return
            raise OSError(ctypes.get_errno(), "PR_CAPBSET_DROP")


def drop_capabilities() -> None:
    """Give up the capabilities of this process."""
    header = struct.pack("<Ii", _CAPABILITY_VERSION, 0)
    call(number("capset"), "capset", ctypes.c_char_p(header), ctypes.c_char_p(bytes(24)))
