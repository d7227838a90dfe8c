"""Results counted by directory, and how they are told."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal

__all__ = ["Result", "Tally"]


@dataclass(frozen=True)
class Result:
    """How one test ended.

    Attributes:
        path: of its file, below the suite's root.
        name: of the test within the file, "" where the file is one test.
        verdict: "skipped" is for what this runtime does not have by design; it counts for nothing.
        why: of what failed or was skipped.
    """

    path: PurePosixPath
    name: str
    verdict: Literal["passed", "failed", "skipped"]
    why: str = ""


@dataclass
class _Line:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list[Result] = field(default_factory=list)

    def add(self, result: Result) -> None:
        setattr(self, result.verdict, getattr(self, result.verdict) + 1)
        if result.verdict == "failed":
            self.failures.append(result)

    @property
    def percent(self) -> float:
        ran = self.passed + self.failed
        return 100 * self.passed / ran if ran else 100.0


class Tally:
    """Results by directory, the first ``depth`` folders of a path."""

    def __init__(self, depth: int = 2) -> None:
        self._depth = depth
        self._lines: dict[str, _Line] = {}
        self._all = _Line()

    def __bool__(self) -> bool:
        return bool(self._lines)

    @property
    def is_clean(self) -> bool:
        return self._all.failed == 0

    def add(self, result: Result) -> None:
        folder = "/".join(result.path.parent.parts[: self._depth]) or "."
        self._lines.setdefault(folder, _Line()).add(result)
        self._all.add(result)

    def print(self, *, as_json: bool, failures: bool) -> None:
        lines = [*sorted(self._lines.items()), ("all", self._all)]
        for folder, line in lines:
            if as_json:
                print(json.dumps(self._told(folder, line, failures=failures)))
            else:
                skipped = f"  {line.skipped} skipped" if line.skipped else ""
                print(
                    f"{line.percent:6.1f} %  {line.passed:6}/{line.passed + line.failed:<6} {folder}{skipped}"
                )
                for each in line.failures if failures and folder != "all" else ():
                    print(f"          {each.path} {each.name}: {each.why}"[:400])

    @staticmethod
    def _told(folder: str, line: _Line, *, failures: bool) -> dict[str, object]:
        told: dict[str, object] = {
            "directory": folder,
            "passed": line.passed,
            "failed": line.failed,
            "skipped": line.skipped,
            "percent": round(line.percent, 2),
        }
        if failures and folder != "all":
            told["failures"] = [
                {"path": str(each.path), "name": each.name, "why": each.why} for each in line.failures
            ]
        return told
