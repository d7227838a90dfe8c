"""A hunt for flaws of one function: generated events and responses, and of each flaw the smallest that shows it."""

from __future__ import annotations

import copy
import itertools
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, final

import msgspec
from hypothesis import HealthCheck, Phase, given, seed as seeded, settings as configured, strategies as st

from isthmus._cli.definition import Project
from isthmus._rules.dispatch import EVENT_HANDLERS, HANDLERS
from isthmus._rules.jsontext import fields_of
from isthmus.abc import FetchRequest
from isthmus.errors import InvalidInput
from isthmus.events import Request
from isthmus.functions import Function, Kind

from ._casework import call_case
from ._lab import Lab, load_project
from ._nearly import nearly, nearly_requests, paths_of
from ._seasoning import seasoned, words_of
from ._soundness import Flaw, difference_of, flaw_of
from ._thread import EngineThread
from .cases import Case
from .http import HttpStub, StubResponse
from .strategies import events, requests, responses

__all__ = ["Finding", "Hunt", "hunt"]

ROUND: Final = 500
"""Examples of one round, where a hunt goes by time."""

SHRINKING: Final = 60.0
"""Seconds that are spent on making what was found smaller: each try of a call without end costs its limit."""


@final
class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A flaw, and the smallest case that shows it."""

    flaw: Flaw
    case: Case


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


class _Found(Exception):
    """A flaw; each has a class of its own, by which Hypothesis tells one bug from another."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.flaw.text)
        self.finding = finding


class _Over(BaseException):  # an Exception would be a flaw to Hypothesis, which would go on
    """The time of the hunt is over."""


@final
class _Prey:
    """One function in a lab, tried with one case after the other."""

    def __init__(self, thread: EngineThread, lab: Lab, function: Function, values: Mapping[str, Any]) -> None:
        self._thread = thread
        self._lab = lab
        self._function = function
        self._values = values
        self._known: dict[bytes, Finding | None] = {}
        self._classes: dict[str, type[_Found]] = {}
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
                raise _Over
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
        raise self._classes.setdefault(name, type(name, (_Found,), {}))(finding)

    def reduced(self, finding: Finding) -> Finding:
        """The same flaw with all left out of its event that it does without: generation begins with whole ones."""
        until = time.monotonic() + SHRINKING
        smaller = True
        while smaller:
            smaller = False
            for case in _smaller(finding.case):
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
        options: ``kind`` and ``language``, as :func:`.._lab.load_project` takes them.

    Raises:
        EngineError: the settings do not fit the function.
        LoadError: the code does not load.
    """
    base = thread.run(lambda: load_project(thread.engine, project, values, **options))
    prey = _Prey(thread, lab, base.function, values)
    try:
        inputs = _inputs(base.function.kind, base.handlers, base.function.code, samples)
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
    prey: _Prey, inputs: st.SearchStrategy[Case], size: int, seed: int, ignored: frozenset[str]
) -> tuple[Finding, ...]:
    @seeded(seed)
    @configured(
        max_examples=size,
        deadline=None,
        database=None,
        # Hypothesis makes webhooks smaller; with events, of many more parts, _Prey.reduced is far quicker.
        phases=(Phase.generate, *([Phase.shrink] if prey.takes_webhooks else [])),
        suppress_health_check=list(HealthCheck),
    )
    @given(inputs, st.lists(responses(), min_size=1, max_size=3))
    def probe(case: Case, answers: list[StubResponse]) -> None:
        prey.probe(case, answers, ignored)

    try:
        probe()
    except _Over:
        return tuple(found for key, found in sorted(prey.seen.items()) if key not in prey.over)
    except _Found as found:
        return (found.finding,)
    except ExceptionGroup as group:
        several, others = group.split(_Found)
        if several is None or others is not None:
            raise
        return tuple(sorted(_findings(several), key=lambda each: each.flaw.key))
    return ()


def _findings(group: ExceptionGroup[_Found]) -> Iterator[Finding]:
    for exc in group.exceptions:
        if isinstance(exc, _Found):
            yield exc.finding
        else:
            yield from _findings(exc)


# ---------------------------------------------------------------- what goes in


def _inputs(
    kind: Kind, handlers: frozenset[str], code: str | bytes, samples: Sequence[dict[str, Any]]
) -> st.SearchStrategy[Case]:
    """Cases for the handlers that a function has.

    Raises:
        InvalidInput: it has none that its kind calls.
    """
    if kind is Kind.SOURCE:
        return (requests() | nearly_requests(requests())).map(_request_case)
    words = words_of(code)
    found: list[st.SearchStrategy[Case]] = []
    by_type: dict[str, st.SearchStrategy[dict[str, Any]]] = {}
    for type_, handler in EVENT_HANDLERS.items():
        if handler in handlers:
            own = [event for event in samples if event.get("type") == type_]
            plain = seasoned(events(type_), words, own)
            by_type[type_] = plain | nearly(plain, around=words.names).map(partial(_of_type, type_))
            found.append(by_type[type_].map(lambda event: Case(event=_raw(event))))
    if "onBatch" in handlers & HANDLERS[kind]:
        single = st.one_of(*(by_type.values() or [events() | nearly(events())]))
        batches = st.lists(single, min_size=1, max_size=4)
        found.append(batches.map(lambda batch: Case(events=[_raw(event) for event in batch])))
    if not found:
        raise InvalidInput(f"the function has no handler that a {kind.value} function is called by")
    return st.one_of(*found)


def _of_type(type_: str, event: dict[str, Any]) -> dict[str, Any]:
    """An event that reaches its handler, whatever else is wrong with it."""
    return {**event, "type": type_}


def _smaller(case: Case) -> Iterator[Case]:
    """The case with less in its event or its batch: without one thing, the largest first, or with a smaller one."""
    if case.events is not None:
        whole: Any = [fields_of(bytes(event)) for event in case.events]
    elif bytes(case.event):
        whole = fields_of(bytes(case.event))
    else:
        return
    for path in sorted(paths_of(whole), key=len):
        for change in _LESS:
            less = copy.deepcopy(whole)
            parent = less
            for key in path[:-1]:
                parent = parent[key]
            if not change(parent, path[-1]):
                continue
            if isinstance(less, dict):
                yield msgspec.structs.replace(case, event=_raw(less))
            elif less and all(isinstance(event, dict) for event in less):
                yield msgspec.structs.replace(case, events=[_raw(event) for event in less])


def _without(parent: Any, key: Any) -> bool:
    del parent[key]
    return True


def _emptied(parent: Any, key: Any) -> bool:
    plain = type(parent[key])() if parent[key] is not None else None
    changes = len(msgspec.json.encode(plain)) < len(msgspec.json.encode(parent[key]))
    parent[key] = plain
    return changes


def _halved(parent: Any, key: Any) -> bool:
    value = parent[key]
    if not isinstance(value, str | list) or len(value) < 2:
        return False
    parent[key] = value[: len(value) // 2]
    return True


_LESS: Final = (_without, _emptied, _halved)


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def _request_case(request: Request) -> Case:
    """A webhook as a case holds it; a body that is no UTF-8 as Base64."""
    fields: dict[str, object] = {
        "method": request.method,
        "url": request.url,
        "headers": request.headers,
    }
    try:
        fields["body"] = request.body.decode()
    except UnicodeDecodeError:
        fields["body_base64"] = request.body
    return Case(request=_raw(fields))
