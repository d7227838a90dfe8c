"""From arguments to an instance in an engine, with its sink beside it."""

from __future__ import annotations

import argparse
import functools
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final, final

import msgspec
import trio

from isthmus import open_engine
from isthmus._rules.dispatch import HANDLERS
from isthmus.abc import Egress
from isthmus.errors import InvalidSettings
from isthmus.functions import Function, Kind, SettingType
from isthmus.limits import Limits

from .definition import Project, find, kind_named, language_of
from .faults import UsageFault
from .options import egress_of, limits_of, recording_of
from .values import gather, guess_definitions

if TYPE_CHECKING:
    from isthmus import Engine, Instance

    from .sink import Sink

__all__ = ["Opened", "in_trio", "load_bare", "open_function", "project_of"]

_STAND_INS: Final[Mapping[SettingType, object]] = {
    SettingType.STRING: "stand-in",
    SettingType.BOOLEAN: False,
    SettingType.ARRAY: [],
    SettingType.TEXT_MAP: {},
}


@final
class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A function that is ready to be invoked.

    Attributes:
        sink: the local server it sends to, or None.
        limits: of its calls.
        egress: where its requests may go.
        settings: the values of the instance.
    """

    engine: Engine
    instance: Instance
    project: Project
    limits: Limits
    egress: Egress
    settings: Mapping[str, object]
    sink: Sink | None = None

    def __repr__(self) -> str:
        return f"Opened({self.instance.name!r})"  # its settings are nobody's to see

    @property
    def kind(self) -> Kind:
        """What it was loaded as."""
        return self.instance.function.kind

    @property
    def takes_batches(self) -> bool:
        """Whether it has an ``onBatch`` that means something to its kind."""
        return "onBatch" in self.instance.handlers & HANDLERS[self.kind]


def in_trio(
    execute: Callable[[argparse.Namespace, Sequence[object]], Awaitable[int]],
) -> Callable[[argparse.Namespace, Sequence[object]], int]:
    """Make an asynchronous command one that can be called."""

    @functools.wraps(execute)
    def run(arguments: argparse.Namespace, plugins: Sequence[object]) -> int:
        return trio.run(execute, arguments, plugins)

    return run


def project_of(arguments: argparse.Namespace) -> Project:
    """The function that the arguments name.

    Raises:
        UsageFault: there is none.
    """
    return find(arguments.function, arguments.definition)


@asynccontextmanager
async def open_function(
    arguments: argparse.Namespace,
    project: Project,
    plugins: Sequence[object],
    *,
    sampling: bool,
    **raised: int,
) -> AsyncIterator[Opened]:
    """Load a function as the arguments say, and close everything on the way out.

    Args:
        arguments: of a command that has them all: definition, settings, egress.
        project: see :func:`project_of`.
        plugins: beside the installed ones.
        sampling: it runs on its own sample, for which the sample's settings are meant.
        raised: limits of each call whose default is another here.

    Raises:
        UsageFault: the arguments do not fit the function.
        EngineError: see :meth:`isthmus.Engine.load`.
        LoadError: its code does not load.
    """
    limits = limits_of(arguments, **raised)
    setting = _sink_setting(arguments, project)
    async with AsyncExitStack() as stack:
        sink = None
        if setting is not None:
            from .sink import open_sink, read_rules

            replies = arguments.replies or project.sample_file(project.manifest.sample.replies)
            sink = await stack.enter_async_context(open_sink(read_rules(replies) if replies else ()))
        engine = await stack.enter_async_context(
            open_engine(plugins=plugins, limits=limits, record=recording_of(arguments))
        )
        values = gather(
            project.settings,
            file=arguments.settings,
            environ=os.environ,
            prefix=arguments.env_prefix,
            pairs=arguments.pairs,
            below=project.manifest.sample.settings if sink or sampling else {},
        )
        if sink and setting:
            values[setting] = sink.url
        if project.settings is None:
            project = msgspec.structs.replace(project, settings=guess_definitions(values))
        egress = egress_of(arguments, f"127.0.0.1:{sink.port}" if sink else None)
        try:
            instance = await load(
                engine,
                project,
                kind=arguments.kind,
                language=arguments.language,
                settings=values,
                egress=egress,
            )
        except InvalidSettings as exc:
            named = project.manifest.sample.sink
            if sink is None and named and named not in values:
                raise UsageFault(f"{exc} (--sink {named} gives it the URL of a local server)") from None
            raise
        yield Opened(
            engine=engine,
            instance=instance,
            project=project,
            limits=limits,
            egress=egress,
            settings=values,
            sink=sink,
        )


async def load_bare(engine: Engine, project: Project, *, kind: str | None, language: str) -> Instance:
    """Load a function to look at it, with a stand-in for each value it requires; see :func:`load`."""
    return await load(
        engine,
        project,
        kind=kind,
        language=language,
        settings={
            definition.name: _STAND_INS[definition.type]
            for definition in project.settings or ()
            if definition.required
        },
    )


async def load(
    engine: Engine, project: Project, *, kind: str | None, language: str, **options: object
) -> Instance:
    """Load a function; where nobody says of which kind it is, its handlers do.

    Args:
        engine: to load it in.
        project: the function.
        kind: as chosen, or None.
        language: as chosen, or "".
        options: for :meth:`isthmus.Engine.load`.
    """
    language = language_of(project, engine.runtimes, language)
    code = await trio.to_thread.run_sync(project.assemble, engine.runtimes.get(language))
    said = kind or project.manifest.kind
    if said:
        return await engine.load(project.function(code, kind=kind_named(said), language=language), **options)  # type: ignore[arg-type]
    function = project.function(code, kind=Kind.DESTINATION, language=language)
    # Which handlers it has is known when it is loaded, and that is cheap to have guessed.
    guess = _guess(function)
    instance = await engine.load(msgspec.structs.replace(function, kind=guess), **options)  # type: ignore[arg-type]
    found = Kind.SOURCE if "onRequest" in instance.handlers else Kind.DESTINATION
    if found is guess:
        return instance
    await instance.aclose()
    return await engine.load(msgspec.structs.replace(function, kind=found), **options)  # type: ignore[arg-type]


def _guess(function: Function) -> Kind:
    code = function.code if isinstance(function.code, bytes) else function.code.encode()
    return Kind.SOURCE if b"onRequest" in code else Kind.DESTINATION


def _sink_setting(arguments: argparse.Namespace, project: Project) -> str | None:
    """The setting that gets the sink's URL, None where there is to be no sink."""
    if arguments.sink is None:
        return None
    setting: str = arguments.sink or project.manifest.sample.sink
    if not setting:
        raise UsageFault("--sink needs the name of the setting that takes its URL: --sink SETTING")
    known = [definition.name for definition in project.settings or ()]
    if project.settings is not None and setting not in known:
        raise UsageFault(
            f"--sink {setting}: the function has no such setting; it has {', '.join(known) or 'none'}"
        )
    return setting
