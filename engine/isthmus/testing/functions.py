"""Functions in tests that are written in Python: an engine without a network, to be called from anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, final

import msgspec

from isthmus import Instance
from isthmus._cli.definition import find
from isthmus.events import Event, Request
from isthmus.functions import Function, Kind
from isthmus.limits import Limits
from isthmus.outcomes import Outcome

from ._lab import Lab, load_project, open_lab, values_for
from ._thread import EngineThread, engine_thread
from .http import HttpStub

__all__ = ["LabEngine", "LoadedFunction", "lab_engine"]


@final
class LoadedFunction:
    """A function with settings, ready to be called; made by :meth:`LabEngine.load`.

    The plain methods are for plain tests; in an asynchronous one, of Trio or of asyncio, ``await`` those that begin
    with an ``a``.  An event is a mapping or JSON text; a source function takes an :class:`isthmus.Request`.

    Attributes:
        name: the function's.
        kind: what it was loaded as.
        handlers: names of those its code has.
    """

    def __init__(self, thread: EngineThread, instance: Instance) -> None:
        self._thread = thread
        self._instance = instance
        self.name = instance.function.name
        self.kind = instance.function.kind
        self.handlers = instance.handlers

    def __repr__(self) -> str:
        return f"<LoadedFunction {self.name!r}, a {self.kind.value} function>"

    def invoke(self, event: Event | Request) -> Outcome:
        """Run the handler for one event, or for a webhook; see :meth:`isthmus.Engine.invoke`."""
        return self._thread.run(self._thread.engine.invoke, self._instance, event)

    def invoke_batch(self, events: Sequence[Event]) -> Outcome:
        """Run ``onBatch``; see :meth:`isthmus.Engine.invoke_batch`."""
        return self._thread.run(self._thread.engine.invoke_batch, self._instance, events)

    async def ainvoke(self, event: Event | Request) -> Outcome:
        """As :meth:`invoke`, without holding up the test's loop."""
        return await self._thread.arun(self._thread.engine.invoke, self._instance, event)

    async def ainvoke_batch(self, events: Sequence[Event]) -> Outcome:
        """As :meth:`invoke_batch`, without holding up the test's loop."""
        return await self._thread.arun(self._thread.engine.invoke_batch, self._instance, events)

    def close(self) -> None:
        """Give back what it holds; the engine does so too as it closes."""
        self._thread.run(self._instance.aclose)


@final
class LabEngine:
    """An engine in a thread of its own, whose network, clock and chance are the test's; made by :func:`lab_engine`."""

    def __init__(self, thread: EngineThread, lab: Lab) -> None:
        self._thread = thread
        self._lab = lab

    @property
    def http(self) -> HttpStub:
        """What answers requests; set another one for a network with other responses."""
        return self._lab.network

    @http.setter
    def http(self, stub: HttpStub) -> None:
        self._lab.network = stub

    def freeze(self, *, now: float | None = None, seed: bytes | None = None) -> None:
        """Give all calls from now on the same clock and chance; without arguments, the real ones again.

        Args:
            now: seconds since the epoch.
            seed: one byte or more.
        """
        self._lab.now, self._lab.seed = now, seed

    def load(
        self,
        path: str | Path | None = None,
        *,
        code: str | bytes | None = None,
        settings: Mapping[str, Any] | None = None,
        kind: Kind | str | None = None,
        language: str = "",
        limits: Limits | None = None,
    ) -> LoadedFunction:
        """Load a function from its directory or its file, or from code that the test holds.

        Args:
            path: of a file, or of a directory with a ``function.toml``.
            code: in its place; ``language`` is needed then.
            settings: over those of the sample that ``function.toml`` has; where the sample has a sink, its setting is
                :data:`isthmus.testing.http.SINK_URL` unless it is given.
            kind: as defined, or by its handlers, if None; of code, a destination function's.
            language: as defined, or by the file's suffix, if "".
            limits: of each call.

        Raises:
            ValueError: there is neither path nor code, or both.
            EngineError: the settings do not fit the function.
            LoadError: the code does not load.
        """
        if (path is None) == (code is None):
            raise ValueError("a function is loaded from a path, or from code")
        given = settings or {}
        if path is not None:
            project = find(str(path))
            instance = self._thread.run(self._load_project, project, given, kind, language, limits)
        else:
            instance = self._thread.run(self._load_code, code, given, kind, language, limits)
        return LoadedFunction(self._thread, instance)

    async def _load_project(
        self, project: Any, given: Mapping[str, Any], kind: str | None, language: str, limits: Limits | None
    ) -> Instance:
        values = values_for(project, given)
        return await load_project(
            self._thread.engine, project, values, kind=kind, language=language, limits=limits
        )

    async def _load_code(
        self,
        code: str | bytes,
        given: Mapping[str, Any],
        kind: str | None,
        language: str,
        limits: Limits | None,
    ) -> Instance:
        from isthmus._cli.values import guess_definitions

        if not language:
            raise ValueError('code needs a language, such as language="javascript"')
        function = Function(
            name="tested",
            kind=Kind(kind or Kind.DESTINATION),
            language=language,
            code=code,
            settings=guess_definitions(given),
        )
        return await self._thread.engine.load(function, settings=given, limits=limits)


@contextmanager
def lab_engine(
    *, plugins: Sequence[object] = (), load_entry_points: bool = True, limits: Limits | None = None
) -> Iterator[LabEngine]:
    """Open an engine for tests, and close it on the way out.

    Args:
        plugins: beside the installed ones.
        load_entry_points: take the installed ones.
        limits: of each call; what a trace keeps of a body is a megabyte, unless they are given.
    """
    lab = Lab()
    limits = limits or msgspec.structs.replace(Limits(), trace_bytes=2**20)
    opened = partial(open_lab, lab, plugins=plugins, load_entry_points=load_entry_points, limits=limits)
    with engine_thread(opened) as thread:
        yield LabEngine(thread, lab)
