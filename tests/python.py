"""Python functions in the hands of a test: loaded and run through the public engine, at a level of isolation."""

from __future__ import annotations

import os
import textwrap
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import trio

from isthmus import (
    Engine,
    Function,
    Instance,
    Kind,
    Limits,
    Outcome,
    Request,
    SettingDefinition,
    open_engine,
)
from isthmus.abc import FetchRequest, FetchResponse
from isthmus.hookspecs import hookimpl
from isthmus.testing import MockFetcher
from isthmus_cpython import CPythonRuntime, Level

MIB = 1024 * 1024
LONGEST = 120.0
"""Seconds after which something hangs; never how long anything takes, for a machine may be busy."""
LEVELS = tuple(level.value for level in Level)


class Functions:
    """Runs Python functions.

    Attributes:
        level: of isolation that was asked for.
        fetcher: answers their requests.
    """

    def __init__(self, engine: Engine, runtime: CPythonRuntime, fetcher: MockFetcher) -> None:
        self.engine = engine
        self.runtime = runtime
        self.fetcher = fetcher

    async def load(
        self,
        code: str,
        *,
        kind: Kind = Kind.DESTINATION,
        settings: Mapping[str, object] | None = None,
        file: str = "function.py",
        isolation: str = "call",
        lenient: bool = False,
        **limits: Any,
    ) -> Instance:
        function = Function(
            name="tested",
            kind=kind,
            language="python",
            code=textwrap.dedent(code),
            file=file,
            settings=tuple(SettingDefinition(name=name) for name in settings or ()),
            isolation=isolation,  # type: ignore[arg-type] # one of two words
            lenient=lenient,
        )
        bounds = Limits(**{"wall": LONGEST, **limits})
        return await self.engine.load(function, settings=settings or {}, limits=bounds)

    async def outcome(self, code: str, event: Mapping[str, object] | None = None, **options: Any) -> Outcome:
        """One call of code that defines handlers."""
        instance = await self.load(code, **options)
        return await self.engine.invoke(instance, {"type": "track", **(event or {})})

    async def webhook(self, code: str, request: Request, **options: Any) -> Outcome:
        """One call of a source function."""
        instance = await self.load(code, kind=Kind.SOURCE, **options)
        return await self.engine.invoke(instance, request)

    async def value(self, body: str, event: Mapping[str, object] | None = None, **options: Any) -> Any:
        """What ``on_track`` with this body returns; the test fails where it does not."""
        return value_of(await self.outcome(handler(body), event, **options))


def handler(body: str, head: str = "def on_track(event, settings):") -> str:
    """A handler with a body."""
    return f"{head}\n{textwrap.indent(textwrap.dedent(body).strip(), '    ')}\n"


def value_of(outcome: Outcome) -> Any:
    """What the handler returned; the test fails where it did not."""
    assert outcome.problem is None, outcome.problem
    return None if outcome.value is None else msgspec.json.decode(outcome.value)


def lines_of(outcome: Outcome) -> list[tuple[str, str]]:
    """(level, text) of its console output."""
    return [(line.level, line.text) for line in outcome.logs]


@asynccontextmanager
async def open_functions(
    level: str = Level.KERNEL_NS, runtime_class: type[CPythonRuntime] = CPythonRuntime, **options: Any
) -> AsyncIterator[Functions]:
    """An engine with the runtime at a level, and a fetcher that answers what it was asked."""

    async def answer(request: FetchRequest) -> FetchResponse:
        if "slow" in request.url:
            await trio.sleep(0.05)
        if "forever" in request.url:
            await trio.sleep_forever()
        told = {"url": request.url, "method": request.method, "body": (request.body or b"").decode("latin-1")}
        headers = (("content-type", "application/json"), *request.headers)
        return FetchResponse(
            status=200, reason="OK", headers=headers, body=msgspec.json.encode(told), url=request.url
        )

    fetcher = MockFetcher(answer)
    options.setdefault("require_isolation", "process")
    runtime = runtime_class(isolation=level, **options)
    async with open_engine(plugins=[_Plugin(runtime), fetcher], load_entry_points=False) as engine:
        yield Functions(engine, runtime, fetcher)


class _Plugin:
    """Offers a runtime."""

    def __init__(self, runtime: CPythonRuntime) -> None:
        self._runtime = runtime

    @hookimpl
    def isthmus_runtimes(self) -> list[CPythonRuntime]:
        return [self._runtime]


def processes_below(parent: int | None = None) -> set[int]:
    """Ids of all processes that descend from one, by default from this one."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
    root = parent or os.getpid()
    found: set[int] = set()
    grown = True
    while grown:
        more = {child for child, above in parents.items() if above == root or above in found} - found
        grown = bool(more)
        found |= more
    return found
