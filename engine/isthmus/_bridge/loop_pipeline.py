"""The pipeline for services on asyncio."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, final

from isthmus.events import Event, Request
from isthmus.metrics import Metrics
from isthmus.outcomes import Outcome
from isthmus.pipelines import Destination, PipelineStats, Source

from .loop import LoopBridge
from .pipelines import opened

if TYPE_CHECKING:
    from isthmus._pipeline.pipeline import Pipeline as TrioPipeline
    from isthmus.asyncio import Engine

__all__ = ["Pipeline", "open_pipeline"]


@asynccontextmanager
async def open_pipeline(
    engine: Engine,
    queue: str,
    *,
    sources: Sequence[Source],
    destinations: Sequence[Destination],
    **options: Any,
) -> AsyncIterator[Pipeline]:
    """Carry events from sources to destinations; as :func:`isthmus.open_pipeline`, over a queue of its own.

    Sinks and ``observe`` are called in the engine's thread; an async function of a sink is one of Trio.

    Args:
        engine: runs the functions, whose instances are its own.
        queue: the URL of one, as :func:`isthmus.open_queue` takes it; open as long as the pipeline is.
        sources: where events come from.
        destinations: where they go.
        options: others of :func:`isthmus.open_pipeline`.
    """
    trio_engine, bridge = engine._crossing  # noqa: SLF001 -- a part of the same face
    async with bridge.hold(opened(trio_engine, queue, sources, destinations, options)) as pipeline:
        yield Pipeline(pipeline, bridge)


@final
class Pipeline:
    """Events on their way; made by :func:`open_pipeline`."""

    def __init__(self, pipeline: TrioPipeline, bridge: LoopBridge) -> None:
        self._pipeline = pipeline
        self._bridge = bridge

    async def accept(self, source: str, event: Event | Iterable[Event]) -> list[str]:
        """Take an event, or several; as :meth:`isthmus.Pipeline.accept`."""
        return await self._bridge.call(self._pipeline.accept, source, event)

    async def receive(self, source: str, request: Request, *, message_id: str | None = None) -> str:
        """Take a webhook; as :meth:`isthmus.Pipeline.receive`."""
        receive = partial(self._pipeline.receive, source, request, message_id=message_id)
        return await self._bridge.call(receive)

    async def answer(
        self,
        source: str,
        request: Request,
        *,
        message_id: str | None = None,
        retries: bool = True,
    ) -> Outcome:
        """Run the function of a source on a webhook at once; as :meth:`isthmus.Pipeline.answer`."""
        answer = partial(self._pipeline.answer, source, request, message_id=message_id, retries=retries)
        return await self._bridge.call(answer)

    async def replay(
        self,
        source: str,
        events: Iterable[Event],
        *,
        to: Sequence[str],
        mark: str | None = None,
        shown: bool = False,
    ) -> int:
        """Send events to destinations again; as :meth:`isthmus.Pipeline.replay`."""
        replay = partial(self._pipeline.replay, source, events, to=to, mark=mark, shown=shown)
        return await self._bridge.call(replay)

    async def drain(self) -> None:
        """Wait until everything that can be tried now has been; as :meth:`isthmus.Pipeline.drain`."""
        await self._bridge.call(self._pipeline.drain)

    async def stats(self) -> PipelineStats:
        """What was done since it was opened."""

        async def stats() -> PipelineStats:
            return self._pipeline.stats()

        return await self._bridge.call(stats)

    async def metrics(self, *, max_age: float = 1.0) -> Metrics:
        """What it did and what waits, as families of numbers; as :meth:`isthmus.Pipeline.metrics`."""
        return await self._bridge.call(partial(self._pipeline.metrics, max_age=max_age))


Pipeline.__module__ = "isthmus.asyncio"
open_pipeline.__module__ = "isthmus.asyncio"
