"""``isthmus backfill`` with one process and with two, beside ``isthmus run`` over the same events.

One process runs functions on every processor it may use, so that two are little faster than it on a machine of two.  What
sharing costs shows in processor time; what it gives, against one process that is held to one processor.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import trio

from benchmarks._command import parser, run
from benchmarks._figures import Case, Figures, Sample, interleave
from benchmarks._report import Bar
from benchmarks._subject import API_KEY, CODE, EVENT

__all__ = ["main"]

TOML: Final = """
name = "subject"
kind = "destination"
code = "function.js"

[[settings]]
name = "apiKey"
sensitive = true
"""


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    return run("backfill", parser("backfill", __doc__), _measure, arguments)


async def _measure(given: argparse.Namespace) -> tuple[list[Figures], list[Bar]]:
    count, rounds = (300, 1) if given.quick else (20_000, 3)
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        _prepare(place, count)
        cases = [
            Case(
                name=f"{command} {processes}",
                what=f"isthmus {command}, {processes} process{'es' if processes > 1 else ''}, start included; by event",
                sample=_sample(place, command, processes, "events.ndjson", count),
            )
            for command in ("run", "backfill")
            for processes in (1, 2)
        ]
        cases.append(
            Case(
                name="parquet 2",
                what="isthmus backfill of the same events as Parquet, 2 processes",
                sample=_sample(place, "backfill", 2, "events.parquet", count),
            )
        )
        cases.append(
            Case(
                name="backfill 1 of 1",
                what="isthmus backfill, 1 process that may use 1 processor",
                sample=_sample(place, "backfill", 1, "events.ndjson", count, held=True),
            )
        )
        cases += [
            Case(
                name=f"backfill {processes} cpu",
                what=f"processor time of isthmus backfill, {processes} process{'es' if processes > 1 else ''}; by event",
                sample=_sample(place, "backfill", processes, "events.ndjson", count, cpu=True),
            )
            for processes in (1, 2)
        ]
        figures = await interleave(cases, rounds)

    def ratio(case: str, other: str, least: float) -> Bar:
        value = figures[other].ratio_to(figures[case])
        return Bar(case=case, text=f"throughput of {case} / {other}", value=value, least=least)

    bars = [
        ratio("backfill 1", "run 1", 0.6),
        ratio("backfill 2", "run 2", 0.8),
        ratio("backfill 2", "backfill 1 of 1", 1.5),
        ratio("backfill 2 cpu", "backfill 1 cpu", 0.7),
    ]
    return list(figures.values()), bars


def _prepare(place: Path, count: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    (place / "function.js").write_text(CODE)
    (place / "function.toml").write_text(TOML)
    (place / "settings.json").write_text(json.dumps({"apiKey": API_KEY}))
    events = [json.loads(EVENT) | {"messageId": f"m{number}"} for number in range(count)]
    (place / "events.ndjson").write_text("".join(json.dumps(event) + "\n" for event in events))
    pq.write_table(pa.Table.from_pylist(events), place / "events.parquet", row_group_size=2000)


HELD: Final = "import os, sys; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); os.execv(sys.argv[1], sys.argv[1:])"
"""Runs a command on one processor."""


def _sample(
    place: Path,
    command: str,
    processes: int,
    events: str,
    count: int,
    *,
    held: bool = False,
    cpu: bool = False,
) -> Sample:
    isthmus = [sys.executable, "-m", "isthmus", command]
    if held:
        isthmus = [sys.executable, "-c", HELD, *isthmus]
    settings = ["--settings", "settings.json", "--processes", str(processes), "--quiet"]
    if command == "run":
        arguments = [*isthmus, "function.js", events, "--out", "outcomes.ndjson", *settings]
    else:
        arguments = [
            *isthmus,
            events,
            "--to",
            "function.js",
            "--ledger",
            "ledger",
            "--part-size",
            "2M",
            *settings,
        ]

    async def sample() -> Sequence[float]:
        shutil.rmtree(place / "ledger", ignore_errors=True)
        began = _processor_time() if cpu else time.perf_counter()
        await trio.run_process(arguments, cwd=place, stdin=subprocess.DEVNULL)
        return [((_processor_time() if cpu else time.perf_counter()) - began) / count]

    return sample


def _processor_time() -> float:
    """Seconds that processes which have been waited for have used, theirs included."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
