"""An engine whose network, clock and chance are the test's, and functions from files in it."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, final

import msgspec

from isthmus import Engine, Instance, open_engine
from isthmus._cli.definition import Project
from isthmus._cli.opening import load
from isthmus._cli.values import guess_definitions
from isthmus.abc import Fetcher, FetchRequest, FetchResponse
from isthmus.hookspecs import hookimpl
from isthmus.limits import Limits

from .http import SINK_URL, HttpStub
from .runtime import MockFetcher

__all__ = ["Lab", "load_project", "open_lab", "values_for"]


@final
class Lab:
    """What an engine under test asks in place of the world; one call at a time where it is to be told apart.

    Attributes:
        network: answers requests.
        now: seconds since the epoch, None for the real time.
        seed: what chance is made of, None for the system's.
    """

    def __init__(self) -> None:
        self.network = HttpStub()
        self.now: float | None = None
        self.seed: bytes | None = None
        self._fetcher = MockFetcher(self._answer)

    @hookimpl
    def isthmus_fetcher(self) -> Fetcher:
        return self._fetcher

    def _answer(self, request: FetchRequest) -> FetchResponse:
        self._fetcher.requests.clear()  # the stub has them
        return self.network.answer(request)

    def clock(self) -> float:
        return time.time() if self.now is None else self.now

    def entropy(self, count: int) -> bytes:
        return os.urandom(count) if self.seed is None else (self.seed * count)[:count]


@asynccontextmanager
async def open_lab(
    lab: Lab, *, plugins: Sequence[object] = (), limits: Limits | None = None, load_entry_points: bool = True
) -> AsyncIterator[Engine]:
    """Open an engine in a lab.

    Args:
        lab: what it asks.
        plugins: beside the installed ones.
        limits: of each call.
        load_entry_points: take the installed plugins.
    """
    async with open_engine(
        plugins=[*plugins, lab],  # the fetcher of the last one wins
        load_entry_points=load_entry_points,
        wall_clock=lab.clock,
        entropy=lab.entropy,
        limits=limits or Limits(),
    ) as engine:
        yield engine


def values_for(project: Project, *given: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a function in a test: its sample's, those given over them, and a stub's URL where a sink's is wanted."""
    values = dict(project.manifest.sample.settings)
    for each in given:
        values |= each
    sink = project.manifest.sample.sink
    if sink and sink not in values:
        values[sink] = SINK_URL
    return values


async def load_project(
    engine: Engine,
    project: Project,
    values: Mapping[str, Any],
    *,
    kind: str | None = None,
    language: str = "",
    **options: Any,
) -> Instance:
    """Load a function from its files, its kind guessed and its settings defined by their values where nothing says.

    Args:
        engine: to load it in.
        project: the function.
        values: of its settings.
        kind: as :class:`isthmus.Kind` names it, or None.
        language: or "".
        options: of :meth:`isthmus.Engine.load`.
    """
    if project.settings is None:
        project = msgspec.structs.replace(project, settings=guess_definitions(values))
    return await load(engine, project, kind=kind, language=language, settings=values, **options)
