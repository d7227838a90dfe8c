"""``python -m tests.coverage``: how much of each package the tests have been through, against what is asked of it.

It reads what ``coverage combine`` has left, counts statements and branches alike, and fails where a package has less than its bar.
"""

from __future__ import annotations

import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Annotated, Final

import coverage
import msgspec

ROOT: Final = Path(__file__).parents[1]
BARS: Final = {"engine": 100.0, "runtimes": 95.0, "plugins": 95.0}
"""Per cent of statements and branches, by source root."""


class Summary(msgspec.Struct, frozen=True):
    """What there is of a file, and what of it was run."""

    num_statements: int = 0
    covered_lines: int = 0
    num_branches: int = 0
    covered_branches: int = 0

    @property
    def all(self) -> int:
        return self.num_statements + self.num_branches

    @property
    def run(self) -> int:
        return self.covered_lines + self.covered_branches

    @property
    def part(self) -> float:
        """Per cent, rounded down, so that 100 is all."""
        return int(1000 * self.run / self.all) / 10 if self.all else 100.0

    def __add__(self, other: Summary) -> Summary:
        return Summary(
            self.num_statements + other.num_statements,
            self.covered_lines + other.covered_lines,
            self.num_branches + other.num_branches,
            self.covered_branches + other.covered_branches,
        )


class File(msgspec.Struct, frozen=True):
    """One file of a report."""

    summary: Summary
    missing_lines: list[int]
    missing_branches: list[Annotated[list[int], msgspec.Meta(min_length=2, max_length=2)]]

    @property
    def missing(self) -> str:
        """Where something was not run: lines, and branches from one line to another."""
        lines = set(self.missing_lines)
        jumps = [f"{start}->{end}" for start, end in self.missing_branches if not {start, end} & lines]
        return " ".join([*map(str, self.missing_lines), *jumps])


class Report(msgspec.Struct, frozen=True):
    """A report as ``coverage json`` writes it."""

    files: dict[str, File]


def read() -> Report:
    """What the combined data say."""
    measured = coverage.Coverage(config_file=ROOT / "pyproject.toml")
    measured.load()
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        measured.json_report(outfile=file.name)
        return msgspec.json.decode(Path(file.name).read_bytes(), type=Report)


def packages_of(report: Report) -> dict[str, Summary]:
    """What there is of each package, such as ``engine/isthmus``."""
    found: defaultdict[str, Summary] = defaultdict(Summary)
    for path, file in report.files.items():
        found["/".join(Path(path).parts[:2])] += file.summary
    return dict(found)


def main(argv: list[str]) -> int:
    """Print it, with what is missing in packages whose names begin as one of the arguments does."""
    report, below = read(), False
    for path, file in sorted(report.files.items()):
        if file.missing and any(path.startswith(given) for given in argv):
            print(f"{file.summary.part:5.1f} % {path}: {file.missing}")
    for package, summary in sorted(packages_of(report).items()):
        bar = BARS[package.partition("/")[0]]
        below |= summary.part < bar
        print(
            f"{summary.part:5.1f} % of {package}, to be {bar:g} %{'' if summary.part >= bar else ': missed'}"
        )
    return int(below)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
