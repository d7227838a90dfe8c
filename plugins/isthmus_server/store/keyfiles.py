"""A file of keys, changed: a new key put before the others, and the others taken away."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from .faults import StoreError
from .sealing import KeyRing, new_key

__all__ = ["forget_old_keys", "put_new_key"]


def put_new_key(path: Path) -> None:
    """Put a new key before those in a file: it seals from now on, and the others open what they have sealed.

    Raises:
        StoreError: the file can't be read or written, or what is in it is none.
    """
    KeyRing.from_file(path)
    _write(path, [new_key(), *_lines(path)])


def forget_old_keys(path: Path) -> int:
    """Take all keys but the first out of a file, and say how many those were; what they have sealed opens no more.

    Raises:
        StoreError: the file can't be read or written, or what is in it is none.
    """
    KeyRing.from_file(path)
    first, *others = [word for line in _lines(path) for word in line.partition("#")[0].split()]
    if others:
        _write(path, [first])
    return len(others)


def _lines(path: Path) -> list[str]:
    return path.read_text("ascii").splitlines()


def _write(path: Path, lines: list[str]) -> None:
    """Replace a file, whole or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(
            os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii"
        ) as file:
            file.write("".join(f"{line}\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as exc:
        raise StoreError(f"the keys in {path} can't be written: {exc.strerror}") from None
    finally:
        part.unlink(missing_ok=True)
