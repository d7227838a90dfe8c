"""Numbers, dates and the order of texts in a language: what one of them costs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack

from benchmarks._command import parser, run
from benchmarks._figures import Case, Figures, interleave, timed
from benchmarks._report import Bar
from benchmarks._world import LoneWorld

__all__ = ["main"]

REPEATED = 200
"""How often in one call, so that the call itself does not count."""

WORK = {
    "a number": ("(1234.5).toLocaleString()", "1,234.5"),
    "a price": ("euro.format(1234.5)", "1.234,50\xa0€"),
    "a date": (
        "new Date(0).toLocaleString('en-US', { timeZone: 'America/New_York' })",
        "12/31/1969, 7:00:00 PM",
    ),
    "a date, its format kept": ("there.format(0)", "12/31/1969, 7:00:00 PM"),
    "two texts": ("'résumé'.localeCompare('result')", 1),
    "two texts in ASCII": ("'resume'.localeCompare('result')", 1),
    "nothing": ("index", REPEATED - 1),
}
"""What is done, and what comes of it."""

CODE = f"""
const euro = new Intl.NumberFormat("de", {{ style: "currency", currency: "EUR" }});
const there = new Intl.DateTimeFormat("en-US", {{
  timeZone: "America/New_York", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric",
  second: "numeric",
}});
const work = [{", ".join(f"(index) => {expression}" for expression, _ in WORK.values())}];
function onTrack(event) {{
  const one = work[event.number];
  let made;
  for (let index = 0; index < event.times; index++) made = one(index);
  return made;
}}
"""


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    return run("intl", parser("intl", __doc__), _measure, arguments)


async def _measure(given: argparse.Namespace) -> tuple[list[Figures], list[Bar]]:
    with ExitStack() as stack:
        world = LoneWorld(stack, CODE, "intl.js")
        for number, (name, (_, expected)) in enumerate(WORK.items()):
            made = world.run({"number": number, "times": REPEATED})
            if made != expected:
                raise RuntimeError(f"{name} came out as {made!r}, not as {expected!r}")
        cases = [_case(world, name, number, quick=given.quick) for number, name in enumerate(WORK)]
        figures = await interleave(cases, 1 if given.quick else 10)
    return list(figures.values()), []


def _case(world: LoneWorld, name: str, number: int, *, quick: bool) -> Case:
    def call() -> None:
        world.run({"number": number, "times": REPEATED})

    async def each() -> Sequence[float]:
        return [seconds / REPEATED for seconds in await timed(call, 2 if quick else 10)()]

    return Case(
        name=name, what=f"{list(WORK.values())[number][0]}; one of {REPEATED}", sample=each, inside=True
    )
