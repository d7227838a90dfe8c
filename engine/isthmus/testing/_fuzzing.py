"""A hunt for flaws of one function: generated events and responses, and of each flaw the smallest that shows it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, final

import msgspec
from hypothesis import HealthCheck, Phase, given, seed as seeded, settings as configured, strategies as st

from isthmus._cli.definition import Project
from isthmus._linetrace import LineTrace

from ._inputs import case_inputs
from ._lab import Lab, load_project
from ._prey import Finding, FlawFound, Prey, TimeOver
from ._thread import EngineThread
from .cases import Case
from .http import StubResponse
from .strategies import responses

__all__ = ["Finding", "Hunt", "hunt"]

ROUND: Final = 500
"""Examples of one round, where a hunt goes by time."""


@final
class Hunt(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it.

    Attributes:
        examples: that were tried, those of making flaws smaller included.
        seed: the same one, with the same function and version of Hypothesis, goes the same way.
    """

    findings: tuple[Finding, ...]
    examples: int
    seed: int


def hunt(
    thread: EngineThread,
    lab: Lab,
    project: Project,
    values: Mapping[str, Any],
    *,
    examples: int = ROUND,
    minutes: float | None = None,
    seed: int = 0,
    samples: Sequence[dict[str, Any]] = (),
    ignored: frozenset[str] = frozenset(),
    told: Callable[[int], None] = lambda examples: None,
    trace: LineTrace | None = None,
    **options: Any,
) -> Hunt:
    """Look for flaws until there is one, or so many examples were tried, or the time is over.

    Args:
        thread: with an engine in ``lab``.
        lab: no other call is under way in it.
        project: the function.
        values: of its settings.
        examples: how many to try, where ``minutes`` is None.
        minutes: how long to try.
        seed: where generation begins.
        samples: events the function is known to take.
        ignored: names of errors that are no flaw here.
        told: called after each round with how many examples there were.
        trace: takes which lines ran.
        options: ``kind`` and ``language``, as :func:`.._lab.load_project` takes them.

    Raises:
        EngineError: the settings do not fit the function.
        LoadError: the code does not load.
    """
    base = thread.run(lambda: load_project(thread.engine, project, values, **options))
    prey = Prey(thread, lab, base.function, values, trace)
    try:
        inputs = case_inputs(base.function.kind, base.handlers, base.function.code, samples)
        tried = 0
        if minutes is not None:
            prey.stop_at = time.monotonic() + 60 * minutes
        findings: list[Finding] = []
        for number in itertools.count():
            left = ROUND if minutes is not None else examples - tried
            if left <= 0 or time.monotonic() > prey.stop_at:
                break
            before, prey.found_at = prey.examples, float("inf")
            found = _round(prey, inputs, left, seed + number, ignored)
            # What was tried to make a flaw smaller does not count: it was no search for another one.
            tried += max(1, left if not found else min(left, prey.examples - before))
            prey.over |= {each.flaw.key for each in found}
            findings += [prey.reduced(each) for each in found]
            told(prey.examples)
        return Hunt(findings=tuple(findings), examples=prey.examples, seed=seed)
    finally:
        thread.run(base.aclose)


def _round(
    prey: Prey, inputs: st.SearchStrategy[Case], size: int, seed: int, ignored: frozenset[str]
) -> tuple[Finding, ...]:
    @seeded(seed)
    @configured(
        max_examples=size,
        deadline=None,
        database=None,
        # Hypothesis makes webhooks smaller; with events, of many more parts, Prey.reduced is far quicker.
        phases=(Phase.generate, *([Phase.shrink] if prey.takes_webhooks else [])),
        suppress_health_check=list(HealthCheck),
    )
    @given(inputs, st.lists(responses(), min_size=1, max_size=3))
    def probe(case: Case, answers: list[StubResponse]) -> None:
        prey.probe(case, answers, ignored)

    try:
        probe()
    except TimeOver:
        return tuple(found for key, found in sorted(prey.seen.items()) if key not in prey.over)
    except FlawFound as found:
        return (found.finding,)
    except ExceptionGroup as group:
        several, others = group.split(FlawFound)
        if several is None or others is not None:
            raise
        return tuple(sorted(_findings(several), key=lambda each: each.flaw.key))
    return ()


def _findings(group: ExceptionGroup[FlawFound]) -> Iterator[Finding]:
    for exc in group.exceptions:
        if isinstance(exc, FlawFound):
            yield exc.finding
        else:
            yield from _findings(exc)
