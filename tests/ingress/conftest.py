"""The ingress in this process: a pipeline over a queue in memory, functions that are Python callables, no socket."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any, Final, Self, final

import httpx
import msgspec
import trio

import isthmus
from isthmus.pipelinefiles import Entrance
from isthmus.pipelines import Attempt, Destination, Sink, Source
from isthmus.queues import Queue
from isthmus.rules import Schedule
from isthmus.testing import MemoryQueue, ScriptedRuntime, Throw, World
from isthmus_server.ingress import IngressLimits, SourceTable, ingress_app

KEY = "write-key-of-the-test"
SECRET = "s3cr3t-of-the-test"
NOW = 1_790_000_000.0
"""2026-09-21T14:13:20Z."""
ADDRESS = "192.0.2.7"
SEGMENTS: Final = IngressLimits()


def hook(request: dict[str, Any], _settings: dict[str, Any], world: World) -> object:
    """Does as the webhook says; one that says nothing is sent on as it came."""
    seen.append(request)
    body = msgspec.json.decode(request["text"]) if request["text"].startswith("{") else {}
    if name := body.get("throw"):
        raise Throw(name, f"{SECRET} is nobody's to see")
    world.sent.append({"type": "track", "event": "Hooked", "userId": "u", "properties": body})
    return body.get("answer")


seen: list[dict[str, Any]] = []
"""The requests that :func:`hook` got, since the door was opened."""


@final
class Arrivals(Sink):
    """A destination that keeps what arrives."""

    def __init__(self) -> None:
        self.texts: list[bytes] = []
        self.received: list[tuple[str, isthmus.Request]] = []

    async def deliver(self, events: Sequence[bytes]) -> Attempt:
        await trio.lowlevel.checkpoint()
        self.texts += events
        return Attempt(status=isthmus.Status.DELIVERED)


@final
class Parts(httpx.AsyncByteStream):
    """A body that comes in parts."""

    def __init__(self, *parts: bytes | trio.Event) -> None:
        self._parts = iter(parts)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        part = next(self._parts, None)
        if isinstance(part, trio.Event):
            await part.wait()
            part = next(self._parts, None)
        if part is None:
            raise StopAsyncIteration
        assert isinstance(part, bytes)
        return part


@final
class Door:
    """What a test has of an ingress.

    Attributes:
        client: talks to it.
        arrived: events at the destination.
        texts: the same, as the destination got them.
        queue: they passed.
        pipeline: between the two.
        requests: that the function got.
    """

    def __init__(self, client: httpx.AsyncClient, queue: Queue, pipeline: isthmus.Pipeline) -> None:
        self.client = client
        self.queue = queue
        self.pipeline = pipeline
        self.texts: list[bytes] = []
        self.received: list[tuple[str, isthmus.Request]] = []
        self.requests = seen

    @property
    def arrived(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(text) for text in self.texts]

    async def drained(self) -> list[dict[str, Any]]:
        """What has arrived, once all has."""
        await self.pipeline.drain()
        return self.arrived

    async def track(self, *events: dict[str, Any], **more: Any) -> httpx.Response:
        """Send a batch."""
        return await self.client.post("/v1/batch", json={"batch": events, **more}, auth=(KEY, ""))

    async def send_parts(self, url: str, parts: Parts, **headers: str) -> httpx.Response:
        """Send a body whose length is not said."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        target = self.client.base_url.join(url)
        return await self.client.send(
            httpx.Request("POST", target, headers=sent, stream=parts), auth=(KEY, "")
        )

    async def hook(self, body: object = None, **options: Any) -> httpx.Response:
        """Send a webhook of JSON."""
        return await self.client.post("/webhooks/hook", json=body or {}, headers=bearer(), **options)


Open = Callable[..., AbstractAsyncContextManager[Door]]


def bearer(secret: str = SECRET) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def segments_url(source: str = "hook", secret: str = SECRET) -> str:
    return "/?b=" + base64.b64encode(f"{source}::{secret}".encode()).decode().replace("=", "%3D")


def event(**more: Any) -> dict[str, Any]:
    return {"type": "track", "event": "E", "userId": "u", **more}


@asynccontextmanager
async def opened(
    *,
    limits: IngressLimits = SEGMENTS,
    queue: Queue | None = None,
    public_url: str = "",
    **entrance: Any,
) -> AsyncIterator[Door]:
    """An ingress with the sources ``web`` and ``hook``, whose entrance has further fields."""
    seen.clear()
    queue = queue or MemoryQueue()
    received: list[tuple[str, isthmus.Request]] = []
    function = isthmus.Function(name="hook", kind=isthmus.Kind.SOURCE, language="scripted", code="hook")
    runtime = ScriptedRuntime({"onRequest": hook})
    async with isthmus.open_engine(plugins=[runtime], load_entry_points=False) as engine:
        schedule = Schedule(first=(60.0, 180.0), cap=1200.0, attempts=6)
        sources = [
            Source(id="web"),
            Source(id="hook", function=await engine.load(function), schedule=schedule),
        ]
        arrived = Arrivals()
        destination = Destination(name="d", to=arrived)
        clock = queue._now if isinstance(queue, MemoryQueue) else trio.current_time
        async with isthmus.open_pipeline(
            engine, queue, sources=sources, destinations=[destination], clock=clock, event_bytes=33 * 1024
        ) as pipeline:
            table = SourceTable(
                [
                    Entrance(source="web", write_keys=(KEY,)),
                    Entrance(source="hook", secrets=(SECRET,), **entrance),
                ]
            )
            app = ingress_app(
                _entering(table, pipeline),
                limits=limits,
                public_url=public_url,
                received=lambda source, webhook: received.append((source, webhook)),
                clock=lambda: NOW,
            )
            transport = httpx.ASGITransport(app, client=(ADDRESS, 1234), raise_app_exceptions=True)
            async with httpx.AsyncClient(transport=transport, base_url="http://hooks.test") as client:
                door = Door(client, queue, pipeline)
                door.texts, door.received = arrived.texts, received
                yield door


class _Serving:
    def __init__(self, sources: SourceTable, pipeline: isthmus.Pipeline) -> None:
        self.sources = sources
        self.pipeline = pipeline


def _entering(table: SourceTable, pipeline: isthmus.Pipeline) -> Callable[[], Any]:
    @contextmanager
    def enter() -> Iterator[_Serving]:
        yield _Serving(table, pipeline)

    return enter


def codes(answer: httpx.Response) -> Sequence[str]:
    """Of the events of a batch that were not taken."""
    return [error["code"] for error in answer.json().get("errors", [])]
