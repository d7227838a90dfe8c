"""Console output: what is printed, logged, or written to ``sys.stderr``, line by line to the host."""

from __future__ import annotations

import _thread
import io
import sys
from collections.abc import Iterable
from typing import Any

from isthmus_guest._channel import LOG
from isthmus_guest._console import log
from isthmus_guest._door import door

from . import clock

__all__ = ["capture", "flush", "left_out"]

LONGEST = 64 * 1024
"""Characters of one line; a longer one goes in parts."""
_LEVELS = ((40, "error"), (30, "warn"), (20, "info"))
_state = {"room": 0, "left_out": 0}


def capture(room: int) -> None:
    """Send console output to the host, up to so many bytes and one line more, so that it sees a cut."""
    _state["most"] = _state["room"] = room
    _state["left_out"] = 0
    if isinstance(sys.stdout, _Stream):
        return  # captured already, while the interpreter was made
    sys.stdout = _Stream("log")
    sys.stderr = _Stream("error")
    log._write = _write  # noqa: SLF001 -- the guest's module and this one are two halves
    # It is imported ahead where the function's code does; without, its warnings go to sys.stderr by themselves.
    if (logging := sys.modules.get("logging")) is not None:
        root = logging.getLogger()
        root.setLevel(logging.INFO)
        root.addHandler(_handler(logging))


def flush() -> None:
    """Send what stands on a line that is not ended."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, _Stream):
            stream.flush_line()


def left_out() -> int:
    """Bytes that were not sent since the last time this was asked; the room is there again."""
    count, _state["left_out"], _state["room"] = _state["left_out"], 0, _state["most"]
    return count


def _write(level: str, text: str) -> None:
    size = len(text.encode("utf-8", "replace"))
    if _state["room"] < 0:
        _state["left_out"] += size
        return
    _state["room"] -= max(size, 1)
    at = round(clock.elapsed(), 6)
    for start in range(0, max(len(text), 1), LONGEST):
        door.send(LOG, {"level": level, "text": text[start : start + LONGEST], "at": at})


class _Stream(io.TextIOBase):
    """A text stream whose lines are console output."""

    def __init__(self, level: str) -> None:
        self._level = level
        self._parts: list[str] = []
        self._lock = _thread.RLock()

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        with self._lock:
            *lines, rest = text.split("\n")
            for line in lines:
                self._parts.append(line)
                _write(self._level, "".join(self._parts))
                self._parts = []
            if rest:
                self._parts.append(rest)
                if sum(map(len, self._parts)) > LONGEST:
                    self.flush_line()
        return len(text)

    def writelines(self, lines: Iterable[str], /) -> None:  # type: ignore[override] # text alone
        for line in lines:
            self.write(line)

    def flush_line(self) -> None:
        with self._lock:
            if self._parts:
                parts, self._parts = self._parts, []
                _write(self._level, "".join(parts))


def _handler(logging: Any) -> Any:
    """A handler that sends log records as lines of their level."""

    class Handler(logging.Handler):  # type: ignore[misc] # the module came as a value
        def emit(self, record: Any) -> None:
            try:
                text = self.format(record)
            except Exception:  # noqa: BLE001 -- a record that cannot be formatted is the author's, and shown as such
                self.handleError(record)
                return
            _write(next((name for least, name in _LEVELS if record.levelno >= least), "debug"), text)

    return Handler()
