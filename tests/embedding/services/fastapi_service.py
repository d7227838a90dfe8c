"""FastAPI under uvicorn, over the engine's facade for asyncio."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import uvicorn
from fastapi import FastAPI, Request, Response
from tests.embedding.services.functions import CITIES, FUNCTIONS, LIMITS

import isthmus.asyncio


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with isthmus.asyncio.open_engine(limits=LIMITS) as engine:

        @engine.capability("city.of")
        async def city_of(user: str) -> str:
            await asyncio.sleep(0)  # in the server's own loop, where its pools and clients live
            return CITIES[user]

        app.state.engine = engine
        app.state.instances = {name: await engine.load(function) for name, function in FUNCTIONS.items()}
        yield
    print("closed", flush=True)


app = FastAPI(lifespan=lifespan)


@app.post("/{name}")
async def call(name: str, request: Request) -> Response:
    outcome = await app.state.engine.invoke(app.state.instances[name], await request.body())
    return Response(msgspec.json.encode(outcome), media_type="application/json")


@app.get("/stats")
async def stats() -> Response:
    return Response(msgspec.json.encode(app.state.engine.stats()), media_type="application/json")


if __name__ == "__main__":
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=20)
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(sys.argv[1]))])
