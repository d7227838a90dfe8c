"""What recording a call costs, what replaying it does, and how large its tape is."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Final

import isthmus_quickjs
from benchmarks._command import parser, run
from benchmarks._figures import Case, Figures, interleave, timed_async
from benchmarks._report import Bar
from benchmarks._subject import API_KEY, EVENT, FUNCTION
from isthmus import Engine, Function, Instance, Kind, Outcome, SettingDefinition, open_engine
from isthmus.abc import FetchRequest, FetchResponse
from isthmus.outcomes import Status
from isthmus.tapes import Recording, Tape
from isthmus.testing import MockFetcher

__all__ = ["main"]

FETCHING: Final = Function(
    name="fetching",
    kind=Kind.DESTINATION,
    language="javascript",
    code="""
    async function onTrack(event, settings) {
      const body = JSON.stringify(event);
      const headers = {authorization: `Bearer ${settings.apiKey}`};
      for (const path of ["a", "b", "c"]) {
        const response = await fetch(`https://api.example/${path}`, {method: "POST", headers, body});
        if ((await response.json()).ok !== true) throw new RetryError(path);
      }
    }
    """,
    file="fetching.js",
    settings=(SettingDefinition(name="apiKey", sensitive=True),),
)
BODY: Final = b'{"ok":true,"text":"' + b"x" * 1000 + b'"}'


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    return run("tapes", parser("tapes", __doc__), _measure, arguments)


class _Subject:
    """One function, called, recorded and replayed.

    Attributes:
        sizes: of the tapes that were made.
    """

    def __init__(self, engine: Engine, instance: Instance) -> None:
        self._engine = engine
        self._instance = instance
        self._tape: Tape | None = None
        self._recording = Recording(keep=self._keep)
        self.sizes: list[int] = []

    def _keep(self, tape: Tape, data: bytes) -> str:
        self._tape = tape
        self.sizes.append(len(data))
        return "kept"

    async def plain(self) -> None:
        _check(await self._engine.invoke(self._instance, EVENT))

    async def recorded(self) -> None:
        _check(await self._engine.invoke(self._instance, EVENT, record=self._recording))

    async def replayed(self) -> None:
        if self._tape is None:
            await self.recorded()
        assert self._tape is not None
        assert (await self._engine.replay(self._tape)).identical


async def _measure(given: argparse.Namespace) -> tuple[list[Figures], list[Bar]]:
    count, rounds = (5, 3) if given.quick else (30, 20)
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(
            open_engine(plugins=[isthmus_quickjs, MockFetcher(_respond)], load_entry_points=False)
        )
        subjects = {
            name: _Subject(engine, await engine.load(function, settings={"apiKey": API_KEY}))
            for name, function in (("short", FUNCTION), ("three fetches", FETCHING))
        }
        cases: list[Case] = []
        for name, subject in subjects.items():
            kinds: dict[str, tuple[str, Callable[[], Awaitable[None]]]] = {
                "plain": ("a call that is not recorded", subject.plain),
                "recorded": ("the call, its tape made and encoded", subject.recorded),
                "replayed": ("a replay of its tape, its program being loaded", subject.replayed),
            }
            cases += [
                Case(name=f"{name}, {kind}", what=what, sample=timed_async(call, count))
                for kind, (what, call) in kinds.items()
            ]
        figures = await interleave(cases, rounds)
    for name, subject in subjects.items():
        plain, recorded, replayed = (figures[f"{name}, {kind}"] for kind in ("plain", "recorded", "replayed"))
        recorded.extra |= {"times plain": recorded.ratio_to(plain), "bytes": float(subject.sizes[-1])}
        replayed.extra["times plain"] = replayed.ratio_to(plain)
    return [*figures.values()], []


def _respond(_request: FetchRequest) -> FetchResponse:
    return FetchResponse(status=200, body=BODY)


def _check(outcome: Outcome) -> None:
    assert outcome.status is Status.DELIVERED, outcome.problem
