"""A case in a process of its own: ``python -m benchmarks._process CASE COUNT`` prints what it found as JSON."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, TypeVar

import msgspec
import trio

__all__ = ["measured"]

_Found = TypeVar("_Found")


def measured(case: str, count: int, found: type[_Found]) -> _Found:
    """Run a case in a process of its own and give what it found."""
    command = [sys.executable, "-m", "benchmarks._process", case, str(count)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return msgspec.json.decode(done.stdout, type=found)


def _main() -> None:
    from benchmarks.call import stopping, waiting

    run: Any = {"waiting": waiting.run, "stopping": stopping.run}[sys.argv[1]]
    print(msgspec.json.encode(trio.run(run, int(sys.argv[2]))).decode())


if __name__ == "__main__":
    _main()
