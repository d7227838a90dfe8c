"""Finds the files of an archive, and cuts them into parts."""

from __future__ import annotations

import glob
import hashlib
import itertools
import os
import stat
from collections.abc import Iterator, Sequence
from typing import Final

from isthmus.commands import UsageFault
from isthmus.errors import EngineError
from isthmus.eventfiles import Unreadable, detecting

from ._parquet import row_groups
from ._plan import File, Format, Part

__all__ = ["changed", "files_of", "planned"]

SUFFIXES: Final = (".ndjson", ".jsonl", ".json", ".gz", ".parquet", ".pq")
"""Of files that are taken from a directory; one that is named is taken whatever it is called."""

SAMPLE: Final = 64 * 1024
"""Bytes at the beginning, and at the end, by which a file is told from another of its size and time."""

_PARQUET: Final = b"PAR1"
_GZIP: Final = b"\x1f\x8b"


def files_of(given: Sequence[str]) -> list[str]:
    """The files that were named, by themselves, by their directories or by patterns; absolute, each once.

    Of a directory those count, at any depth, whose suffix says that they are events; names that begin with a dot or an
    underscore are left out, as other programs that write archives mean them to be.

    Raises:
        UsageFault: there is nothing of a name, or nothing in a directory.
    """
    found: dict[str, None] = {}
    for name in given:
        matches = [name] if os.path.lexists(name) else sorted(glob.glob(name, recursive=True))
        if not matches:
            raise UsageFault(f"there is no file {name!r}")
        files = [file for match in matches for file in _within(match)]
        if not files:
            raise UsageFault(f"{name!r} holds no files of events ({', '.join(SUFFIXES)})")
        found.update(dict.fromkeys(files))
    return list(found)


def _within(path: str) -> Iterator[str]:
    if not os.path.isdir(path):
        yield os.path.abspath(path)
        return
    for directory, names, files in os.walk(path):
        names[:] = sorted(name for name in names if name[0] not in "._")
        for name in sorted(files):
            if name[0] not in "._" and name.endswith(SUFFIXES):
                yield os.path.abspath(os.path.join(directory, name))


def planned(path: str, *, part_bytes: int, event_bytes: int) -> File:
    """Look at a file and cut it into parts.

    Args:
        path: absolute.
        part_bytes: how large a part is to be; a row group, or a file that can't be cut, may be larger.
        event_bytes: of one event at the most.

    Raises:
        UsageFault: it cannot be read, or is nothing that holds events.
    """
    try:
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UsageFault(f"{path} is no file that can be read twice")
            head = file.read(SAMPLE)
            sample = _sample(file.fileno(), status.st_size)
    except OSError as exc:
        raise UsageFault(f"{path} cannot be read: {exc.strerror}") from None
    told = f"{path}\0{status.st_size}\0{status.st_mtime_ns}".encode("utf-8", "surrogateescape")
    size = status.st_size
    format_ = _format_of(path, head, event_bytes)
    rows, exact = None, False
    if format_ == "parquet":
        try:
            groups = row_groups(path)
        except EngineError as exc:
            raise UsageFault(str(exc)) from None
        parts = _of_row_groups(groups, part_bytes)
        rows, exact = sum(count for count, _ in groups), True
    elif format_ == "lines":
        cuts = [*range(0, size, part_bytes), size]
        # A last part that is next to nothing is not worth its result.
        if len(cuts) > 2 and size - cuts[-2] < part_bytes // 4:
            del cuts[-2]
        parts = [Part(begin, end, end - begin) for begin, end in itertools.pairwise(cuts)]
        lines = head.count(b"\n")
        if len(head) == size:
            rows, exact = lines + (not head.endswith(b"\n")), True
        elif lines:
            rows = round(lines * size / len(head))
    else:
        parts = [Part(0, size, size)] if size else []
    return File(
        path=path,
        format=format_,
        size=size,
        changed_ns=status.st_mtime_ns,
        sample=sample,
        identity=hashlib.blake2b(told, digest_size=16).hexdigest(),
        parts=tuple(parts),
        rows=rows if size else 0,
        exact=exact or not size,
    )


def changed(file: File) -> str:
    """Say what is different about a file since it was planned; "" where nothing is.

    Its beginning and its end are looked at, and its size and time; what keeps all four is taken for the same file.
    """
    try:
        fd = os.open(file.path, os.O_RDONLY)
    except OSError as exc:
        return f"it cannot be read any more: {exc.strerror}"
    try:
        status = os.fstat(fd)
        if status.st_size != file.size:
            return f"it has {status.st_size:,} bytes and had {file.size:,}"
        if status.st_mtime_ns != file.changed_ns:
            return "it has been written to"
        if _sample(fd, file.size) != file.sample:
            return "its bytes are others"
    except OSError as exc:
        return f"it cannot be read any more: {exc.strerror}"
    finally:
        os.close(fd)
    return ""


def _sample(fd: int, size: int) -> str:
    digest = hashlib.blake2b(os.pread(fd, SAMPLE, 0), digest_size=16)
    digest.update(os.pread(fd, SAMPLE, max(0, size - SAMPLE)))
    return digest.hexdigest()


def _format_of(path: str, head: bytes, event_bytes: int) -> Format:
    if head.startswith(_PARQUET):
        return "parquet"
    if head.startswith(_GZIP):
        return "whole"
    splitter = detecting(event_bytes)
    try:
        splitter.feed(head)
    except Unreadable as exc:
        if not exc.pieces:
            raise UsageFault(f"{path} cannot be read: {exc}") from None
    return "lines" if splitter.noun == "line" else "whole"


def _of_row_groups(groups: Sequence[tuple[int, int]], part_bytes: int) -> list[Part]:
    """Row groups in order, as many in a part as it has room for, one at the least."""
    parts: list[Part] = []
    start = size = rows = 0
    for index, (count, held) in enumerate(groups):
        if index > start and size + held > part_bytes:
            parts.append(Part(start, index, size, rows))
            start, size, rows = index, 0, 0
        size += held
        rows += count
    if len(groups) > start:
        parts.append(Part(start, len(groups), size, rows))
    return parts
