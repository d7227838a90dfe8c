"""Requests carried out by what the embedder has: a function, or a client of httpx, in its own loop."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import msgspec
import pytest
import trio

import isthmus
import isthmus.asyncio
import isthmus.sync
import isthmus_fetch
from isthmus import Egress, FetchError
from isthmus.abc import FetchRequest, FetchResponse
from isthmus.testing import ScriptedRuntime, World

FUNCTION = isthmus.Function(name="f", kind=isthmus.Kind.DESTINATION, language="scripted", code="f")
LOOPBACK = Egress(allow_private=True)


async def on_track(event: Any, settings: Any, world: World) -> object:
    request = FetchRequest(**{"headers": (("x-a", "1"),), **event["request"]})
    try:
        response = await world.host.fetch(request)
    except FetchError as error:
        return {"error": str(error), "code": error.code, "type": error.type}
    return {"status": response.status, "body": response.body.decode(), "url": response.url}


def runtime() -> ScriptedRuntime:
    return ScriptedRuntime({"onTrack": on_track})


def event(url: str, **fields: Any) -> dict[str, Any]:
    return {"type": "track", "request": {"url": url, **fields}}


def said(outcome: isthmus.Outcome) -> Any:
    return msgspec.json.decode(outcome.value or b"null")


class Server(BaseHTTPRequestHandler):
    """``/echo`` says what came, ``/large`` is 1 MB, ``/to?URL`` redirects; each answer sets a cookie."""

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        body = b"x" * 1_000_000 if path == "/large" else str(sorted(self.headers.items())).encode()
        self.send_response(302 if path in {"/to", "/round"} else 200)
        if path in {"/to", "/round"}:
            self.send_header("location", query or "/round")
        if path == "/gzip":
            body = gzip.compress(b"packed")
            self.send_header("content-encoding", "gzip")
        self.send_header("set-cookie", "session=1")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


async def answers(request: FetchRequest, egress: Egress, most: int) -> FetchResponse:
    await trio.lowlevel.checkpoint()
    if request.url.endswith("/broken"):
        raise ValueError("a secret of the embedder")
    return FetchResponse(status=200, body=b"x" * int(request.url.rpartition("/")[2]), url=request.url)


async def test_a_function_of_trio_fetches_and_is_traced() -> None:
    async with isthmus.open_engine(plugins=[runtime()], load_entry_points=False, fetcher=answers) as engine:
        instance = await engine.load(FUNCTION, limits=isthmus.Limits(fetch_response_bytes=100))
        fine = await engine.invoke(instance, event("https://a.test/3"))
        assert said(fine)["body"] == "xxx"
        (exchange,) = fine.exchanges
        assert (exchange.url, exchange.status, exchange.response_bytes) == ("https://a.test/3", 200, 3)
        assert said(await engine.invoke(instance, event("https://a.test/101")))["type"] == "max-size"
        broken = await engine.invoke(instance, event("https://a.test/broken"))
        assert said(broken)["error"].endswith("the fetcher failed (ValueError)")
        assert b"a secret" not in msgspec.json.encode(broken)
    with pytest.raises(isthmus.EngineError, match="or an async function, not int"):
        async with isthmus.open_engine(load_entry_points=False, fetcher=7):  # type: ignore[arg-type]
            pass


def test_a_function_of_asyncio_fetches_in_its_own_loop() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()

        async def fetch(request: FetchRequest, egress: Egress, most: int) -> FetchResponse:
            assert asyncio.get_running_loop() is loop
            if request.url.endswith("/forever"):
                asked.set()
                try:
                    await asyncio.sleep(3600)
                except asyncio.CancelledError:
                    cancelled.append(request.url)
                    raise
            return FetchResponse(status=201, url=request.url)

        asked = asyncio.Event()
        cancelled: list[str] = []
        async with isthmus.asyncio.open_engine(
            plugins=[runtime()], load_entry_points=False, fetcher=fetch
        ) as engine:
            instance = await engine.load(FUNCTION)
            assert said(await engine.invoke(instance, event("https://a.test/")))["status"] == 201
            task = asyncio.create_task(engine.invoke(instance, event("https://a.test/forever")))
            await asked.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert cancelled == ["https://a.test/forever"]

    asyncio.run(asyncio.wait_for(main(), 300))


def test_a_plain_function_fetches_in_a_thread_of_its_own() -> None:
    threads = set()

    def fetch(request: FetchRequest, egress: Egress, most: int) -> FetchResponse:
        threads.add(threading.current_thread().name)
        return FetchResponse(status=202, url=request.url)

    with isthmus.sync.open_engine(plugins=[runtime()], load_entry_points=False, fetcher=fetch) as engine:  # type: ignore[arg-type]
        assert said(engine.invoke(engine.load(FUNCTION), event("https://a.test/")))["status"] == 202
    assert "isthmus-trio" not in threads


async def fetched(url: str, egress: Egress = LOOPBACK, **limits: Any) -> Any:
    """What a function gets of a client of httpx, through an engine."""
    async with (
        httpx.AsyncClient(auth=("owner", "password"), headers={"x-owner": "1"}, timeout=300) as client,
        isthmus.open_engine(
            plugins=[runtime()], load_entry_points=False, fetcher=isthmus_fetch.over_client(client)
        ) as engine,
    ):
        client.cookies.set("owner", "1", domain="127.0.0.1")
        instance = await engine.load(FUNCTION, egress=egress, limits=isthmus.Limits(**limits))
        return said(await engine.invoke(instance, event(url)))


async def test_a_client_of_httpx_carries_requests_and_nothing_of_its_owners(url: str) -> None:
    answer = await fetched(f"{url}/to?/echo")
    assert answer["status"] == 200
    assert answer["url"] == f"{url}/echo"
    assert "('x-a', '1')" in answer["body"]
    for owners in ("uthorization", "ookie", "x-owner"):
        assert owners not in answer["body"]
    assert (await fetched(f"{url}/gzip"))["body"] == "packed"


async def test_a_client_of_httpx_is_held_to_the_rules_on_each_hop(url: str) -> None:
    port = url.rpartition(":")[2]
    refused = await fetched(f"{url}/echo", Egress())
    assert (refused["code"], "127.0.0.1" in refused["error"]) == ("EACCES", True)
    assert (await fetched(f"http://localhost:{port}/echo", Egress()))["code"] == "EACCES"
    rules = Egress(allow_private=True, deny=("localhost",))
    assert (await fetched(f"{url}/to?http://localhost:{port}/echo", rules))["code"] == "EACCES"
    assert "proxies" in (await fetched(f"{url}/echo", Egress(proxy="http://127.0.0.1:1")))["error"]


async def test_what_goes_wrong_with_a_client_has_nodes_names(url: str) -> None:
    assert (await fetched(f"{url}/large", fetch_response_bytes=1000))["type"] == "max-size"
    with trio.socket.socket() as unused:
        await unused.bind(("127.0.0.1", 0))
        closed = unused.getsockname()[1]
        assert (await fetched(f"http://127.0.0.1:{closed}/"))["code"] == "ECONNREFUSED"
    assert (await fetched(f"{url}/round"))["type"] == "max-redirect"


def test_a_client_of_httpx_serves_in_the_loop_of_asyncio(url: str) -> None:
    async def main() -> None:
        async with (
            httpx.AsyncClient(timeout=300) as client,
            isthmus.asyncio.open_engine(
                plugins=[runtime()], load_entry_points=False, fetcher=isthmus_fetch.over_client(client)
            ) as engine,
        ):
            instance = await engine.load(FUNCTION, egress=LOOPBACK)
            outcomes = await asyncio.gather(
                *(engine.invoke(instance, event(f"{url}/echo")) for _ in range(10))
            )
            assert [said(outcome)["status"] for outcome in outcomes] == [200] * 10

    asyncio.run(asyncio.wait_for(main(), 300))
