"""One process for a file, held to by a lock that the kernel takes back from a dead one."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from isthmus import QueueError, QueueInUse

__all__ = ["locked"]

_mine: Final[set[str]] = set()
_guard: Final = threading.Lock()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a queue's file: that of ``PATH-lock`` beside it, which stays and names its holder.

    A POSIX record lock is not inherited by a fork, so that no child keeps the file from the next process.  It does not
    hold within one process, and closing any descriptor of the file lets go of it: hence the list of what is open here.

    Raises:
        QueueInUse: another process has it.
        QueueError: this one has.
    """
    beside = path.with_name(path.name + "-lock")
    name = os.path.realpath(beside)
    with _guard:
        if name in _mine:
            raise QueueError(
                f"{path} is open in this process already ({os.getpid()}); open it once and share it"
            )
        descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise QueueInUse(
                f"{path} is open in the process {holder}; a file is one process's: end that, or use another file",
                beside=f"sqlite:{quote(str(path))}?beside=1",
            ) from exc
        _mine.add(name)
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        with _guard:
            _mine.discard(name)
            os.close(descriptor)
