"""A function, an engine and an instance in one line, for tests over the scripted runtime."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import isthmus
from isthmus import Engine, Function, Instance, Kind, SettingDefinition
from isthmus.testing import Handler, ScriptedRuntime

TRACK = b'{"type":"track","messageId":"m-1"}'


def function(kind: Kind = Kind.DESTINATION, **fields: Any) -> Function:
    return Function(**{"name": "f", "kind": kind, "language": "scripted", "code": "code", **fields})


def secret_settings(*names: str) -> tuple[SettingDefinition, ...]:
    return tuple(SettingDefinition(name=name, sensitive=True) for name in names)


@asynccontextmanager
async def engine_with(
    handlers: Mapping[str, Handler] | ScriptedRuntime, *plugins: object, **options: Any
) -> AsyncIterator[Engine]:
    runtime = handlers if isinstance(handlers, ScriptedRuntime) else ScriptedRuntime(handlers)
    async with isthmus.open_engine(plugins=[runtime, *plugins], load_entry_points=False, **options) as engine:
        yield engine


@asynccontextmanager
async def instance_with(
    handlers: Mapping[str, Handler] | ScriptedRuntime,
    *plugins: object,
    kind: Kind = Kind.DESTINATION,
    fields: Mapping[str, Any] | None = None,
    **options: Any,
) -> AsyncIterator[tuple[Engine, Instance]]:
    """An instance of a function of these handlers; ``options`` go to `Engine.load`."""
    async with engine_with(handlers, *plugins) as engine:
        yield engine, await engine.load(function(kind, **(fields or {})), **options)
