"""Writes the result of a part again and again, killed at another moment each time; a script, with one JSON line as its answer.

``python crashing.py DIRECTORY`` writes as the ledger does; ``... DIRECTORY direct`` as one might think would do.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from pathlib import Path

from isthmus.commands import UsageFault
from isthmus_backfill import _ledger
from isthmus_backfill._ledger import Counts, Ledger, PartResult

RESULT = PartResult(
    file="/archive/events.ndjson", start=0, end=100, bytes=100, counts=Counts(delivered=3, refused=1)
)
FAILED = b'{"status":"refused","reason":"of the test"}\n'
SYSCALLS = 8
SIZES = (0, 1, 20, 43, 44, 60, 200)


def direct(path: Path, data: bytes) -> None:
    """What a kill in the middle makes half a file of."""
    path.write_bytes(data)


def dying(ledger: Ledger, *, call: int | None, size: int | None) -> None:
    """Write, in a process that is killed at the n-th opening or renaming, or behind so many bytes of a file."""
    pid = os.fork()
    if not pid:
        count = 0

        def hear(event: str, _: object) -> None:
            nonlocal count
            if event in {"open", "os.rename", "os.remove"}:
                if count == call:
                    os.kill(os.getpid(), signal.SIGKILL)
                count += 1

        sys.addaudithook(hear)
        if size is not None:
            # The kernel writes so many bytes, and then the signal kills: no handler, no clean-up.
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        ledger.write((0, 0), RESULT, FAILED)
        os._exit(0)
    os.waitpid(pid, 0)


def seen(ledger: Ledger) -> str:
    """What the next run makes of what was left."""
    try:
        found = ledger.results()
    except UsageFault:
        return "damaged"
    if not found:
        return "missing"
    failed = ledger.failed_file(found[0, 0])
    whole = failed is not None and failed.read_bytes() == FAILED and found[0, 0].counts == RESULT.counts
    return "done" if whole else "damaged"


def main(directory: Path, how: str) -> None:
    if how == "direct":
        _ledger.write_whole = direct
    points = [(call, None) for call in range(SYSCALLS)] + [(None, size) for size in SIZES]
    ends: list[str] = []
    for number, (call, size) in enumerate(points):
        ledger = Ledger(directory / str(number))
        (ledger.path / "parts").mkdir(parents=True)
        dying(ledger, call=call, size=size)
        ends.append(seen(ledger))
        with ledger.locked():  # the next run
            ledger.write((0, 0), RESULT, FAILED)
        left = sorted(path.name for path in (ledger.path / "parts").iterdir())
        assert left == ["000000-000000.failed.ndjson", "000000-000000.json"], left
    sys.stdout.write(json.dumps(ends))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "")
