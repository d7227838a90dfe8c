"""Writes records in groups, in a thread of its own, so that who has one to write does not wait for the disk."""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Generic, TypeVar, final

from .segments import Retention, new_segment

__all__ = ["MOST_WAITING", "JournalWriter"]

logger = logging.getLogger("isthmus")

R = TypeVar("R")

MOST_WAITING: Final = 100_000
"""Records that wait for the disk; further ones that nobody waits for are left out and counted."""

SHARES: Final = 16
"""A segment is ended when it is this part of what is kept, by size or by age: so much goes at one time."""

LEAST_SEGMENT: Final = 64 * 1024
LONGEST_SEGMENT: Final = 3600.0
RETENTION_EVERY: Final = 60.0
COMPLAINT_EVERY: Final = 30.0

Done = Callable[[OSError | None], None]
"""Told, in the writer's thread, that a record is kept, or why it is not."""


@final
class JournalWriter(Generic[R]):
    """Appends records to segments of a directory until it is closed.

    Args:
        directory: made where it is not there, for its owner alone.
        encode: makes one line of a record, without a line feed in it; called in the thread.
        max_bytes: of all segments together.
        max_age: seconds for which records are kept.
        linger: seconds that the first record of a group waits for others.
        sync: what is written is on the disk before anybody is told.
        clock: seconds since the epoch.

    Attributes:
        lost: records that were left out, for want of room or of a disk that takes them.

    Raises:
        OSError: the directory can't be made or written to.
    """

    def __init__(
        self,
        directory: Path,
        encode: Callable[[R], bytes],
        *,
        max_bytes: int,
        max_age: float,
        linger: float,
        sync: bool,
        clock: Callable[[], float] = time.time,
    ) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.lost = 0
        self._directory = directory
        self._encode = encode
        self._linger = linger
        self._sync = sync
        self._clock = clock
        self._retention = Retention(directory, max_bytes=max_bytes, max_age=max_age)
        self._segment_bytes = max(LEAST_SEGMENT, max_bytes // SHARES)
        self._segment_age = min(LONGEST_SEGMENT, max_age / SHARES)
        self._records: queue.SimpleQueue[tuple[R, Done | None] | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._segment = _Segment(directory, clock())
        self._retained_at = -RETENTION_EVERY
        self._complained_at = -COMPLAINT_EVERY
        self._thread = threading.Thread(target=self._run, name="isthmus_journal", daemon=True)
        self._thread.start()

    def put(self, record: R) -> None:
        """Have a record written some time soon."""
        if self._records.qsize() >= MOST_WAITING or self._closing.is_set():
            self.lost += 1
        else:
            self._records.put((record, None))

    def put_and_tell(self, record: R, done: Done) -> None:
        """Have a record written, and hear of it."""
        if self._closing.is_set():
            raise ValueError("the journal has been closed")
        self._records.put((record, done))

    def close(self) -> None:
        """Write what waits, and end; blocks until that is done."""
        if not self._closing.is_set():
            self._closing.set()
            self._records.put(None)
        self._thread.join()

    # ------------------------------------------------------------ in its thread

    def _run(self) -> None:
        last = False
        while not last:
            first = self._records.get()
            if first is None:
                break
            if self._linger:
                self._closing.wait(self._linger)
            group = [first]
            while True:
                try:
                    record = self._records.get_nowait()
                except queue.Empty:
                    break
                if record is None:
                    last = True
                    break
                group.append(record)
            self._write(group)
        self._segment.end()

    def _write(self, group: Sequence[tuple[R, Done | None]]) -> None:
        error: OSError | None = None
        try:
            now = self._clock()
            if self._segment.is_over(now, self._segment_bytes, self._segment_age):
                self._segment.end()
                self._segment = _Segment(self._directory, now)
            self._segment.write(b"".join(map(self._line, group)), sync=self._sync)
            self._retain(now)
        except OSError as exc:
            error = exc
            self.lost += len(group)
            self._segment.abandon()
            self._complain(exc)
        for _, done in group:
            if done is not None:
                done(error)

    def _line(self, waiting: tuple[R, Done | None]) -> bytes:
        try:
            return self._encode(waiting[0]) + b"\n"
        except Exception as exc:  # noqa: BLE001 -- one that cannot be encoded is not to end the thread
            logger.error(
                "the journal in %s: a record has no JSON form (%s)", self._directory, type(exc).__name__
            )
            self.lost += 1
            return b""

    def _retain(self, now: float) -> None:
        """Look at what is kept once in a while, and whenever a segment has begun."""
        if self._segment.is_new or time.monotonic() >= self._retained_at + RETENTION_EVERY:
            self._segment.is_new = False
            self._retained_at = time.monotonic()
            self._retention.enforce(now, spare=self._segment.path)

    def _complain(self, exc: OSError) -> None:
        if time.monotonic() >= self._complained_at + COMPLAINT_EVERY:
            self._complained_at = time.monotonic()
            logger.warning("the journal in %s cannot be written: %s", self._directory, exc.strerror or exc)


@final
class _Segment:
    """One file, from its beginning; opened where something is written to it first."""

    def __init__(self, directory: Path, now: float) -> None:
        self.path = new_segment(directory, now)
        self.is_new = True
        self._begun = now
        self._size = 0
        self._descriptor = -1
        self._broken = False
        self._compressor = zlib.compressobj(level=1, wbits=31)

    def is_over(self, now: float, most_bytes: int, most_age: float) -> bool:
        """Whether another one is to be begun: it is full, old, has failed, or somebody removed it."""
        if self._broken or (self._descriptor < 0 and now > self._begun):
            return True
        too_old = not 0 <= now - self._begun < most_age
        return too_old or self._size >= most_bytes or self._is_gone()

    def _is_gone(self) -> bool:
        return self._descriptor >= 0 and os.fstat(self._descriptor).st_nlink == 0

    def write(self, lines: bytes, *, sync: bool) -> None:
        if self._descriptor < 0:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._descriptor = os.open(self.path, flags, 0o600)
            if sync:
                _sync_directory(self.path.parent)
        data = self._compressor.compress(lines) + self._compressor.flush(zlib.Z_SYNC_FLUSH)
        self._append(data)
        if sync:
            os.fsync(self._descriptor)

    def _append(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            written = os.write(self._descriptor, left)
            self._size += written
            left = left[written:]

    def end(self) -> None:
        """Write the end that makes a whole gzip file of it, and close."""
        if self._descriptor < 0:
            return
        try:
            if not self._broken:
                self._append(self._compressor.flush())
                os.fsync(self._descriptor)
        except OSError as exc:
            logger.warning("the journal's %s has no end: %s", self.path, exc.strerror)
        finally:
            os.close(self._descriptor)
            self._descriptor = -1

    def abandon(self) -> None:
        """Nothing more goes to it: what came after half a group could not be read."""
        self._broken = True


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
