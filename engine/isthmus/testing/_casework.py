"""One case, run in a lab."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, final

import msgspec

from isthmus import Engine, Instance
from isthmus._cli.definition import Project
from isthmus._cli.expectations import differences
from isthmus.events import Request
from isthmus.outcomes import Outcome

from ._lab import Lab, load_project, values_for
from ._soundness import difference_of, flaw_of
from ._views import view_of
from .cases import Case
from .http import HttpStub

__all__ = ["CaseRun", "call_case", "run_case"]


@final
class CaseRun(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a case.

    Attributes:
        seconds: that the call took.
        faults: what is not as expected, a sentence each.
        view: what the outcome was, as expectations speak of it.
    """

    seconds: float
    faults: tuple[str, ...]
    view: Mapping[str, Any]


async def run_case(
    engine: Engine,
    lab: Lab,
    project: Project,
    case: Case,
    *,
    settings: Mapping[str, Any],
    kind: str | None = None,
    language: str = "",
) -> CaseRun:
    """Run a case, in an instance of its own: nothing that another one cached is there.

    Args:
        engine: of the lab.
        lab: no other call is under way in it.
        project: the function.
        case: what to do with it.
        settings: over the sample's, and below the case's.
        kind: as :func:`.._lab.load_project` takes it.
        language: likewise.

    Raises:
        EngineError: its settings or its event do not fit the function.
        LoadError: the function's code does not load.
    """
    lab.network, lab.now, lab.seed = HttpStub(case.responses), case.clock(), case.entropy(32)
    values = values_for(project, settings, case.settings)
    instance = await load_project(engine, project, values, kind=kind, language=language)
    try:
        begun = time.perf_counter()
        outcome = await call_case(engine, instance, case)
        seconds = time.perf_counter() - begun
        faults = [*_unanswered(lab.network)]
        if case.expected is not None:
            faults += differences(case.expected, view_of(outcome))
        if case.sound:
            faults += await _unsound(engine, lab, instance, case, outcome)
    finally:
        await instance.aclose()
    return CaseRun(seconds=seconds, faults=tuple(faults), view=view_of(outcome))


async def call_case(engine: Engine, instance: Instance, case: Case) -> Outcome:
    """Call a function with what a case gives it."""
    given = case.input
    if isinstance(given, bytes | str | Mapping | Request):
        return await engine.invoke(instance, given)
    return await engine.invoke_batch(instance, given)


def _unanswered(network: HttpStub) -> list[str]:
    return [
        f"it requested {request.method} {request.url}, and the case has no response for that"
        for request in network.unanswered
    ]


async def _unsound(
    engine: Engine, lab: Lab, instance: Instance, case: Case, outcome: Outcome
) -> Sequence[str]:
    flaw = flaw_of(outcome, instance.function.kind)
    if flaw is None:
        lab.network = HttpStub(case.responses)
        flaw = difference_of(outcome, await call_case(engine, instance, case), case.clock())
    return [] if flaw is None else [f"{flaw.text}\n{flaw.stack}".rstrip()]
