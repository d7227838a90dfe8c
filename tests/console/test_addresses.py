"""Where the console is: beside the API, in a service over a store, and where a browser comes by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
from starlette.types import ASGIApp
from tests.console.visiting import ORIGIN, Visitor

import isthmus
from isthmus.pipelinefiles import Journals
from isthmus.testing import MemoryQueue
from isthmus_server._command import _say
from isthmus_server.basis import StoreBasis
from isthmus_server.running import Running
from isthmus_server.store import Grant, Role, Store, metering

BROWSER = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"


@pytest.fixture
async def application(store: Store, engine: isthmus.Engine, quick_path: Path) -> AsyncIterator[ASGIApp]:
    """What ``isthmus serve --data`` has beside its ways in."""
    async with metering(store) as meter, trio.open_nursery() as nursery:
        basis = StoreBasis(
            store,
            isthmus.Egress(),
            count=lambda _seen: None,
            meter=meter,
            journals=Journals(),
            kept=quick_path,
        )
        queue = MemoryQueue()
        running = Running(
            nursery, engine, queue, observe=lambda _seen: None, archive=None, grace=1.0, event_bytes=1000
        )
        application = basis.application(engine, f"{ORIGIN}/", running, queue)
        assert application is not None
        yield application


async def test_a_browser_comes_to_the_console_and_a_client_to_the_api(
    store: Store, application: ASGIApp
) -> None:
    visitor = await Visitor.owner(store, application)
    assert "Functions" in await visitor.get("/functions")
    first = await visitor.client.get("/", headers={"Accept": BROWSER})
    assert (first.status_code, first.headers["location"]) == (308, "/console/")
    assert (await visitor.client.get("/console")).headers["location"] == "/console/"
    token = await visitor.token_for(Grant(Role.OWNER))
    for accept in ("application/json", BROWSER):
        answer = await visitor.client.get("/", headers={"Accept": accept, "Authorization": f"Bearer {token}"})
        assert answer.status_code != 308
    answer = await visitor.client.get(
        "/functions?resourceType=SOURCE", headers={"Accept": "application/json"}
    )
    assert answer.status_code == 401


async def test_a_session_is_no_way_into_the_api(store: Store, application: ASGIApp) -> None:
    visitor = await Visitor.owner(store, application)
    visitor.client.cookies.set("isthmus_session", visitor.client.cookies["isthmus_session"], path="/")
    assert (await visitor.client.get("/functions?resourceType=SOURCE")).status_code == 401


async def test_a_token_of_the_api_is_no_session(store: Store, application: ASGIApp) -> None:
    visitor = Visitor(store, application)
    token = await visitor.token_for(Grant(Role.OWNER))
    answer = await visitor.client.get("/console/functions", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 303


def test_the_address_is_said_where_there_is_a_console(capsys: pytest.CaptureFixture[str]) -> None:
    _say(["http://127.0.0.1:8080", "unix:/run/it"], [], console=True)
    assert "console: http://127.0.0.1:8080/console/\n" in capsys.readouterr().out
    _say(["http://127.0.0.1:8080"], [], console=False)
    assert "console" not in capsys.readouterr().out
