"""Starlette under hypercorn on Trio, over the engine itself."""

from __future__ import annotations

import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import hypercorn.trio
import msgspec
import trio
import trio.lowlevel
from hypercorn.config import Config
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tests.embedding.services.functions import CITIES, FUNCTIONS, LIMITS

import isthmus


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    async with isthmus.open_engine(limits=LIMITS) as engine:

        @engine.capability("city.of")
        async def city_of(user: str) -> str:
            await trio.lowlevel.checkpoint()
            return CITIES[user]

        app.state.engine = engine
        app.state.instances = {name: await engine.load(function) for name, function in FUNCTIONS.items()}
        yield
    print("closed", flush=True)


async def call(request: Request) -> Response:
    state = request.app.state
    outcome = await state.engine.invoke(state.instances[request.path_params["name"]], await request.body())
    return Response(msgspec.json.encode(outcome), media_type="application/json")


async def stats(request: Request) -> Response:
    return Response(msgspec.json.encode(request.app.state.engine.stats()), media_type="application/json")


app = Starlette(routes=[Route("/stats", stats), Route("/{name}", call, methods=["POST"])], lifespan=lifespan)


async def main() -> None:
    config = Config()
    config.bind = [f"fd://{sys.argv[1]}"]
    config.graceful_timeout = 20
    stop = trio.Event()

    async def heed(task_status: trio.TaskStatus[None]) -> None:
        with trio.open_signal_receiver(signal.SIGTERM) as signals:
            task_status.started()
            async for _ in signals:
                stop.set()
                return

    async with trio.open_nursery() as nursery:
        await nursery.start(heed)
        await hypercorn.trio.serve(app, config, shutdown_trigger=stop.wait)  # type: ignore[arg-type]


if __name__ == "__main__":
    trio.run(main)
