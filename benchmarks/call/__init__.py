"""One call: in a world, through the engine, from the command line; and the bars that JavaScript is held to."""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

from benchmarks._command import parser, run
from benchmarks._figures import Case, Figures, interleave
from benchmarks._process import measured
from benchmarks._report import Bar

from . import engine, operations, worlds
from .command import Workplace
from .stopping import Stopping
from .waiting import Waiting

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    return run("call", parser("call", __doc__), _measure, arguments)


async def _measure(given: argparse.Namespace) -> tuple[list[Figures], list[Bar]]:
    quick = given.quick
    rounds = 3 if quick else 30
    with ExitStack() as worlds_stack, tempfile.TemporaryDirectory() as directory:
        low = worlds.cases(worlds_stack, quick=quick)
        async with AsyncExitStack() as engines:
            high = await engine.cases(engines, quick=quick)
            high += await operations.cases(engines, quick=quick)
            _say("calls, in turns")
            figures = await interleave([*low, *high], rounds)
        restored = next(case for case in low if case.name == "restored")
        _say("isthmus run")
        run, run_bar = await _run(
            Workplace(Path(directory), 500 if quick else 100_000), restored, 1 if quick else 3
        )
        _say("isthmus invoke")
        start, start_bar = _start(Workplace(Path(directory), 1), 1 if quick else 5)
    _say("calls that wait")
    waits, waits_bars = _waiting(20 if quick else 500)
    _say("a loop without end")
    stops, stops_bar = _stopping(1 if quick else 10)
    bars = [*_ratios(figures), run_bar, *waits_bars, stops_bar, start_bar]
    return [*figures.values(), run, waits, stops, start], bars


def _say(what: str) -> None:
    print(f"measuring: {what}", file=sys.stderr, flush=True)


def _ratios(figures: dict[str, Figures]) -> list[Bar]:
    def ratio(case: str, other: str, *, most: float) -> Bar:
        value = figures[case].ratio_to(figures[other])
        return Bar(case=case, text=f"{case} / {other}", value=value, most=most)

    two = "64-in-one, 2 threads"
    return [
        ratio("restored", "warm", most=1.6),
        ratio("restored", "from-nothing", most=0.2),
        ratio("64-in-one", "warm", most=1.0),
        Bar(
            case=two,
            text="throughput of 2 threads / 1 thread",
            value=figures["64-in-one"].ratio_to(figures[two]),
            least=1.7,
        ),
        ratio("Engine.invoke", "restored", most=3.0),
    ]


async def _turns(case: Case) -> list[float]:
    """Some turns of a case; the one before them is left out, for its caches were another process's."""
    await case.sample()
    return [seconds for _ in range(5) for seconds in await case.sample()]


async def _run(place: Workplace, restored: Case, times: int) -> tuple[Figures, Bar]:
    """``isthmus run``, each time between two turns of the restored call that it is compared with."""
    events = place.events
    figures = Figures(
        name="isthmus run", what=f"{events} events through the command line; wall time over events"
    )
    bare = Figures(name="restored", what="")
    before = await _turns(restored)
    for _ in range(times):
        took = place.run()
        after = await _turns(restored)
        figures.rounds.append([took.wall / events])
        figures.extra["cpu_us_each"] = took.cpu / events * 1e6
        bare.rounds.append([*before, *after])
        before = after
    value = bare.ratio_to(figures)
    return figures, Bar(
        case=figures.name, text="throughput of isthmus run / restored", value=value, least=1.3
    )


def _start(place: Workplace, times: int) -> tuple[Figures, Bar]:
    place.invoke()  # compiles
    starts = [place.invoke() for _ in range(times)]
    seconds = [start.cpu for start in starts]
    figures = Figures(
        name="isthmus invoke",
        what="processor time of a second start of the process, for one call",
        rounds=[seconds],
        extra={"wall_ms": statistics.median(start.wall for start in starts) * 1e3},
    )
    return figures, Bar(case=figures.name, text="second start, CPU", value=figures.median, most=0.5, unit="s")


def _waiting(count: int) -> tuple[Figures, list[Bar]]:
    found = measured("waiting", count, Waiting)
    megabytes = found.rss_each / 1e6
    figures = Figures(
        name=f"{count} waiting",
        what="calls that wait for a fetch at once, from the first to the last outcome; wall time over calls",
        rounds=[[found.seconds]],
        extra={"rss_mb_each": megabytes, "threads": float(found.threads)},
    )
    return figures, [
        Bar(case=figures.name, text="memory of a waiting call", value=megabytes, most=1.0, unit="MB"),
        Bar(case=figures.name, text=f"threads while {count} wait", value=float(found.threads), most=32.0),
    ]


def _stopping(times: int) -> tuple[Figures, Bar]:
    found = measured("stopping", times, Stopping)
    figures = Figures(
        name="endless loop",
        what="a loop without end under a limit of 100 ms, beside 50 calls, until it is stopped",
        rounds=[found.stopped],
        extra={"beside_ms": max(found.beside) * 1e3},
    )
    worst = max(found.stopped) * 1e3
    return figures, Bar(case=figures.name, text="endless loop, worst", value=worst, most=150.0, unit="ms")
