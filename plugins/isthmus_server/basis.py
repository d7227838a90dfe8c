"""What the service runs on: a ``pipeline.toml``, or a store that is changed over HTTP."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, final

import trio

from isthmus import Egress, Engine, Request
from isthmus.archive import EventArchive
from isthmus.calls import CallEvent
from isthmus.errors import IsthmusError
from isthmus.pipelinefiles import Journals, LoadedPipeline, load_pipeline
from isthmus.pipelines import Observation
from isthmus.queues import Queue

from .frontdoor import with_console

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from .running import Running
    from .store import Meter, Store

__all__ = ["Basis", "FileBasis", "Reload", "StoreBasis"]

logger = logging.getLogger("isthmus.server")

Reload = Callable[[], Awaitable[None]]
"""Loads anew what runs; raises an IsthmusError where that cannot be done, and what runs goes on."""

PAUSE: Final = 5.0
"""Seconds after which a store that is away is asked again."""


class Basis(Protocol):
    """Where what is to run is written down."""

    @property
    def archive(self) -> EventArchive | None:
        """Keeps the events of the pipeline, None for nothing that does."""

    async def load(self, engine: Engine) -> LoadedPipeline:
        """Load what is to run now; see :data:`.running.Load`."""

    async def follow(self, reload: Reload) -> None:
        """Reload whenever what is to run has changed, until cancelled."""

    def observe(self, seen: Observation) -> None:
        """Take what the pipeline tells; must not block."""

    def call(self, event: CallEvent) -> None:
        """Take what the engine tells; must not block."""

    def received(self, source: str, webhook: Request) -> None:
        """Take a webhook as it came in; must not block."""

    def application(self, engine: Engine, url: str, running: Running, queue: Queue) -> ASGIApp | None:
        """What is served beside the ingress, None for nothing.

        Args:
            engine: runs what is tried out.
            url: of this server, as senders see it, with a slash at its end.
            running: the pipeline.
            queue: where its deliveries wait.
        """


@final
class FileBasis:
    """A ``pipeline.toml``, which is read again when somebody says so.

    Args:
        path: of the file.
        journals: that it named when they were opened.
    """

    def __init__(self, path: Path, journals: Journals) -> None:
        self._path = path
        self._log = journals.log
        self.archive = journals.archive

    async def load(self, engine: Engine) -> LoadedPipeline:
        """See :class:`Basis`."""
        return await load_pipeline(engine, self._path)

    async def follow(self, reload: Reload) -> None:
        """See :class:`Basis`."""
        del reload
        await trio.sleep_forever()

    def observe(self, seen: Observation) -> None:
        """See :class:`Basis`."""
        if self._log is not None:
            self._log(seen)

    def call(self, event: CallEvent) -> None:
        """See :class:`Basis`."""

    def received(self, source: str, webhook: Request) -> None:
        """See :class:`Basis`."""

    def application(self, engine: Engine, url: str, running: Running, queue: Queue) -> ASGIApp | None:
        """See :class:`Basis`."""
        del engine, url, running, queue
        return None


@final
class StoreBasis:
    """A store, with Segment's Public API and a console over it.

    Args:
        store: that is open.
        egress: where requests of what runs may go.
        count: takes what the pipeline tells.
        meter: of what is used.
        journals: that are open.
        kept: directory that they are kept in, or None.
    """

    def __init__(
        self,
        store: Store,
        egress: Egress,
        *,
        count: Callable[[Observation], None],
        meter: Meter,
        journals: Journals,
        kept: Path | None = None,
    ) -> None:
        from .console.captured import CapturedWebhooks
        from .console.latencies import Latencies
        from .sharedslots import SharedSlots
        from .snapshotpipeline import load_snapshot

        self.archive = journals.archive
        self._log = journals.log
        self._count = count
        self._meter = meter
        self.call = meter.call
        self._store = store
        self._egress = egress
        self._kept = kept
        self._latencies = Latencies()
        self._captured = CapturedWebhooks()
        self.received = self._captured.keep
        self._load = partial(load_snapshot, egress=egress, slots=SharedSlots())
        self._revision = -1
        self._locks = meter.locks

    async def load(self, engine: Engine) -> LoadedPipeline:
        """See :class:`Basis`."""
        snapshot = await self._store.snapshot()
        self._meter.know({runnable.instance: runnable.id for runnable in snapshot.runnables})
        locks = self._meter.locks
        loaded = await self._load(engine, snapshot, locks=locks)
        self._locks = locks
        self._revision = snapshot.workspace.revision
        return loaded

    def observe(self, seen: Observation) -> None:
        """See :class:`Basis`."""
        self._count(seen)
        self._meter.observe(seen)
        self._latencies.observe(seen)
        if self._log is not None:
            self._log(seen)

    async def follow(self, reload: Reload) -> None:
        """See :class:`Basis`."""
        while True:
            try:
                await self._wait_changed()
                await reload()
            except IsthmusError as exc:
                logger.error("what has changed in the store does not run yet: %s", exc)
                await trio.sleep(PAUSE)

    async def _wait_changed(self) -> None:
        """Wait until something else is to run, or something else is locked."""
        failed: IsthmusError | None = None
        async with trio.open_nursery() as nursery:
            with trio.CancelScope() as looking:

                async def watch_locks() -> None:
                    await self._meter.wait_moved(self._locks)
                    looking.cancel()

                nursery.start_soon(watch_locks)
                try:
                    await self._store.wait_changed(self._revision)
                except IsthmusError as exc:
                    failed = exc
            nursery.cancel_scope.cancel()
        if failed is not None:
            raise failed

    def application(self, engine: Engine, url: str, running: Running, queue: Queue) -> ASGIApp | None:
        """See :class:`Basis`."""
        from .api import public_api
        from .console import Live, console
        from .journals import ARCHIVE, DELIVERIES

        kept = self._kept
        live = Live(
            running=running,
            queue=queue,
            latencies=self._latencies,
            captured=self._captured,
            deliveries=None if kept is None else kept / DELIVERIES,
            archive=None if kept is None else kept / ARCHIVE,
        )
        return with_console(
            public_api(self._store, engine, webhook_url=url, egress=self._egress),
            console(self._store, engine, live=live, url=url, egress=self._egress),
        )
