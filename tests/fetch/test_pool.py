"""Connections kept, shared, waited for and given up."""

from __future__ import annotations

import gc
import json
import random
from collections.abc import Callable

import pytest
import trio
import trio.lowlevel
from tests.fetch.conftest import LOCAL, Client
from tests.servers import Authority, read_head, serve, serve_app
from trio.testing import MockClock, wait_all_tasks_blocked

from isthmus.abc import Egress
from isthmus.errors import EngineClosed, EngineError, FetchError
from isthmus_fetch import HttpFetcher

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Server:
    """A server that counts its connections, and hands each request to a test where that asks for it."""

    def __init__(self) -> None:
        self.opened = 0
        self.open = 0
        self.most = 0
        self.requests = 0
        self.hold: trio.Event | None = None
        self.held = 0
        self.url = ""

    async def start(self, nursery: trio.Nursery) -> Server:
        self.url = f"http://127.0.0.1:{await serve(nursery, self)}/"
        return self

    async def __call__(self, stream: trio.abc.Stream) -> None:
        self.opened += 1
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            while await read_head(stream):
                self.requests += 1
                if self.hold is not None:
                    self.held += 1
                    await self.hold.wait()
                await stream.send_all(OK)
        finally:
            self.open -= 1


async def until(condition: Callable[[], bool]) -> None:
    """Let the others go on until something is so."""
    with trio.fail_after(120):
        while not condition():
            await trio.lowlevel.checkpoint()


async def test_a_connection_serves_again(client: Client, nursery: trio.Nursery) -> None:
    server = await Server().start(nursery)
    for _ in range(5):
        assert (await client(server.url)).body == b"ok"
    assert server.opened == 1


async def test_500_requests_at_once(client: Client, nursery: trio.Nursery) -> None:
    server = await Server().start(nursery)
    server.hold = trio.Event()
    async with trio.open_nursery() as calls:
        for _ in range(500):
            calls.start_soon(client, server.url)
        await until(lambda: server.held == 500)
        server.hold.set()
    assert [hop.response_body for hop in client.hops] == [b"ok"] * 500
    assert server.opened == 500
    async with trio.open_nursery() as calls:
        for _ in range(500):
            calls.start_soon(client, server.url)
    assert [hop.response_body for hop in client.hops] == [b"ok"] * 1000
    assert server.opened < 1000


async def test_200_at_once_over_tls(client: Client, nursery: trio.Nursery, authority: Authority) -> None:
    port = await serve_app(nursery, files=authority.files("localhost"))
    async with trio.open_nursery() as calls:
        for number in range(200):
            calls.start_soon(client, f"https://localhost:{port}/echo?{number}")
    bodies = [json.loads(hop.response_body) for hop in client.hops]
    assert sorted(int(body["query"]) for body in bodies) == list(range(200))
    assert len({body["client"] for body in bodies}) <= 3


async def test_no_more_connections_than_the_cap(
    make_client: Callable[..., Client], nursery: trio.Nursery
) -> None:
    server = await Server().start(nursery)
    client = make_client(max_connections=3)
    async with trio.open_nursery() as calls:
        for _ in range(40):
            calls.start_soon(client, server.url)
    assert [hop.response_body for hop in client.hops] == [b"ok"] * 40
    assert server.most <= 3


async def test_the_cap_holds_for_http2_and_idle_connections_make_way(
    make_client: Callable[..., Client], nursery: trio.Nursery, authority: Authority
) -> None:
    ports = [await serve_app(nursery, files=authority.files("localhost")) for _ in range(3)]
    plain = await Server().start(nursery)
    client = make_client(max_connections=1)
    for _ in range(3):
        for port in ports:
            await client(f"https://localhost:{port}/echo")
        await client(plain.url)
    # Far less than an idle connection would be kept: who waits does not wait for it to expire.
    with trio.fail_after(120):
        async with trio.open_nursery() as calls:
            for _ in range(5):
                for port in ports:
                    calls.start_soon(client, f"https://localhost:{port}/echo")
                calls.start_soon(client, plain.url)
    assert [hop.status for hop in client.hops] == [200] * 32


async def test_who_waits_for_a_connection_can_be_cancelled(
    make_client: Callable[..., Client], nursery: trio.Nursery
) -> None:
    server = await Server().start(nursery)
    server.hold = trio.Event()
    client = make_client(max_connections=1)
    async with trio.open_nursery() as calls:
        calls.start_soon(client, server.url)
        await until(lambda: server.held == 1)
        with trio.move_on_after(0) as scope:
            await client(server.url)
        assert scope.cancelled_caught
        server.hold.set()
    assert sorted(hop.error for hop in client.hops) == ["", "cancelled"]
    assert (await client(server.url)).body == b"ok"


async def test_idle_connections_expire(
    make_client: Callable[..., Client], nursery: trio.Nursery, mock_clock: MockClock
) -> None:
    server = await Server().start(nursery)
    client = make_client(keepalive=4)
    await client(server.url)
    mock_clock.jump(3)
    await client(server.url)
    assert (server.opened, server.open) == (1, 1)
    mock_clock.jump(3.9)
    await wait_all_tasks_blocked()
    assert server.open == 1
    mock_clock.jump(0.2)
    await until(lambda: server.open == 0)
    await client(server.url)
    assert server.opened == 2


async def test_idle_http2_connections_expire(
    make_client: Callable[..., Client], nursery: trio.Nursery, authority: Authority, mock_clock: MockClock
) -> None:
    port = await serve_app(nursery, files=authority.files("localhost"))
    client = make_client(keepalive=4)
    seen = set()
    for _ in range(3):
        for _ in range(2):
            seen.add(json.loads((await client(f"https://localhost:{port}/echo")).body)["client"])
        mock_clock.jump(5)
        await wait_all_tasks_blocked()
    assert len(seen) == 3


@pytest.mark.parametrize("options", [{"keepalive": 0}, {"max_keepalive": 0}])
async def test_nothing_idle_is_kept_where_none_is_wanted(
    make_client: Callable[..., Client], nursery: trio.Nursery, options: dict[str, int]
) -> None:
    server = await Server().start(nursery)
    client = make_client(**options)
    for _ in range(3):
        await client(server.url)
    assert server.opened == 3
    await until(lambda: server.open == 0)


async def test_no_more_idle_connections_than_wanted(
    make_client: Callable[..., Client], nursery: trio.Nursery
) -> None:
    server = await Server().start(nursery)
    server.hold = trio.Event()
    client = make_client(max_keepalive=5)
    async with trio.open_nursery() as calls:
        for _ in range(20):
            calls.start_soon(client, server.url)
        await until(lambda: server.held == 20)
        server.hold.set()
    await until(lambda: server.open == 5)
    await client(server.url)
    assert server.opened == 20


async def test_each_set_of_rules_has_connections_of_its_own(client: Client, nursery: trio.Nursery) -> None:
    server = await Server().start(nursery)
    for egress in (LOCAL, Egress(allow=("127.0.0.1",)), Egress(allow_private=True, deny=("x.test",))):
        for _ in range(2):
            await client(server.url, egress)
    assert server.opened == 3
    await client(server.url, Egress(allow=("127.0.0.1",)))  # equal rules are the same rules
    assert server.opened == 3


async def test_a_connection_the_server_closed_is_not_used_again(
    client: Client, nursery: trio.Nursery
) -> None:
    closed = 0

    async def once(stream: trio.abc.Stream) -> None:
        nonlocal closed
        await read_head(stream)
        await stream.send_all(OK)
        await trio.aclose_forcefully(stream)
        closed += 1

    port = await serve(nursery, once)
    for count in range(1, 4):
        assert (await client(f"http://127.0.0.1:{port}/", method="POST", body=b"x")).body == b"ok"
        await until(lambda count=count: closed == count)  # type: ignore[misc] # the default is an int


class Closing:
    """Answers a connection's first request and hangs up on its second, as if it had just timed out."""

    def __init__(self, before: bytes = b"") -> None:
        self.heads: list[bytes] = []
        self._before = before

    async def __call__(self, stream: trio.abc.Stream) -> None:
        self.heads.append((await read_head(stream)).split()[0])
        await stream.send_all(OK)
        if head := await read_head(stream):
            self.heads.append(head.split()[0])
            await stream.send_all(self._before)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_what_may_be_done_twice_is_sent_again(
    client: Client, nursery: trio.Nursery, method: str
) -> None:
    server = Closing()
    url = f"http://127.0.0.1:{await serve(nursery, server)}/"
    await client(url)
    assert (await client(url, method=method)).status == 200
    assert server.heads == [b"GET", method.encode(), method.encode()]


@pytest.mark.parametrize(("method", "before"), [("POST", b""), ("PATCH", b""), ("GET", b"HTTP/1.1 2")])
async def test_what_may_not_or_was_half_answered_is_not(
    client: Client, nursery: trio.Nursery, method: str, before: bytes
) -> None:
    server = Closing(before)
    url = f"http://127.0.0.1:{await serve(nursery, server)}/"
    await client(url)
    with pytest.raises(FetchError) as caught:
        await client(url, method=method)
    assert caught.value.code == "ECONNRESET"
    assert server.heads == [b"GET", method.encode()]


async def test_what_was_not_asked_for_is_not_taken_for_an_answer(
    client: Client, nursery: trio.Nursery
) -> None:
    async def eager(stream: trio.abc.Stream) -> None:
        while head := await read_head(stream):
            await stream.send_all(OK + (OK.replace(b"ok", b"no") if b"/first" in head else b""))

    base = f"http://127.0.0.1:{await serve(nursery, eager)}"
    assert (await client(f"{base}/first")).body == b"ok"
    assert (await client(f"{base}/second")).body == b"ok"


async def test_closing_ends_what_is_idle_and_what_would_follow(
    authority: Authority, nursery: trio.Nursery
) -> None:
    server = await Server().start(nursery)
    port = await serve_app(nursery, files=authority.files("localhost"))
    client = Client(HttpFetcher(ssl_context=authority.client()))
    await client(server.url)
    await client(f"https://localhost:{port}/echo")
    await client.fetcher.aclose()
    await until(lambda: server.open == 0)
    with pytest.raises(EngineClosed):
        await client(server.url)
    await client.fetcher.aclose()


async def test_closing_while_requests_are_under_way(authority: Authority, nursery: trio.Nursery) -> None:
    server = await Server().start(nursery)
    server.hold = trio.Event()
    client = Client(HttpFetcher())
    async with trio.open_nursery() as calls:
        calls.start_soon(client, server.url)
        await until(lambda: server.held == 1)
        await client.fetcher.aclose()
        server.hold.set()
    assert client.hops[0].response_body == b"ok"
    await until(lambda: server.open == 0)


async def test_closing_while_connecting(authority: Authority, nursery: trio.Nursery) -> None:
    looked_up, closed = trio.Event(), trio.Event()

    async def resolve(host: str, port: int) -> list[str]:
        looked_up.set()
        await closed.wait()
        return ["127.0.0.1"]

    server = await Server().start(nursery)
    client = Client(HttpFetcher(resolve=resolve))

    async def call() -> None:
        with pytest.raises(FetchError):
            await client(server.url.replace("127.0.0.1", "a.test"))

    async with trio.open_nursery() as calls:
        calls.start_soon(call)
        await looked_up.wait()
        await client.fetcher.aclose()
        closed.set()
    await until(lambda: server.open == 0)


def test_a_run_that_ends_without_closing_leaves_no_socket_open(authority: Authority) -> None:
    """Warnings are errors: a socket left to the garbage collector would be one."""

    async def main() -> None:
        client = Client(HttpFetcher(ssl_context=authority.client()))
        async with trio.open_nursery() as nursery:
            server = await Server().start(nursery)
            port = await serve_app(nursery, files=authority.files("localhost"))
            await client(server.url)
            await client(f"https://localhost:{port}/echo")
            nursery.cancel_scope.cancel()

    trio.run(main)
    gc.collect()


@pytest.mark.parametrize("options", [{"max_connections": 0}, {"max_keepalive": -1}])
def test_numbers_that_make_no_sense(options: dict[str, int]) -> None:
    with pytest.raises(EngineError, match="max_connections"):
        HttpFetcher(**options)  # type: ignore[arg-type] # mypy takes them for any option


@pytest.mark.parametrize("tls", [False, True])
async def test_cancelled_at_any_point_nothing_is_left_behind(
    make_client: Callable[..., Client], nursery: trio.Nursery, authority: Authority, tls: bool
) -> None:
    """Requests are cancelled after every number of steps; what remains must be a pool that works."""
    files = authority.files("localhost") if tls else None
    base = f"http{'s' * tls}://localhost:{await serve_app(nursery, files=files)}"
    client = make_client(max_connections=2)
    steps, finished = 0, False
    while not finished:
        async with trio.open_nursery() as calls:
            for _ in range(3):
                calls.start_soon(client, f"{base}/redirect/307?to=/echo")
            for _ in range(steps):
                await trio.lowlevel.checkpoint()
            finished = len(calls.child_tasks) == 0
            calls.cancel_scope.cancel()
        steps += 1 if steps < 10 else random.Random(steps).randint(1, 30)
        assert (await client(f"{base}/echo")).status == 200
    assert steps > 10


async def test_forty_tasks_among_cancellations_and_refusals(
    make_client: Callable[..., Client], nursery: trio.Nursery, authority: Authority
) -> None:
    """Whatever order things happen in, everyone who is not cancelled gets their own answer."""
    bases = [
        f"https://localhost:{await serve_app(nursery, files=authority.files('localhost'))}",
        f"http://localhost:{await serve_app(nursery)}",
    ]
    client = make_client(max_connections=4, max_keepalive=2)
    dice = random.Random(7)
    answers = 0

    async def one(number: int) -> None:
        nonlocal answers
        for turn in range(6):
            url = f"{dice.choice(bases)}/echo?{number}.{turn}"
            patience = dice.choice([0.001, 0.003, 600])
            with trio.move_on_after(patience) as scope:
                if dice.random() < 0.1:
                    with pytest.raises(FetchError, match="egress rules forbid it"):
                        await client(url, Egress())
                else:
                    response = await client(url)
                    answers += 1
                    assert json.loads(response.body)["query"] == f"{number}.{turn}"
            assert patience < 1 or not scope.cancelled_caught

    async with trio.open_nursery() as calls:
        for number in range(40):
            calls.start_soon(one, number)
    assert answers > 40
    assert len(client.hops) == 240
