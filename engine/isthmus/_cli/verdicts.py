"""What came of the tests of a function, and how it is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, final

import msgspec

from .screen import Screen, visible

__all__ = ["Suite", "Verdict", "tell"]

_SHOWN: Final = 10
"""Faults of one verdict, and failed lines of one sample, that are shown; JUnit's report has them all."""


@final
class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one test.

    Attributes:
        name: of the case, or ``line 3`` of a sample.
        kind: what its function is tested by.
        seconds: that it took.
        faults: what is wrong, a sentence each; empty where nothing is.
        error: it could not be run at all.
    """

    name: str
    kind: Literal["case", "line", "function"] = "case"
    seconds: float = 0.0
    faults: tuple[str, ...] = ()
    error: bool = False


@final
class Suite(msgspec.Struct, frozen=True, kw_only=True):
    """The tests of one function.

    Attributes:
        name: the function's.
        place: its file.
    """

    name: str
    place: str
    verdicts: tuple[Verdict, ...]

    @property
    def failed(self) -> Sequence[Verdict]:
        """Those with a fault."""
        return [verdict for verdict in self.verdicts if verdict.faults]


def tell(suites: Sequence[Suite], screen: Screen) -> None:
    """Say what failed and why, and for each function how much did not."""
    for suite in suites:
        head = f"{suite.name}: " if len(suites) > 1 else ""
        _tell_failures(suite, head, screen)
        for kind, word in (("line", "lines"), ("case", "cases")):
            all_of_kind = [verdict for verdict in suite.verdicts if verdict.kind == kind]
            if not all_of_kind:
                continue
            failed = sum(bool(verdict.faults) for verdict in all_of_kind)
            sign = screen.paint("✗", "bold red") if failed else screen.paint("✓", "bold green")
            good = len(all_of_kind) - failed
            screen.print(f"{sign} {visible(head)}{good} of {len(all_of_kind)} {word} as expected")


def _tell_failures(suite: Suite, head: str, screen: Screen) -> None:
    for verdict in suite.failed[:_SHOWN]:
        screen.print(f"{screen.paint('✗', 'bold red')} {visible(head + verdict.name)}")
        for fault in verdict.faults[:_SHOWN]:
            screen.print("\n".join(f"    {line}" for line in visible(fault).splitlines()))
        if len(verdict.faults) > _SHOWN:
            screen.print(f"    … and {len(verdict.faults) - _SHOWN} more differences")
    if len(suite.failed) > _SHOWN:
        screen.print(f"… and {len(suite.failed) - _SHOWN} more")
