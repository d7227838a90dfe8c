"""Files in the user's cache: whole or not there, ours alone, and of a directory no more than fits."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

__all__ = ["MOST", "is_ours", "read_kept", "write_kept"]

MOST: Final = 256 * 1024 * 1024
"""Bytes of what is kept in one directory: hundreds of bundles or of large functions."""
FORGOTTEN: Final = 3600.0
"""Seconds after which what was not written to its end never will be."""


def is_ours(path: Path) -> bool:
    """Whether the file is there, and this user's: nobody else's bytecode is run."""
    try:
        return path.stat().st_uid == os.getuid()
    except OSError:
        return False


def read_kept(path: Path) -> bytes | None:
    """What is kept there, which is noted as used; None where it is not there, or not this user's."""
    if not is_ours(path):
        return None
    try:
        content = path.read_bytes()
    except OSError:
        return None
    with suppress(OSError):
        os.utime(path)
    return content


def write_kept(path: Path, content: bytes | bytearray, most: int = MOST) -> None:
    """Keep what was made on disk, whole or not at all; in a read-only home it is made again next time.

    What has not been used for longest goes, until the directory holds no more than ``most`` bytes.  Other processes may
    read and write there meanwhile: what they have open they can read to its end, what is gone they make again.
    """
    part = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part.write_bytes(content)
        part.replace(path)
    except OSError:
        with suppress(OSError):
            part.unlink()
        return
    _clear(path, most)


def _clear(written: Path, most: int) -> None:
    """Take away what is too much beside a file that was just written, and what processes that died have left."""
    found, now = [], time.time()
    for each in written.parent.iterdir():
        with suppress(OSError):  # somebody else was faster
            at = each.lstat()
            if each.suffix == written.suffix:
                found.append((at.st_mtime, at.st_size, each))
            elif now - at.st_mtime > FORGOTTEN and each.is_file():
                each.unlink()
    total = sum(size for _, size, _ in found)
    for _, size, each in sorted(found):
        if total <= most:
            return
        if each != written:
            with suppress(OSError):
                each.unlink()
            total -= size
