"""A ``pipeline.toml`` and what it names, loaded: for programs that run a pipeline as ``isthmus work`` does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, final

import msgspec
import trio

from .errors import EngineError
from .pipelines import Destination, Rate, Source

if TYPE_CHECKING:
    from ._cli.assembly import Assembly
    from ._cli.pipelinefile import SourceEntry
    from ._engine import Engine
    from ._instances import Instance
    from .archive import EventArchive
    from .deliveries import StoredDeliveryLog

__all__ = ["Entrance", "Journals", "LoadedPipeline", "load_pipeline", "open_journals"]


@final
class Entrance(msgspec.Struct, frozen=True, kw_only=True):
    """How events of a source come in over HTTP.

    Attributes:
        source: its id.
        write_keys: each lets in what the tracking API takes.
        secrets: each lets in webhooks, for a source with a function.
        custom_response: what its function returns, ``{status, headers, body}``, is the answer to a webhook.
        run_later: a webhook is answered when it is kept, and its function runs after that.
        sender_retries: where its function asks to be tried again the sender is told so, and nothing is kept here.
        rate: events and webhooks of it, None for as many as come.
        shared_rate: of all sources that have this one together, None for as many as come.
        locked: what is told to come back, as a quota is used up: ``webhooks``, ``all``, or "" for nothing.
        available: false where the source cannot be run now: senders are told to come back.

    Raises:
        EngineError: the attributes contradict each other.
    """

    source: str
    write_keys: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    custom_response: bool = False
    run_later: bool = False
    sender_retries: bool = False
    rate: Rate | None = None
    shared_rate: Rate | None = None
    locked: Literal["", "webhooks", "all"] = ""
    available: bool = True

    def __post_init__(self) -> None:
        if self.run_later and (self.custom_response or self.sender_retries):
            raise EngineError(
                f"source {self.source!r}: run_later answers before the function runs, and custom_response and "
                "sender_retries after it"
            )
        if any(not key for key in (*self.write_keys, *self.secrets)):
            raise EngineError(f"source {self.source!r}: a write key or a secret is empty")

    def __repr__(self) -> str:
        return f"Entrance(source={self.source!r}, ...)"


@final
class LoadedPipeline(msgspec.Struct, frozen=True, kw_only=True):
    """What a pipeline is opened with.

    Attributes:
        sources: in the order of the file.
        destinations: in the order of the file.
        entrances: one for each source, in that order.
        instances: all that were loaded for them.
    """

    sources: tuple[Source, ...]
    destinations: tuple[Destination, ...]
    entrances: tuple[Entrance, ...]
    instances: tuple[Instance, ...]

    async def aclose(self) -> None:
        """Give the instances back, once no pipeline uses them any more."""
        for instance in self.instances:
            await instance.aclose()


async def load_pipeline(engine: Engine, path: Path) -> LoadedPipeline:
    """Read a ``pipeline.toml`` and load the functions that it names.

    Args:
        engine: to load them in.
        path: of the file; what it names is relative to its directory.

    Raises:
        EngineError: it cannot be read or defines no pipeline, or what it names is not there; the text names the key.
        LoadError: a function's code does not load.
    """
    from ._cli.assembly import Assembly  # not for those who only want the values above
    from ._cli.faults import UsageFault
    from ._cli.pipelinefile import read_pipeline

    try:
        written = await trio.to_thread.run_sync(read_pipeline, path)
        assembly = Assembly(engine, path, written, serving=True)
        try:
            sources, destinations = await assembly.sources(), await assembly.destinations()
            return LoadedPipeline(
                sources=tuple(sources),
                destinations=tuple(destinations),
                entrances=tuple(_entrance(entry, assembly) for entry in written.source),
                instances=tuple(assembly.instances),
            )
        except BaseException:
            with trio.CancelScope(shield=True):
                for instance in assembly.instances:
                    await instance.aclose()
            raise
    except UsageFault as exc:
        raise EngineError(str(exc)) from None


@final
class Journals(msgspec.Struct, frozen=True, kw_only=True):
    """What a pipeline writes down beside its queue.

    Attributes:
        log: of its deliveries, for :func:`isthmus.open_pipeline`'s ``observe``; None where the file names none.
        archive: of its events, or None.
    """

    log: StoredDeliveryLog | None = None
    archive: EventArchive | None = None


@asynccontextmanager
async def open_journals(path: Path) -> AsyncIterator[Journals]:
    """Open the log and the archive that a ``pipeline.toml`` names, and close them on the way out.

    Raises:
        EngineError: the file cannot be read, or one of the two cannot be opened.
    """
    from ._cli.faults import UsageFault
    from ._cli.journals import archive_of, log_of
    from ._cli.pipelinefile import read_pipeline

    try:
        written = await trio.to_thread.run_sync(read_pipeline, path)
        async with log_of(written, path.parent) as log, archive_of(written, path.parent) as archive:
            yield Journals(log=log, archive=archive)
    except UsageFault as exc:
        raise EngineError(str(exc)) from None


def _entrance(entry: SourceEntry, assembly: Assembly) -> Entrance:
    where, http = f"source {entry.id!r}: http", entry.http
    if http.secrets and not entry.function:
        raise EngineError(f"{where}: secrets are for webhooks, and the source has no function for them")
    return Entrance(
        source=entry.id,
        write_keys=tuple(assembly.text(key, f"{where}: write_keys") for key in http.write_keys),
        secrets=tuple(assembly.text(secret, f"{where}: secrets") for secret in http.secrets),
        custom_response=http.custom_response,
        run_later=http.run_later,
        sender_retries=http.sender_retries,
        rate=assembly.rate(http.rate, where),
    )
