"""Code in an image: what libraries, and an author's own 800 KB, cost a call, and the loading of a function."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack

from benchmarks._command import parser, run
from benchmarks._figures import Case, Figures, interleave, timed
from benchmarks._report import Bar
from benchmarks._subject import CODE
from benchmarks.call.worlds import LIMITS, LOG_BYTES, RECORD
from isthmus_quickjs._frames import RETURNED
from isthmus_quickjs._guest import Guest, Image
from isthmus_quickjs._runtime import modules_named_in
from isthmus_quickjs._source import Source
from isthmus_quickjs._world import STACK, World
from isthmus_quickjs.libraries.named import libraries_named_in

__all__ = ["main"]

LARGE = CODE + "".join(
    f"\nfunction own{i}(a, b) {{ const kept = [a, b, {i}]; return kept.map((each) => `${{each}}: own{i}`).join(', '); }}"
    for i in range(8000)
)

THREE = f"const kept = [_.map, moment.tz, xml2js.Parser];\n{CODE}"
S3 = f"const kept = [AWS.S3];\n{CODE}"
LODASH = f"const kept = [_.map];\n{CODE}"


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    return run("libraries", parser("libraries", __doc__), _measure, arguments)


async def _measure(given: argparse.Namespace) -> tuple[list[Figures], list[Bar]]:
    quick = given.quick
    guest = Guest()
    _load(guest, THREE)  # compiles what is not on disk yet
    loading = Figures(
        name="loading with three",
        what="a function that uses lodash, moment-timezone and xml2js is loaded, their bytecode being on disk",
        rounds=[[_timed_load(guest, THREE) for _ in range(3 if quick else 15)]],
    )
    with ExitStack() as stack:
        cases = [
            _case(stack, guest, "plain", CODE, quick=quick),
            _case(stack, guest, "with lodash", LODASH, quick=quick),
            _case(stack, guest, "with three", THREE, quick=quick),
            _case(stack, guest, "with AWS.S3", S3, quick=quick),
            _case(stack, guest, "with 800 KB", LARGE, quick=quick),
        ]
        figures = await interleave(cases, 3 if quick else 30)
    three = figures["with three"]
    worst = statistics.median(loading.seconds) * 1e3
    return [*figures.values(), loading], [
        Bar(case=three.name, text="with three / plain", value=three.ratio_to(figures["plain"]), most=2.0),
        Bar(case=loading.name, text="loading with three", value=worst, most=150.0, unit="ms"),
    ]


def _load(guest: Guest, code: str) -> Image:
    options: dict[str, object] = {
        "kind": "destination",
        "modules": modules_named_in(code),
        "libraries": libraries_named_in(code, guest.bundles),
        "lenient": False,
    }
    source = Source(code=code, file="subject.js")
    return guest.load(
        source, options, memory=LIMITS.memory, log_bytes=LOG_BYTES, proceed=lambda _index, _seconds: True
    )


def _timed_load(guest: Guest, code: str) -> float:
    began = time.perf_counter()
    _load(guest, code)
    return time.perf_counter() - began


def _case(stack: ExitStack, guest: Guest, name: str, code: str, *, quick: bool) -> Case:
    image = _load(guest, code)
    world = World(image)
    stack.callback(world.close)

    def call() -> None:
        world.restore()
        crossing = world.invoke(RECORD, lambda _index, _seconds: True)
        assert crossing.stopped is None
        assert crossing.ran[0].frame[0] == RETURNED

    return Case(
        name=name,
        what=f"a call in a restored world; its image has {(image.end - STACK) // 1024} KB of code and heap",
        sample=timed(call, 10 if quick else 60),
        inside=True,
    )
