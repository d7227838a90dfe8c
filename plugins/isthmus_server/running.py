"""What runs: an engine's functions and the pipeline over them, replaced by others while calls are under way."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final, final

import trio

from isthmus import Engine, Pipeline, open_pipeline
from isthmus.archive import EventArchive
from isthmus.pipelinefiles import LoadedPipeline
from isthmus.pipelines import Observation
from isthmus.queues import Queue

from .ingress.answers import Refusal
from .ingress.sources import Serving, SourceTable

__all__ = ["Generation", "Load", "Running"]

logger = logging.getLogger("isthmus.server")

Load = Callable[[Engine], Awaitable[LoadedPipeline]]
"""Loads what is to run now; raises an IsthmusError where that is nothing that can be run."""


@final
class Generation:
    """A pipeline, and the sources that it was opened with."""

    def __init__(self, pipeline: Pipeline, sources: SourceTable) -> None:
        self.pipeline = pipeline
        self.sources = sources
        self._calls = 0
        self._replaced = trio.Event()
        self._left = trio.Event()

    @contextmanager
    def entered(self) -> Iterator[Serving]:
        """Stay open for a call."""
        self._calls += 1
        try:
            yield self
        finally:
            self._calls -= 1
            if not self._calls:
                self._left.set()

    def replace(self) -> None:
        """There is another: close once the calls under way have ended."""
        self._replaced.set()

    async def until_left(self) -> None:
        """Wait until it has been replaced, and no call is under way."""
        await self._replaced.wait()
        while self._calls:
            self._left = trio.Event()
            await self._left.wait()


@final
class Running:
    """The generation that serves now, and those that are on their way out.

    Two of them work on one queue for a while; what one has claimed the other does not get.

    Args:
        nursery: of the pipelines; it is done when all have closed.
        engine: runs the functions.
        queue: keeps the deliveries.
        observe: told of what the pipelines do.
        archive: keeps their events, or None.
        grace: seconds for what is under way in a pipeline that closes.
        event_bytes: of an event.

    Attributes:
        loaded: how often something was loaded.
    """

    def __init__(
        self,
        nursery: trio.Nursery,
        engine: Engine,
        queue: Queue,
        *,
        observe: Callable[[Observation], None],
        archive: EventArchive | None,
        grace: float,
        event_bytes: int,
    ) -> None:
        self._nursery = nursery
        self._engine = engine
        self._queue = queue
        self._observe = observe
        self._archive = archive
        self._grace = grace
        self._event_bytes = event_bytes
        self._current: Generation | None = None
        self._turn: Final = trio.Lock()
        self.loaded = 0

    @property
    def current(self) -> Generation | None:
        """What serves now, None where nothing does yet or any more."""
        return self._current

    @contextmanager
    def enter(self) -> Iterator[Serving]:
        """Give what serves now, and keep it open; see :data:`.ingress.Enter`.

        Raises:
            Refusal: nothing does.
        """
        if self._current is None:
            raise Refusal(503, "unavailable", "the server is about to start or to stop", after=1.0)
        with self._current.entered() as serving:
            yield serving

    async def load(self, load: Load) -> None:
        """Load what is to run now, and let it take over.

        Raises:
            IsthmusError: it cannot be run; what served goes on.
        """
        async with self._turn:
            before = self._current
            self._current = await self._nursery.start(self._live, load)
            self.loaded += 1
            if before is not None:
                before.replace()

    def stop(self) -> None:
        """Let nothing in any more, and close."""
        if self._current is not None:
            self._current.replace()
        self._current = None

    async def _live(self, load: Load, *, task_status: trio.TaskStatus[Generation]) -> None:
        loaded = await load(self._engine)
        try:
            table = SourceTable(loaded.entrances)
            async with open_pipeline(
                self._engine,
                self._queue,
                sources=loaded.sources,
                destinations=loaded.destinations,
                observe=self._observe,
                archive=self._archive,
                grace=self._grace,
                event_bytes=self._event_bytes,
            ) as pipeline:
                generation = Generation(pipeline, table)
                task_status.started(generation)
                await generation.until_left()
        finally:
            with trio.move_on_after(self._grace, shield=True):
                await loaded.aclose()
