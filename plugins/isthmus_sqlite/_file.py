"""A queue's file: made, secured, looked through and connected to."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from isthmus import QueueError

from ._faults import damaged, fault
from ._options import Options
from ._schema import APPLICATION, CREATE, OLDEST_SQLITE, VERSION

__all__ = ["connected", "made"]


def made(path: Path) -> None:
    """See that the file is there, its owner's alone, its name on the disk and not in memory only.

    Raises:
        QueueError: it can't be made.
    """
    try:
        missing = [each for each in path.absolute().parents if not each.exists()]
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        for directory in {path.absolute().parent, *(each.parent for each in missing)}:
            _sync_directory(directory)
    except OSError as exc:
        raise QueueError(f"{path} can't be made: {exc.strerror}") from exc


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def connected(path: Path, options: Options) -> Iterator[sqlite3.Connection]:
    """The one connection to a file, exclusive, its tables there and its structure sound.

    One connection that both writes and checkpoints is also what keeps the file from the fault that SQLite had up to 3.51.2
    where one connection resets the log while another checkpoints it.  Exclusive locking means that the log's index is in
    memory and no other program gets in between.

    Raises:
        QueueError: the file is damaged, not a queue's, of a newer version, or SQLite is too old.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise QueueError(f"SQLite {sqlite3.sqlite_version} is too old; 3.38 is the first that will do")
    try:
        connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as exc:
        raise fault(exc, str(path)) from exc
    try:
        try:
            _prepare(connection, path, options)
        except sqlite3.Error as exc:
            raise fault(exc, str(path)) from exc
        yield connection
    finally:
        connection.close()


def _prepare(connection: sqlite3.Connection, path: Path, options: Options) -> None:
    def ask(pragma: str) -> object:
        row = connection.execute(f"PRAGMA {pragma}").fetchone()
        return row[0] if row else None

    ask("mmap_size = 0")
    ask("locking_mode = EXCLUSIVE")
    ask("temp_store = MEMORY")
    ask("trusted_schema = OFF")
    ask(f"cache_size = -{options.cache // 1024}")
    new = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if new:
        ask(
            "auto_vacuum = INCREMENTAL"
        )  # before the first page is written; later it would be a write at every opening
    else:
        _refuse_foreign(path, ask("application_id"), ask("user_version"))
    if ask("journal_mode = WAL") != "wal":
        raise QueueError(f"{path}: the file system does not allow a write-ahead log")
    ask(f"synchronous = {options.sync.upper()}")
    ask("checkpoint_fullfsync = ON")  # macOS, where fsync alone leaves data in the drive
    ask("fullfsync = ON")
    # The log may not need more of the disk than is left to it.
    ask(f"wal_autocheckpoint = {max(200, min(4000, options.min_free // 8192))}")
    ask("journal_size_limit = 67108864")
    if new:
        connection.executescript(CREATE)
    elif options.check != "none":
        found = ask("quick_check(1)" if options.check == "quick" else "integrity_check(1)")
        if found != "ok":
            raise damaged(str(path), str(found))


def _refuse_foreign(path: Path, application: object, version: object) -> None:
    if application != APPLICATION:
        raise QueueError(f"{path} is the database of another program")
    if not isinstance(version, int) or version > VERSION:
        raise QueueError(f"{path} was written by a newer version; its tables are of version {version}")
