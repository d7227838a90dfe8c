"""One function, tried with one case after the other: what a hunt chases."""

from __future__ import annotations

import time
import zlib
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any, Final, final

import msgspec

from isthmus._linetrace import LineTrace
from isthmus.abc import FetchRequest
from isthmus.errors import InvalidInput
from isthmus.functions import Function, Kind

from ._casework import call_case
from ._lab import Lab
from ._shrinking import smaller_cases
from ._soundness import Flaw, difference_of, flaw_of
from ._thread import EngineThread
from .cases import Case
from .http import HttpStub, StubResponse

__all__ = ["Finding", "FlawFound", "Prey", "TimeOver"]

SHRINKING: Final = 60.0
"""Seconds that are spent on making what was found smaller: each try of a call without end costs its limit."""


@final
class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A flaw, and the smallest case that shows it."""

    flaw: Flaw
    case: Case


class FlawFound(Exception):
    """A flaw; each has a class of its own, by which Hypothesis tells one bug from another."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.flaw.text)
        self.finding = finding


class TimeOver(BaseException):  # an Exception would be a flaw to Hypothesis, which would go on
    """The time of the hunt is over."""


@final
class Prey:
    """One function in a lab, tried with one case after the other."""

    def __init__(
        self,
        thread: EngineThread,
        lab: Lab,
        function: Function,
        values: Mapping[str, Any],
        trace: LineTrace | None = None,
    ) -> None:
        self._trace = trace
        self._thread = thread
        self._lab = lab
        self._function = function
        self._values = values
        self._known: dict[bytes, Finding | None] = {}
        self._classes: dict[str, type[FlawFound]] = {}
        self.over: set[str] = set()
        self.seen: dict[str, Finding] = {}
        self.takes_webhooks = function.kind is Kind.SOURCE
        self.examples = 0
        self.stop_at = float("inf")
        self.found_at = float("inf")

    def probe(self, case: Case, answers: Sequence[StubResponse], ignored: frozenset[str]) -> None:
        """Try a case; a flaw is raised."""
        key = msgspec.json.encode((case, answers))
        if key not in self._known:
            now = time.monotonic()
            if now > self.stop_at:
                raise TimeOver
            if self.takes_webhooks and now > self.found_at + SHRINKING:
                return
            self.examples += 1
            self._known[key] = self._thread.run(self._examine, case, answers)
        finding = self._known[key]
        if (
            finding is None
            or finding.flaw.key in self.over
            or not ignored.isdisjoint(finding.flaw.key.split())
        ):
            return
        self.found_at = min(self.found_at, time.monotonic())
        name = finding.flaw.key
        self.seen[name] = finding
        raise self._classes.setdefault(name, type(name, (FlawFound,), {}))(finding)

    def reduced(self, finding: Finding) -> Finding:
        """The same flaw with all left out of its event that it does without: generation begins with whole ones."""
        until = time.monotonic() + SHRINKING
        smaller = True
        while smaller:
            smaller = False
            for case in smaller_cases(finding.case):
                if time.monotonic() > until:
                    return finding
                self.examples += 1
                answers = finding.case.responses or (StubResponse(),)
                found = self._thread.run(self._examine, case, answers)
                if found is not None and found.flaw.key == finding.flaw.key:
                    finding, smaller = found, True
                    break
        return finding

    async def _examine(self, case: Case, answers: Sequence[StubResponse]) -> Finding | None:
        with nullcontext() if self._trace is None else self._trace.following():
            return await self._examined(case, answers)

    async def _examined(self, case: Case, answers: Sequence[StubResponse]) -> Finding | None:
        given: dict[tuple[str, str], StubResponse] = {}

        def respond(request: FetchRequest) -> StubResponse:
            for known in case.responses:
                if known.fits(request):
                    return given.setdefault((request.method, request.url), known)
            # By the request and not by its place, so that a second call is answered as the first was.
            place = zlib.crc32(f"{request.method} {request.url}".encode()) % len(answers)
            exact = msgspec.structs.replace(answers[place], method=request.method, url=request.url)
            return given.setdefault((request.method, request.url), exact)

        lab = self._lab
        lab.now, lab.seed = case.clock(), case.entropy(32)
        lab.network = HttpStub(otherwise=respond)
        # An instance of its own: what one call cached is seen by its repetition, and by no other example.
        instance = await self._thread.engine.load(self._function, settings=self._values)
        try:
            outcome = await call_case(self._thread.engine, instance, case)
            flaw = flaw_of(outcome, instance.function.kind)
            if flaw is None:
                again = await call_case(self._thread.engine, instance, case)
                flaw = flaw_of(again, instance.function.kind) or difference_of(outcome, again, case.clock())
        except InvalidInput:
            return None
        finally:
            await instance.aclose()
        if flaw is None:
            return None
        return Finding(flaw=flaw, case=msgspec.structs.replace(case, responses=tuple(given.values())))
