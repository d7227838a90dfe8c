"""What one call logs: whole lines, or a stream cut into them, up to a number of bytes."""

from __future__ import annotations

import time

from isthmus.abc import Host

__all__ = ["Log"]


class Log:
    """The log of one call, kept until its host is told.

    Args:
        limit: bytes of text that are kept; what comes after them is counted.

    Attributes:
        began: when the call did, on ``time.monotonic``'s clock.
    """

    def __init__(self, limit: int) -> None:
        self.began = 0.0
        self._limit = limit
        self._lines: list[tuple[str, str, float]] = []  # level, text, seconds since the start
        self._total = 0
        self._unfinished = b""

    def add(self, level: str, text: str) -> None:
        """Take a line."""
        held = self._total
        self._total += len(text.encode("utf-8", "replace"))
        if held <= self._limit:  # one more than is kept, so that the host sees that there was more
            self._lines.append((level, text, time.monotonic() - self.began))

    def feed(self, data: bytes) -> None:
        """Take what was printed, of which the last line may go on."""
        *lines, self._unfinished = (self._unfinished + data).split(b"\n")
        for line in lines:
            self.add("log", line.decode("utf-8", "replace"))
        if len(self._unfinished) > self._limit:
            self.finish()

    def finish(self) -> None:
        """Nothing more is printed of the last line."""
        if self._unfinished:
            self.add("log", self._unfinished.decode("utf-8", "replace"))
            self._unfinished = b""

    def last_line(self) -> str:
        """The last of it, ended or not; "" for none."""
        if self._unfinished.strip():
            return self._unfinished.decode("utf-8", "replace").strip()
        return self._lines[-1][1] if self._lines else ""

    def tell(self, host: Host) -> None:
        """Hand it over; in the Trio thread."""
        told = 0
        for level, text, at in self._lines:
            host.log(level, text, at)
            told += len(text.encode("utf-8", "replace"))
        if self._total > told:
            host.log_left_out(self._total - told)
        self._lines = []
