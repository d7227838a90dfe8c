"""The command line, each time in a process of its own: ``isthmus run`` on many events, ``isthmus invoke`` of one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import final

import msgspec

from benchmarks._subject import API_KEY, CODE, EVENT

__all__ = ["Workplace"]


@final
class Took(msgspec.Struct, frozen=True):
    """Seconds on the clock, and seconds of processor time."""

    wall: float
    cpu: float


@final
class Workplace:
    """A directory with a function, events, and a cache of compiled code that is nobody else's."""

    def __init__(self, directory: Path, events: int) -> None:
        self._directory = directory
        self.events = events
        (directory / "subject.js").write_text(CODE, "utf-8")
        (directory / "event.json").write_bytes(EVENT)
        (directory / "events.ndjson").write_bytes((EVENT + b"\n") * events)

    def run(self) -> Took:
        """``isthmus run`` on all events, the outcomes into a file."""
        took = self._isthmus("run", "subject.js", "events.ndjson", "--out", "outcomes.ndjson", "--quiet")
        with (self._directory / "outcomes.ndjson").open("rb") as outcomes:
            delivered = sum(b'"status":"delivered"' in line for line in outcomes)
        assert delivered == self.events, f"{delivered} of {self.events} events were delivered"
        return took

    def invoke(self) -> Took:
        """``isthmus invoke`` on one event."""
        return self._isthmus("invoke", "subject.js", "--event", "event.json")

    def _isthmus(self, *arguments: str) -> Took:
        command = [sys.executable, "-m", "isthmus", *arguments, "--set", f"apiKey={API_KEY}"]
        log = self._directory / "log"
        began = time.perf_counter()
        with log.open("wb") as output:
            child = subprocess.Popen(
                command,
                cwd=self._directory,
                env=_environment(self._directory / "cache"),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
            _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise RuntimeError(
                f"{' '.join(command)} ended with {child.returncode}:\n{log.read_text('utf-8')}"
            )
        return Took(wall, usage.ru_utime + usage.ru_stime)


def _environment(cache: Path) -> dict[str, str]:
    """That of this process, and a cache of its own; a second start finds bytecode, as it does on anybody's machine."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "ISTHMUS_CACHE": str(cache)}
