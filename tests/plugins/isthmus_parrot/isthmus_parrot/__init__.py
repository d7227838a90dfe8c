"""One of everything that a plugin can offer isthmus."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import sqlalchemy
import trio

from isthmus import Function, Kind, Limits, hookimpl
from isthmus.abc import (
    Call,
    Command,
    Egress,
    Fetcher,
    FetchRequest,
    FetchResponse,
    Hop,
    Host,
    Program,
    Reply,
    Returned,
    Runtime,
)
from isthmus.calls import CallEnded, CallEvent
from isthmus.pipelines import Accepted, Observation
from isthmus.queues import OpenQueue, Queue
from isthmus.serverroutes import Application, ServerRoute, ServiceView
from isthmus.templates import Template
from isthmus.testing import MemoryQueue

isthmus_requires = ">=0.1"

ended: Counter[str] = Counter()
"""Calls that were observed, by their status."""
accepted: Counter[str] = Counter()
"""Events that pipelines took, by their source."""


class ParrotRuntime(Runtime):
    """Functions whose code is a word; each call gives it back with the event."""

    language = "parrot"
    suffixes: tuple[str, ...] = (".parrot",)
    isolation = "whole: it runs no code"

    async def load(self, function: Function, limits: Limits) -> Program:
        await trio.lowlevel.checkpoint()
        code = function.code
        return ParrotProgram(code if isinstance(code, str) else code.decode())

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


class ParrotProgram(Program):
    """See :class:`ParrotRuntime`."""

    handlers: frozenset[str] = frozenset({"onTrack"})

    def __init__(self, word: str) -> None:
        self._word = word.strip()

    async def run(self, call: Call, host: Host) -> Reply:
        started = trio.current_time()
        host.log("log", self._word)
        if self._word == "fetch":
            said: object = (await host.fetch(FetchRequest(url="https://parrot.test/"))).body.decode()
        elif self._word == "ask":
            said = msgspec.json.decode(await host.capability("parrot.shout", call.argument))
        else:
            said = self._word
        await trio.lowlevel.checkpoint()
        value = {"said": said, "event": msgspec.Raw(call.argument)}
        return Reply(Returned(msgspec.json.encode(value)), started=started)

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


class ParrotFetcher(Fetcher):
    """Answers every request with its method, and sends none."""

    async def fetch(
        self,
        request: FetchRequest,
        egress: Egress,
        *,
        max_response_bytes: int = 2**62,
        on_hop: Callable[[Hop], None] = lambda hop: None,
    ) -> FetchResponse:
        await trio.lowlevel.checkpoint()
        return FetchResponse(status=200, body=request.method.encode(), url=request.url)

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


class Event(msgspec.Struct):
    """What ``parrot.shout`` takes."""

    event: str = ""


async def shout(event: Event) -> str:
    """A capability."""
    await trio.lowlevel.checkpoint()
    return event.event.upper()


class Squawk(Command):
    """``isthmus squawk WORD``."""

    name = "squawk"
    summary = "say a word twice"

    def parser(self) -> argparse.ArgumentParser:
        parser = argparse.ArgumentParser(prog="isthmus squawk")
        parser.add_argument("word")
        return parser

    def execute(self, arguments: argparse.Namespace) -> int:
        print(arguments.word, arguments.word)
        return 0


@asynccontextmanager
async def open_parrot_queue(address: str, options: Mapping[str, str]) -> AsyncIterator[Queue]:
    """A queue in memory: ``parrot:``."""
    yield MemoryQueue()


def connect(url: str) -> sqlalchemy.Engine:
    """``parrot://PATH``: a database of SQLite, opened in a way of one's own."""
    path = url.removeprefix("parrot://")
    return sqlalchemy.create_engine(
        f"sqlite:///{path}", connect_args={"check_same_thread": False, "isolation_level": None}
    )


def public_route(view: ServiceView) -> Application:
    """Takes an event of the source ``web`` in a form of its own: a word."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        word = (await receive())["body"].decode()
        if not word:
            raise ZeroDivisionError("a word that must not be logged")
        (kept,) = await view.accept("web", [{"type": "track", "event": word, "userId": "parrot"}])
        await send({"type": "http.response.start", "status": 202, "headers": []})
        await send({"type": "http.response.body", "body": kept.encode()})

    return application


def private_route(view: ServiceView) -> Application:
    """Tells operators how many functions are loaded, and how many events were taken."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        text = f"{len(view.engine.stats().instances)} instances, {accepted.total()} events"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": text.encode()})

    return application


# ---------------------------------------------------------------- the hooks

_RUNTIME: Final = ParrotRuntime


@hookimpl
def isthmus_runtimes() -> Iterable[Runtime]:
    return [_RUNTIME()]


@hookimpl
def isthmus_fetcher() -> Fetcher | None:
    return ParrotFetcher()


@hookimpl
def isthmus_capabilities() -> Mapping[str, Callable[..., Any]]:
    return {"parrot.shout": shout}


def observe(seen: CallEvent) -> None:
    """Count calls as they end."""
    if isinstance(seen, CallEnded):
        ended[str(seen.status)] += 1


@hookimpl
def isthmus_observers() -> Iterable[Callable[[CallEvent], None]]:
    return [observe]


def observe_pipeline(seen: Observation) -> None:
    """Count events as they are taken."""
    if isinstance(seen, Accepted):
        accepted[seen.source] += 1


@hookimpl
def isthmus_pipeline_observers() -> Iterable[Callable[[Observation], None]]:
    return [observe_pipeline]


def greeting(app: Application) -> Application:
    """Says in a header of each answer who was here."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        async def greet(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"x-parrot", b"hello")]}
            await send(message)

        await app(scope, receive, greet)

    return application


@hookimpl
def isthmus_middlewares() -> Iterable[Callable[[Application], Application]]:
    return [greeting]


@hookimpl
def isthmus_commands() -> Sequence[Command]:
    return [Squawk()]


@hookimpl
def isthmus_templates() -> Iterable[Template]:
    parts = (Path(__file__).parent / "template",)
    return [Template(kind=Kind.DESTINATION, language="parrot", name="plain", parts=parts)]


@hookimpl
def isthmus_queues() -> Mapping[str, OpenQueue]:
    return {"parrot": open_parrot_queue}


@hookimpl
def isthmus_stores() -> Mapping[str, Callable[[str], Any]]:
    return {"parrot": connect}


@hookimpl
def isthmus_server_routes() -> Iterable[ServerRoute]:
    return [
        ServerRoute(name="parrot", make=public_route, public=True),
        ServerRoute(name="cage", make=private_route),
    ]
