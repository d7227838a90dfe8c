"""Exchanges with real servers over HTTP/1.1, good ones and bad ones."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import trio
from tests.fetch.conftest import MIB, Client
from tests.servers import Handler, read_head, reset, saying, serve, serve_app
from trio.testing import wait_all_tasks_blocked

from isthmus.abc import Egress
from isthmus.errors import FetchError


async def fails(client: Client, url: str, **request: object) -> FetchError:
    with pytest.raises(FetchError) as caught:
        await client(url, **request)  # type: ignore[arg-type] # as Client takes them
    return caught.value


async def test_a_request_arrives_as_it_was_made(client: Client, nursery: trio.Nursery) -> None:
    port = await serve_app(nursery)
    response = await client(
        f"http://user:pw@127.0.0.1:{port}/echo?a=b%20c#frag",
        method="POST",
        headers=(("X-One", "1"), ("content-type", "text/plain"), ("X-One", "ü")),
        body=b"\x00\xff",
    )
    assert json.loads(response.body) | {"client": 0} == {
        "method": "POST",
        "path": "/echo",
        "query": "a=b%20c",
        "version": "1.1",
        "headers": [
            ["host", f"127.0.0.1:{port}"],
            ["x-one", "1"],
            ["content-type", "text/plain"],
            ["x-one", "ü"],
            ["accept", "*/*"],
            ["user-agent", client.hops[0].request_headers[5][1]],
            ["accept-encoding", "gzip, deflate"],
            ["authorization", "Basic dXNlcjpwdw=="],
            ["content-length", "2"],
        ],
        "body": "\x00\xff",
        "client": 0,
    }
    assert (response.status, response.reason, response.redirected) == (200, "", False)
    assert response.url == f"http://127.0.0.1:{port}/echo?a=b%20c#frag"


async def test_a_hop_tells_what_was_on_the_wire(client: Client, nursery: trio.Nursery) -> None:
    port = await serve_app(nursery)
    before = trio.current_time()
    response = await client(f"http://user:pw@127.0.0.1:{port}/echo", method="PUT", body=b"abc")
    (hop,) = client.hops
    assert (hop.method, hop.url, hop.status) == ("PUT", f"http://127.0.0.1:{port}/echo", 200)
    assert (hop.request_body, hop.response_body) == (b"abc", response.body)
    assert (hop.address, hop.http_version, hop.error) == ("127.0.0.1", "HTTP/1.1", "")
    assert hop.response_headers == response.headers
    assert hop.request_headers[0] == ("host", f"127.0.0.1:{port}")
    assert before <= hop.started <= hop.started + hop.duration <= trio.current_time()


async def test_headers_keep_their_order_and_their_repetitions(client: Client, nursery: trio.Nursery) -> None:
    answer = b"HTTP/1.1 200 All Right\r\nSet-Cookie: a=1\r\nX-One: \xe4\r\nSET-COOKIE:  b=2 \r\ncontent-length: 0\r\n\r\n"
    port = await serve(nursery, saying(answer))
    response = await client(f"http://127.0.0.1:{port}/")
    assert response.reason == "All Right"
    assert response.headers == (
        ("Set-Cookie", "a=1"),
        ("X-One", "ä"),
        ("SET-COOKIE", "b=2"),
        ("content-length", "0"),
    )


async def test_no_cookie_is_kept(client: Client, nursery: trio.Nursery) -> None:
    port = await serve_app(nursery)
    await client(f"http://127.0.0.1:{port}/headers")
    response = await client(f"http://127.0.0.1:{port}/echo")
    assert "cookie" not in dict(json.loads(response.body)["headers"])


async def test_the_environments_proxy_is_not_asked(
    client: Client, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    port = await serve_app(nursery)
    assert (await client(f"http://127.0.0.1:{port}/status/204")).status == 204


@pytest.mark.parametrize("kind", ["gzip", "deflate"])
async def test_bodies_are_decompressed(client: Client, nursery: trio.Nursery, kind: str) -> None:
    port = await serve_app(nursery)
    response = await client(f"http://127.0.0.1:{port}/{kind}", method="POST", body=b"abc" * 1000)
    assert response.body == b"abc" * 1000
    assert dict(response.headers)["content-encoding"] == kind


@pytest.mark.parametrize("path", ["bomb", "zeros"])
@pytest.mark.parametrize("mib", [2, 20])
async def test_a_body_beyond_its_limit_is_not_taken(
    client: Client, nursery: trio.Nursery, path: str, mib: int
) -> None:
    port = await serve_app(nursery)
    url = f"http://127.0.0.1:{port}/{path}?mib={mib}"
    error = await fails(client, url, limit=MIB)
    assert (error.type, str(error)) == ("max-size", f"content size at {url} over limit: {MIB}")
    assert client.hops[0].error == str(error)
    assert len(client.hops[0].response_body) <= MIB
    assert (await client(f"http://127.0.0.1:{port}/{path}?mib=1", limit=MIB)).body == bytes(MIB)


async def test_a_chunked_body_without_end_is_cut_off(client: Client, nursery: trio.Nursery) -> None:
    async def endless(stream: trio.abc.Stream) -> None:
        await read_head(stream)
        await stream.send_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            await stream.send_all(b"1000\r\n" + bytes(4096) + b"\r\n")

    port = await serve(nursery, endless)
    assert (await fails(client, f"http://127.0.0.1:{port}/")).type == "max-size"
    assert len(client.hops[0].response_body) == MIB


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\ncontent-encoding: gzip\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\ncontent-encoding: gzip\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\ncontent-length: 99999999\r\n\r\n"),
    ],
)
async def test_responses_without_body(
    client: Client, nursery: trio.Nursery, method: str, answer: bytes
) -> None:
    port = await serve(nursery, saying(answer, times=2))
    for _ in range(2):
        assert (await client(f"http://127.0.0.1:{port}/", method=method)).body == b""


async def test_informational_responses_are_passed_over(client: Client, nursery: trio.Nursery) -> None:
    answer = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
    port = await serve(nursery, saying(answer))
    assert (await client(f"http://127.0.0.1:{port}/")).body == b"ok"


async def test_a_body_may_end_with_its_connection(client: Client, nursery: trio.Nursery) -> None:
    port = await serve(nursery, saying(b"HTTP/1.0 200 OK\r\n\r\nall of it"))
    response = await client(f"http://127.0.0.1:{port}/")
    assert (response.body, client.hops[0].http_version) == (b"all of it", "HTTP/1.0")


async def _reset_at_once(stream: trio.abc.Stream) -> None:
    await read_head(stream)
    reset(stream)


@pytest.mark.parametrize(
    ("server", "code", "message"),
    [
        (saying(b""), "ECONNRESET", "request to {url} failed, reason: socket hang up"),
        (saying(b"HTTP/1.1 200 OK\r\ncont"), "ECONNRESET", "request to {url} failed, reason: socket hang up"),
        (_reset_at_once, "ECONNRESET", "request to {url} failed, reason: read ECONNRESET"),
        (
            saying(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"),
            "ECONNRESET",
            "Invalid response body while trying to fetch {url}: aborted",
        ),
        (
            saying(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n"),
            "ECONNRESET",
            "Invalid response body while trying to fetch {url}: aborted",
        ),
        (
            saying(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n"),
            "HPE_INVALID_CONSTANT",
            "Invalid response body while trying to fetch {url}: Parse Error",
        ),
        (
            saying(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nhalf"),
            "Z_DATA_ERROR",
            "Invalid response body while trying to fetch {url}: incorrect header check",
        ),
        (
            saying(b"SSH-2.0-OpenSSH_9.6\r\n"),
            "HPE_INVALID_CONSTANT",
            "request to {url} failed, reason: Parse Error",
        ),
        (
            saying(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000 + b"\r\n\r\n"),
            "HPE_HEADER_OVERFLOW",
            "request to {url} failed, reason: Parse Error: Header overflow",
        ),
    ],
)
async def test_what_goes_wrong_has_nodes_name(
    client: Client, nursery: trio.Nursery, server: Handler, code: str, message: str
) -> None:
    url = f"http://127.0.0.1:{await serve(nursery, server)}/"
    error = await fails(client, url)
    assert (error.code, error.type) == (code, "system")
    assert str(error).startswith(message.format(url=url))
    assert client.hops[0].error == str(error)


async def test_a_reset_in_the_middle_of_a_body(client: Client, nursery: trio.Nursery) -> None:
    async def server(stream: trio.abc.Stream) -> None:
        await read_head(stream)
        await stream.send_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
        reset(stream)

    port = await serve(nursery, server)
    error = await fails(client, f"http://127.0.0.1:{port}/")
    assert (error.code, client.hops[0].status, client.hops[0].response_body) == ("ECONNRESET", 200, b"half")


async def test_nobody_listens(client: Client) -> None:
    with trio.socket.socket() as taken:
        await taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        error = await fails(client, f"http://127.0.0.1:{port}/x")
    assert error.code == "ECONNREFUSED"
    assert str(error) == (
        f"request to http://127.0.0.1:{port}/x failed, reason: connect ECONNREFUSED 127.0.0.1:{port}"
    )
    (hop,) = client.hops
    assert (hop.status, hop.address, hop.error) == (None, "", str(error))


async def test_a_refusal_before_the_body_was_read_is_heard(client: Client, nursery: trio.Nursery) -> None:
    async def server(stream: trio.abc.Stream) -> None:
        await read_head(stream)
        await stream.send_all(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno")

    port = await serve(nursery, server)
    response = await client(f"http://127.0.0.1:{port}/", method="POST", body=bytes(20 * MIB))
    assert (response.status, response.body) == (413, b"no")


async def test_cancelling_closes_the_connection_and_leaves_the_rest(
    client: Client, nursery: trio.Nursery
) -> None:
    asked, hung_up = trio.Event(), trio.Event()

    async def drip(stream: trio.abc.Stream) -> None:
        while head := await read_head(stream):
            if b"/slow" not in head:
                await stream.send_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                continue
            await stream.send_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n.")
            asked.set()
            assert await stream.receive_some() == b""
            hung_up.set()
            return

    port = await serve(nursery, drip)
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as calls:
            calls.start_soon(client, f"http://127.0.0.1:{port}/slow")
            await asked.wait()
            scope.cancel()
    await hung_up.wait()
    assert [hop.error for hop in client.hops] == ["cancelled"]
    assert (await client(f"http://127.0.0.1:{port}/")).body == b"ok"


async def test_nothing_is_sent_within_a_cancelled_scope(client: Client, nursery: trio.Nursery) -> None:
    asked = False

    async def server(stream: trio.abc.Stream) -> None:
        nonlocal asked
        asked = bool(await read_head(stream))

    port = await serve(nursery, server)
    with trio.CancelScope() as scope:
        scope.cancel()
        await client(f"http://127.0.0.1:{port}/")
    assert scope.cancelled_caught
    await wait_all_tasks_blocked()
    assert not asked
    assert [hop.error for hop in client.hops] == ["cancelled"]


async def test_a_connect_that_hangs_times_out(
    make_client: Callable[..., Client], autojump_clock: trio.testing.MockClock
) -> None:
    async def never(host: str, port: int) -> list[str]:
        await trio.sleep_forever()
        return []

    client = make_client(resolve=never, connect_timeout=7)
    error = await fails(client, "http://a.test/")
    assert (error.code, trio.current_time() // 7) == ("ETIMEDOUT", 1)
    assert str(error) == "request to http://a.test/ failed, reason: connect ETIMEDOUT a.test:80"


@pytest.mark.parametrize("url", ["/x", "ftp://a.test/", "http://a b/"])
async def test_what_is_no_url_is_not_sent(client: Client, url: str) -> None:
    error = await fails(client, url)
    assert (error.code, error.type, client.hops) == ("ERR_INVALID_URL", "invalid-url", [])


async def test_header_injection_is_not_sent(client: Client) -> None:
    error = await fails(client, "http://127.0.0.1:1/", headers=(("X", "1\r\nEvil: 2"),))
    assert (error.code, error.type, client.hops) == ("ERR_INVALID_CHAR", "invalid-request", [])


async def test_a_name_with_several_addresses_is_tried_in_order(
    make_client: Callable[..., Client], nursery: trio.Nursery
) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]

    port = await serve(nursery, saying(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"))
    client = make_client(resolve=resolve)
    await client(f"http://a.test:{port}/", Egress(allow_private=True))
    assert client.hops[0].address == "127.0.0.1"
    with trio.socket.socket() as taken:
        await taken.bind(("127.0.0.1", 0))
        unused = taken.getsockname()[1]
        error = await fails(client, f"http://a.test:{unused}/")
    assert str(error).endswith(f"connect ECONNREFUSED 127.0.0.2:{unused}")


class Hanging:
    """An address at which connecting takes for ever: a listener nobody accepts from, and its queue is full."""

    def __init__(self, address: str, port: int) -> None:
        self._address = address, port
        self._sockets: list[trio.socket.SocketType] = []

    async def __aenter__(self) -> None:
        listener = trio.socket.socket()
        self._sockets.append(listener)
        await listener.bind(self._address)
        listener.listen(0)
        hung = 0
        while hung < 3:  # in a row: one may have been held up by a busy machine
            self._sockets.append(trio.socket.socket())
            with trio.move_on_after(0.05) as scope:
                await self._sockets[-1].connect(self._address)
            hung = hung + 1 if scope.cancelled_caught else 0

    async def __aexit__(self, *exc: object) -> None:
        for one in self._sockets:
            one.close()


async def test_an_address_that_hangs_does_not_hold_up_the_next(
    make_client: Callable[..., Client], nursery: trio.Nursery
) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]

    port = await serve(nursery, saying(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"))
    client = make_client(resolve=resolve, connect_timeout=3600)
    async with Hanging("127.0.0.2", port):
        with trio.fail_after(120):
            await client(f"http://a.test:{port}/")
        assert client.hops[0].address == "127.0.0.1"


async def test_cancelled_while_several_addresses_are_tried(
    make_client: Callable[..., Client], autojump_clock: trio.testing.MockClock
) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.3"]

    autojump_clock.autojump_threshold = 0.02
    client = make_client(resolve=resolve, connect_timeout=60)
    with trio.socket.socket() as taken:
        await taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        async with Hanging("127.0.0.2", port), Hanging("127.0.0.3", port):
            with trio.move_on_after(2) as scope:
                await client(f"http://a.test:{port}/")
            assert scope.cancelled_caught
            with pytest.raises(FetchError, match="ETIMEDOUT"):
                await client(f"http://a.test:{port}/")
