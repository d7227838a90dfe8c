"""``python tests/unprivileged.py COMMAND...``: runs a command as ``nobody``; as who one is, where one is not root.

Where this interpreter, its environment and this repository lie in a directory that nobody else may enter, such as
root's home, they are shown to the command in a mount namespace of its own.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

NOBODY = 65534
_NEW_MOUNTS, _BIND, _RECURSIVE, _PRIVATE = 0x20000, 4096, 16384, 1 << 18
_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    if os.geteuid() == 0:
        _open_up({Path(sys.prefix), Path(sys.base_prefix), Path(__file__).resolve().parents[1]})
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    os.execv(sys.argv[1], sys.argv[1:])


def _open_up(needed: set[Path]) -> None:
    closed: dict[Path, list[Path]] = {}
    for path in needed:
        for above in reversed(path.resolve().parents):
            if not above.stat().st_mode & 0o001:
                closed.setdefault(above, []).append(path.resolve())
                break
    if not closed:
        return
    _check(_libc.unshare(_NEW_MOUNTS))
    _mount(None, "/", None, _RECURSIVE | _PRIVATE)
    for above, paths in closed.items():
        sources = [(path, os.open(path, os.O_PATH)) for path in paths]
        _mount("tmpfs", str(above), "tmpfs", 0, "mode=0755")
        for path, source in sources:
            path.mkdir(parents=True, exist_ok=True)
            _mount(f"/proc/self/fd/{source}", str(path), None, _BIND | _RECURSIVE)


def _mount(source: str | None, target: str, kind: str | None, flags: int, options: str = "") -> None:
    names = [None if text is None else text.encode() for text in (source, target, kind)]
    _check(_libc.mount(*names, ctypes.c_ulong(flags), options.encode() or None))


def _check(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


if __name__ == "__main__":
    main()
