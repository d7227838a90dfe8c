"""Runs benchmarks and compares their ratios with those kept in the repository: a regression above 10 % fails."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, final

import msgspec

from ._ratios import MOST, Ratios, Verdict, compared, joined, lost, of_lines
from ._report import machine
from ._tables import verdicts_as_table

__all__ = ["BENCHES", "KEPT", "Baseline", "main", "measured", "settled"]

KEPT: Final = Path(__file__).with_name("baseline.json")
BENCHES: Final = ("call", "crypto", "intl", "python", "tapes", "wasm")
"""What the baseline is made of: what takes seconds, and hangs on processors more than on disks and networks."""
AGAIN: Final = 2
"""How often a benchmark is run again, each time as often as before, in which something seems to have become worse."""


@final
class Baseline(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file of what was.

    Attributes:
        machine: that it was measured on.
        ratios: of all runs.
    """

    machine: dict[str, str | int]
    ratios: Ratios


Measure = Callable[[str], Ratios]
"""Runs a benchmark once."""


def main(arguments: Sequence[str]) -> int:
    """Compare, or write the file; the exit status is 1 where something has regressed, or is no more."""
    made = argparse.ArgumentParser(prog="python -m benchmarks check", description=__doc__)
    made.add_argument(
        "bench", nargs="*", help=f"one that is in the file; all by default ({', '.join(BENCHES)})"
    )
    made.add_argument("--runs", type=int, default=3, help="of each, in processes of their own; 3 by default")
    made.add_argument("--quick", action="store_true", help="quick runs, whose ratios say little")
    made.add_argument("--baseline", type=Path, default=KEPT, help="the file, by default the repository's")
    made.add_argument("--write", action="store_true", help="write the file, instead of comparing with it")
    given = made.parse_args(arguments)
    if given.runs < 1:
        made.error("--runs takes a number from 1")

    def run(bench: str) -> Ratios:
        return measured(bench, quick=given.quick)

    if given.write:
        ratios: Ratios = {}
        for bench in given.bench or BENCHES:
            ratios |= _several(run, bench, given.runs)
        _write(given.baseline, ratios)
        return 0
    then = msgspec.json.decode(given.baseline.read_bytes(), type=Baseline)
    if unknown := [bench for bench in given.bench if bench not in then.ratios]:
        made.error(f"{given.baseline.name} has no {unknown[0]!r}; it has {', '.join(then.ratios)}")
    known = {bench: then.ratios[bench] for bench in given.bench or then.ratios}
    same = then.machine.get("processor") == machine()["processor"]
    if not same:
        print(
            f"the file is of another processor ({then.machine.get('processor')}): ratios to the yardstick are left out"
        )
    verdicts, gone = settled(known, run, runs=given.runs, same_processor=same)
    return _told(verdicts, gone)


def settled(
    then: Ratios, run: Measure, *, runs: int, same_processor: bool
) -> tuple[list[Verdict], list[str]]:
    """Run what is known, and again what seems worse, until that is certain or has gone; and what is no more."""
    now: Ratios = {}
    for bench in then:
        now |= _several(run, bench, runs)
    for _ in range(AGAIN):
        verdicts = compared(then, now, same_processor=same_processor)
        for bench in dict.fromkeys(verdict.bench for verdict in verdicts if verdict.worse > MOST):
            now[bench] = joined(now[bench], _several(run, bench, runs)[bench])
    return compared(then, now, same_processor=same_processor), lost(then, now)


def measured(bench: str, *, quick: bool) -> Ratios:
    """Run a benchmark in a process of its own.

    Raises:
        subprocess.CalledProcessError: it failed, and has said why.
    """
    print(f"measuring: {bench}", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "benchmarks", bench, "--json", *(["--quick"] if quick else [])]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return of_lines(json.loads(line) for line in done.stdout.splitlines())


def _several(run: Measure, bench: str, runs: int) -> Ratios:
    found = run(bench)
    for _ in range(runs - 1):
        found[bench] = joined(found[bench], run(bench)[bench])
    return found


def _write(path: Path, ratios: Ratios) -> None:
    """Write the file, with five digits: more are noise."""
    rounded = {
        bench: {
            name: msgspec.structs.replace(
                record, values=tuple(float(f"{value:.5g}") for value in record.values)
            )
            for name, record in records.items()
        }
        for bench, records in ratios.items()
    }
    text = msgspec.json.encode(Baseline(machine=machine(), ratios=rounded))
    path.write_bytes(msgspec.json.format(text, indent=1) + b"\n")


def _told(verdicts: Sequence[Verdict], gone: Sequence[str]) -> int:
    print(verdicts_as_table(verdicts))
    regressed = [verdict for verdict in verdicts if verdict.state == "regressed"]
    print(f"\n{len(verdicts)} ratios, {len(regressed)} regressed by more than {MOST:.0%}")
    for verdict in regressed:
        print(f"REGRESSED: {verdict.bench}: {verdict.name}, by {verdict.worse:.0%}")
    for name in gone:
        print(f"NO MORE: {name}")
    return 1 if regressed or gone else 0
