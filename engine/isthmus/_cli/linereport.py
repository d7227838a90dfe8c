"""Which lines ran, for people, and as the tools for coverage read it: LCOV and Cobertura."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import final
from xml.sax.saxutils import quoteattr

import msgspec

__all__ = ["Lines", "cobertura", "lcov", "spans", "summary"]


@final
class Lines(msgspec.Struct, frozen=True, kw_only=True):
    """One file.

    Attributes:
        file: its path, as reports name it.
        among: lines that can run.
        ran: those that did.
    """

    file: str
    among: frozenset[int]
    ran: frozenset[int]

    @property
    def missing(self) -> list[int]:
        """Lines that did not run, in order."""
        return sorted(self.among - self.ran)

    @property
    def share(self) -> float:
        """Of the lines, from 0 to 1; 1 where there are none."""
        return len(self.ran) / len(self.among) if self.among else 1.0


def spans(missing: Sequence[int], among: frozenset[int]) -> str:
    """Lines in few characters, ``12, 31-34``: those between which nothing else could have run are joined."""
    missed, found = set(missing), list[list[int]]()
    for line in sorted(among):
        if line not in missed:
            found.append([])
        elif not found:
            found.append([line])
        else:
            found[-1].append(line)
    return ", ".join(f"{span[0]}-{span[-1]}" if len(span) > 1 else f"{span[0]}" for span in found if span)


def summary(lines: Lines) -> str:
    """A sentence, and what is missing."""
    told = f"{len(lines.ran)} of {len(lines.among)} lines of {lines.file} ran ({lines.share:.0%})"
    return f"{told}, not {spans(lines.missing, lines.among)}" if lines.missing else told


def lcov(files: Sequence[Lines]) -> bytes:
    """A tracefile of LCOV (geninfo(1), "TRACEFILE FORMAT")."""

    def records() -> Iterator[str]:
        for lines in files:
            yield "TN:"
            yield f"SF:{lines.file}"
            yield from (f"DA:{line},{int(line in lines.ran)}" for line in sorted(lines.among))
            yield f"LF:{len(lines.among)}"
            yield f"LH:{len(lines.ran)}"
            yield "end_of_record"

    return "".join(f"{record}\n" for record in records()).encode()


def cobertura(files: Sequence[Lines], stamp: int) -> bytes:
    """A report in Cobertura's XML, by its ``coverage-04.dtd``; branches are not told.

    Args:
        files: that ran.
        stamp: milliseconds since the epoch.
    """
    valid, covered = sum(len(lines.among) for lines in files), sum(len(lines.ran) for lines in files)
    rate = covered / valid if valid else 1.0
    numbers = 'branch-rate="0" complexity="0"'

    def elements() -> Iterator[str]:
        yield '<?xml version="1.0" ?>'
        yield '<!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">'
        yield (
            f'<coverage version="isthmus" timestamp="{stamp}" lines-valid="{valid}" lines-covered="{covered}" '
            f'line-rate="{rate:.4g}" branches-valid="0" branches-covered="0" {numbers}>'
        )
        yield f'<sources><source>.</source></sources><packages><package name="." line-rate="{rate:.4g}" {numbers}><classes>'
        for lines in files:
            name = quoteattr(lines.file)
            yield f'<class name={name} filename={name} line-rate="{lines.share:.4g}" {numbers}><methods/><lines>'
            yield from (
                f'<line number="{line}" hits="{int(line in lines.ran)}"/>' for line in sorted(lines.among)
            )
            yield "</lines></class>"
        yield "</classes></package></packages></coverage>"

    return "".join(f"{element}\n" for element in elements()).encode()
