"""Namespaces: no network, no other processes, and a root directory with little in it.

A user namespace gives an unprivileged process the right to make the others.  What a function could do with
such rights itself its seccomp filter forbids.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Mapping, Sequence

from .kernel import call, checked, libc
from .syscalls import number

__all__ = ["SCRATCH", "SCRATCH_BYTES", "enter", "own_scratch", "read_only_root"]

NOBODY = 65534
SCRATCH = "/scratch"
"""Of the new root: each process mounts a directory of its own below, and ``/tmp`` points there.

Landlock's rules are made once, before those mounts.  One on the directory above a mount holds within it;
one on the mount's own place would not.
"""
_OWN = f"{SCRATCH}/tmp"
SCRATCH_BYTES = 16 * 1024 * 1024
SCRATCH_FILES = 256
DEVICES = ("null", "zero", "urandom")

_MOUNTS, _UTS, _IPC, _USER, _PIDS, _NETWORK = (
    0x00020000,
    0x04000000,
    0x08000000,
    0x10000000,
    0x20000000,
    0x40000000,
)
_READ_ONLY, _NO_SETUID, _NO_DEVICES, _NO_EXEC, _REMOUNT, _BIND, _RECURSIVE, _PRIVATE = (
    1,
    2,
    4,
    8,
    32,
    4096,
    16384,
    1 << 18,
)
_DETACH = 2


def enter() -> None:
    """Leave the host's namespaces; the next process that this one forks is the first of its own.

    Raises:
        OSError: the kernel, a security module or a container does not allow it.
    """
    user, group = os.geteuid(), os.getegid()
    others = _MOUNTS | _PIDS | _NETWORK | _IPC | _UTS
    try:
        _unshare(_USER | others)
    except OSError:
        if user:
            raise
        _unshare(others)  # root needs no user namespace, where those are forbidden
        return
    for file, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{NOBODY} {user} 1"),
        ("gid_map", f"{NOBODY} {group} 1"),
    ):
        with open(f"/proc/self/{file}", "w", encoding="ascii") as opened:
            opened.write(text)


def _unshare(flags: int) -> None:
    checked(libc.unshare(ctypes.c_int(flags)), "unshare")


def _mount(source: str | None, target: str, kind: str | None, flags: int, options: str = "") -> None:
    names = [None if text is None else os.fsencode(text) for text in (source, target, kind)]
    data = options.encode() or None
    checked(libc.mount(*names, ctypes.c_ulong(flags), data), f"mount {kind or source or ''} on {target}")


def read_only_root(mounted: Mapping[str, str], masked: Sequence[str]) -> None:
    """Make a root directory that holds some paths, read-only, and an empty ``/tmp``; leave the host's.

    Args:
        mounted: by their places in the new root, files and directories of the host, those that hold others first.
        masked: directories in the new root that are to be empty.

    Raises:
        OSError: a mount was not allowed.
    """
    _mount(None, "/", None, _RECURSIVE | _PRIVATE)
    # What is bound is opened before the new root covers it, and within the new namespace, to whose mounts
    # a source must belong.
    sources = [
        (place, os.open(path, os.O_PATH | os.O_CLOEXEC))
        for place, path in mounted.items()
        if os.path.exists(path)
    ]
    devices = [(f"/dev/{name}", os.open(f"/dev/{name}", os.O_PATH | os.O_CLOEXEC)) for name in DEVICES]
    base = "/tmp"
    _mount("tmpfs", base, "tmpfs", _NO_SETUID | _NO_DEVICES, "size=1m,mode=0755")
    root = f"{base}/root"
    os.mkdir(root)
    _mount("tmpfs", root, "tmpfs", _NO_SETUID, "size=1m,mode=0755")
    os.makedirs(root + _OWN)
    os.symlink(_OWN.lstrip("/"), f"{root}/tmp")
    for place, source in sources:
        _bind(source, root + place, _READ_ONLY | _NO_SETUID | _NO_DEVICES)
    for path in masked:
        _mount("tmpfs", root + path, "tmpfs", _READ_ONLY | _NO_SETUID | _NO_DEVICES, "size=4k,mode=0555")
    for path, source in devices:
        _bind(source, root + path, _NO_SETUID | _NO_EXEC)
    os.mkdir(f"{root}/old")
    os.chdir(root)
    call(number("pivot_root"), "pivot_root", ctypes.c_char_p(b"."), ctypes.c_char_p(b"old"))
    os.chdir("/")
    checked(libc.umount2(b"/old", _DETACH), "umount of the host's root")
    os.rmdir("/old")
    _mount(None, "/", None, _REMOUNT | _BIND | _READ_ONLY | _NO_SETUID)
    for _, source in (*sources, *devices):
        os.close(source)


def _bind(source: int, target: str, flags: int) -> None:
    origin = f"/proc/self/fd/{source}"
    if os.path.isdir(origin):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with contextlib.suppress(FileExistsError), open(target, "x", encoding="ascii"):
            pass
    _mount(origin, target, None, _BIND | _RECURSIVE)
    _mount(None, target, None, _BIND | _REMOUNT | flags)


def own_scratch() -> None:
    """Give this process an empty ``/tmp`` that nobody else sees and that is gone with it.

    Raises:
        OSError: a mount was not allowed.
    """
    _unshare(_MOUNTS)
    options = f"size={SCRATCH_BYTES},nr_inodes={SCRATCH_FILES},mode=0700,uid={os.geteuid()}"
    _mount("tmpfs", _OWN, "tmpfs", _NO_SETUID | _NO_DEVICES | _NO_EXEC, options)
