"""What the writer does with a burst of jobs: one transaction for all of them, whatever task each comes from."""

from __future__ import annotations

import itertools
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, final

from isthmus import InvalidInput, QueueError, QueueFull
from isthmus.queues import Entry, Measure

from ._claiming import Claimer
from ._clock import Clock
from ._faults import UNUSABLE, fault
from ._jobs import Job, Leasing, Line, Publishing, Settling
from ._letters import Letters
from ._lines import Lines
from ._options import Options
from ._publishing import Publisher
from ._settling import Settler

__all__ = ["Store"]

_OVERHEAD: Final = 400
"""Bytes of a delivery in the file beside its body: rows, indexes, half-filled pages."""
_END_LEASES: Final = (
    """
    UPDATE delivery INDEXED BY tried SET leased = 0, due = min(due, ?)
    WHERE attempt > 0 AND held = 0 AND leased = 1""",
    """
    UPDATE delivery INDEXED BY held SET leased = 0, due = min(due, ?)
    WHERE held = 1 AND leased = 1""",
)
_HOW: Final = ("ack", "bury", "retry", "extend", "release")


@final
class Store:
    """The file behind its writer thread; only that calls in here.

    Args:
        connection: the file's.
        path: of the file.
        options: how it is kept.
        make_clock: makes the file's time from the last moment the file knows of.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: Path,
        options: Options,
        make_clock: Callable[[int], Clock] = Clock,
    ) -> None:
        self._connection = connection
        self._execute = connection.execute
        self._path = path
        self._options = options
        self._broken: QueueError | None = None
        self._page_size = int(self._execute("PRAGMA page_size").fetchone()[0])
        self._since_looked = 0
        self.commits = self.committed = 0
        self.committing = 0.0
        self.clock = make_clock(self._last_moment())
        opening = self._open()
        last = self._execute("SELECT max(id) FROM delivery").fetchone()[0] or 0
        publisher = Publisher(connection, itertools.count(last + 1).__next__)
        self._publisher = publisher
        self._claimer = Claimer(connection, self.clock, opening)
        self._settler = Settler(connection, opening)
        self.lines = Lines(connection)
        self.letters = Letters(connection, self.clock, publisher)

    def _last_moment(self) -> int:
        row = self._execute("""
            SELECT max(ifnull((SELECT value FROM moment WHERE name = 'closed'), 0),
                       ifnull((SELECT published FROM delivery ORDER BY id DESC LIMIT 1), 0),
                       ifnull((SELECT buried FROM dead ORDER BY id DESC LIMIT 1), 0))""").fetchone()
        return int(row[0])

    def _open(self) -> int:
        """Count this opening, and end the leases of the one before, whose holders are gone: the lock says so."""
        now = self.clock.now()
        self._execute("BEGIN IMMEDIATE")
        self._execute("""
            INSERT INTO moment VALUES ('opening', 1) ON CONFLICT DO UPDATE SET value = value + 1""")
        for statement in _END_LEASES:
            self._execute(statement, (now,))
        opening = self._execute("SELECT value FROM moment WHERE name = 'opening'").fetchone()[0]
        self._execute("COMMIT")
        return int(opening)

    def close(self) -> None:
        """Note the time, and leave no log behind; on a full disk the log stays, and nothing in it is lost."""
        with suppress(sqlite3.Error):
            self._execute("INSERT OR REPLACE INTO moment VALUES ('closed', ?)", (self.clock.now(),))
            self._execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def run(self, jobs: Sequence[Job]) -> None:
        """Do them all and commit; each has its answer or its error then.

        Where the transaction fails it is taken back, and each job gets one of its own, so that only what can't be done is not.
        """
        try:
            if self._broken is not None:
                raise self._broken
            self._execute("BEGIN IMMEDIATE")
            self._run(jobs)
            began = time.perf_counter()
            self._execute("COMMIT")
            self.committing += time.perf_counter() - began
            self.commits += 1
            self.committed += len(jobs)
        except Exception as exc:  # noqa: BLE001 -- handed to who asked
            self._take_back()
            if len(jobs) > 1 and self._broken is None and not self._is_unusable(exc):
                for job in jobs:
                    self.run([job])
                return
            error = fault(exc, str(self._path)) if isinstance(exc, sqlite3.Error) else exc
            if self._is_unusable(exc) and isinstance(error, QueueError):
                self._broken = error
            if isinstance(error, QueueFull) and not isinstance(jobs[0].work, Publishing):
                error = QueueError(f"{error}; free some: until then this can't be noted down")
            for job in jobs:  # an exception of its own each: it is raised in as many tasks
                job.error = type(error)(*error.args)
                job.error.__cause__ = exc

    @staticmethod
    def _is_unusable(exc: BaseException) -> bool:
        return isinstance(exc, sqlite3.Error) and getattr(exc, "sqlite_errorname", "") in UNUSABLE

    def _take_back(self) -> None:
        try:
            if self._connection.in_transaction:
                self._execute("ROLLBACK")
            if self._broken is None:
                self.lines.load()
        except sqlite3.Error as exc:
            self._broken = fault(exc, str(self._path))

    def _run(self, jobs: Sequence[Job]) -> None:
        """What settles goes first and what claims last: the tasks of one burst wait for nothing of each other's."""
        now = self.clock.now()
        settling: dict[str, tuple[list[Any], list[Any]]] = {}
        publishing: list[tuple[Job, Publishing]] = []
        leasing: list[tuple[Job, Leasing]] = []
        asking: list[tuple[Job, Callable[[], Any]]] = []
        for job in jobs:
            job.error = job.answer = None
            work = job.work
            if isinstance(work, Settling):
                claims, details = settling.setdefault(work.how, ([], []))
                claims.extend(work.claims)
                details.extend(work.details)
            elif isinstance(work, Publishing):
                publishing.append((job, work))
            elif isinstance(work, Leasing):
                leasing.append((job, work))
            else:
                asking.append((job, work))
        for how in _HOW:
            if how in settling:
                self._settler.settle(how, *settling[how], self.lines.known, now)
        for job, plain in asking:
            job.answer = plain()
        if publishing:
            self._publish(publishing, now)
        for job, claim in leasing:
            self._lease(job, claim, now)

    def _publish(self, jobs: Sequence[tuple[Job, Publishing]], now: int) -> None:
        room = self._room()
        entries: list[Entry] = []
        for job, work in jobs:
            size = sum(len(entry.body) + _OVERHEAD for entry in work.entries)
            if size > room:
                job.error = QueueFull(
                    f"there is no room for {size:,} bytes in {self._path}; nothing of them was kept"
                )
                continue
            room -= size
            entries += work.entries
        if entries:
            self._publisher.publish(entries, self.lines.known, now)

    def _room(self) -> int:
        """Bytes that may still be taken in."""
        pages, unused, size = self._pages()
        disk = os.statvfs(self._path.parent)
        # What the log holds and the file does not yet is spoken for; unused pages of the file are there already.
        to_come = max(0, pages * size - self._path.stat().st_size)
        left = disk.f_bavail * disk.f_frsize - self._options.min_free - to_come + unused * size
        return min(left, self._options.max_bytes - (pages - unused) * size)

    def _pages(self) -> tuple[int, int, int]:
        """Pages of the file, how many of them are unused, and bytes of one."""
        pages, unused = (
            int(self._execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "freelist_count")
        )
        return pages, unused, self._page_size

    def measures(self) -> list[Measure]:
        """What is to be known of the file's writing, and its sizes."""
        log = self._path.with_name(self._path.name + "-wal")
        counters = (
            ("commits", "Transactions written.", self.commits),
            ("committed_calls", "Calls of all tasks in them.", self.committed),
            ("commit_seconds", "Time that their commits took, the fsync included.", self.committing),
            (
                "expired_leases",
                "Leases that ran out, and what they held was claimed anew.",
                self._claimer.expired,
            ),
        )
        sizes = (
            ("used_bytes", "Bytes of the file that hold something.", self.used()),
            ("log_bytes", "Bytes of the write-ahead log.", log.stat().st_size if log.exists() else 0),
        )
        return [
            *(
                Measure(name=f"sqlite_{name}_total", kind="counter", help=said, value=value)
                for name, said, value in counters
            ),
            *(
                Measure(name=f"sqlite_{name}", kind="gauge", help=said, value=value)
                for name, said, value in sizes
            ),
        ]

    def used(self) -> int:
        """Bytes of the file that hold something."""
        pages, unused, size = self._pages()
        return (pages - unused) * size

    def _lease(self, job: Job, work: Leasing, now: int) -> None:
        line = self.line(work.queue)
        claims = [] if job.given_up else self._claimer.claim(line, work.most, now)
        job.answer = (claims, None if claims else self._claimer.next_due(line, now))

    def line(self, name: str) -> Line:
        """A queue by its name.

        Raises:
            InvalidInput: there is none.
        """
        try:
            return self.lines.known[name]
        except KeyError:
            raise InvalidInput(f"there is no queue {name!r}; it has to be declared first") from None

    def compact(self) -> bool:
        """Give some unused pages back to the file system where half of a large file is unused; whether it did."""
        self._since_looked -= 1
        if self._broken is not None or self._since_looked > 0:
            return False
        pages, unused, _ = self._pages()
        if unused < 4096 or unused * 2 < pages:
            self._since_looked = 64
            return False
        self._execute("PRAGMA incremental_vacuum(512)").fetchall()
        return True
