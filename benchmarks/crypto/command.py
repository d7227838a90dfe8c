"""SHA-256 of little and of much: asked of the host by crypto.createHash, and computed by JavaScript in the world."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack

from benchmarks._command import parser, run
from benchmarks._figures import Case, Figures, interleave, timed
from benchmarks._report import Bar
from benchmarks._world import LoneWorld

from .sha256 import JAVASCRIPT

__all__ = ["main"]

REPEATED = 200
"""Hashes of 64 bytes in one call, so that the call itself does not count."""
LARGE = 1 << 20

CODE = f"""
{JAVASCRIPT}
const small = "0123456789abcdef".repeat(4), large = Buffer.alloc({LARGE}, "isthmus");
const host = (data) => crypto.createHash("sha256").update(data).digest("hex");
function onTrack(event) {{
  if (event.how === "javascript") return sha256(large);
  if (event.how === "host") return host(large);
  let digest = "";
  for (let i = 0; i < event.times; i++) digest = host(small);
  return digest;
}}
"""


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    return run("crypto", parser("crypto", __doc__), _measure, arguments)


async def _measure(given: argparse.Namespace) -> tuple[list[Figures], list[Bar]]:
    quick = given.quick
    with ExitStack() as stack:
        subject = LoneWorld(stack, CODE, "crypto.js")
        large = subject.run({"how": "host"})
        if large != subject.run({"how": "javascript"}):
            raise RuntimeError("the two do not agree on what SHA-256 is")
        figures = await interleave(_cases(subject, quick=quick), 1 if quick else 8)
    little, much, javascript = figures.values()
    bars = [
        Bar(case=little.name, text="SHA-256 of 64 bytes", value=little.median * 1e6, most=40.0, unit="µs"),
        Bar(
            case=much.name,
            text="1 MB in JavaScript / by the host",
            value=javascript.ratio_to(much),
            least=20.0,
        ),
    ]
    return list(figures.values()), bars


def _cases(subject: LoneWorld, *, quick: bool) -> list[Case]:
    def little() -> None:
        subject.run({"times": REPEATED})

    async def each() -> Sequence[float]:
        return [seconds / REPEATED for seconds in await timed(little, 2 if quick else 10)()]

    return [
        Case(
            name="sha256 of 64 bytes",
            what=f"by the host; one of {REPEATED} in a call",
            sample=each,
            inside=True,
        ),
        Case(
            name="sha256 of 1 MB",
            what="by the host, the call around it included",
            sample=timed(lambda: subject.run({"how": "host"}), 2 if quick else 10),
            inside=True,
        ),
        Case(
            name="sha256 of 1 MB, JavaScript",
            what="the same, computed in the world",
            sample=timed(lambda: subject.run({"how": "javascript"}), 1, warm_up=0),
            inside=True,
        ),
    ]
