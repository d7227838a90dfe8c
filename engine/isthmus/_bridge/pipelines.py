"""A queue and a pipeline over it, opened together where the engine is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from isthmus._pipeline.opening import open_pipeline
from isthmus._queues import open_queue
from isthmus.pipelines import Destination, Source

if TYPE_CHECKING:
    from isthmus._engine import Engine
    from isthmus._pipeline.pipeline import Pipeline

__all__ = ["opened"]


@asynccontextmanager
async def opened(
    engine: Engine,
    queue: str,
    sources: Sequence[Source],
    destinations: Sequence[Destination],
    options: dict[str, Any],
) -> AsyncIterator[Pipeline]:
    """Open both, and close both."""
    async with (
        open_queue(queue) as kept,
        open_pipeline(engine, kept, sources=sources, destinations=destinations, **options) as pipeline,
    ):
        yield pipeline
