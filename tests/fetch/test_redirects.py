"""Redirects followed over the wire; what each makes of a request is in test_requests."""

from __future__ import annotations

import json

import pytest
import trio
from tests.fetch.conftest import Client
from tests.servers import read_head, saying, serve, serve_app

from isthmus.errors import FetchError


@pytest.mark.parametrize(
    ("status", "method", "arrives"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "PUT", "GET"),
        (307, "POST", "POST"),
        (308, "PUT", "PUT"),
        (301, "PUT", "PUT"),
        (302, "GET", "GET"),
    ],
)
async def test_the_redirect_matrix(
    client: Client, nursery: trio.Nursery, status: int, method: str, arrives: str
) -> None:
    base = f"http://127.0.0.1:{await serve_app(nursery)}"
    response = await client(
        f"{base}/redirect/{status}?to=/echo",
        method=method,
        body=None if method == "GET" else b"body",
        headers=(("Authorization", "mine"),),
    )
    said = json.loads(response.body)
    assert (said["method"], said["body"]) == (arrives, "body" if arrives not in {"GET", "HEAD"} else "")
    assert dict(said["headers"])["authorization"] == "mine"
    assert (response.url, response.redirected) == (f"{base}/echo", True)
    assert [(hop.status, hop.method) for hop in client.hops] == [(status, method), (200, arrives)]


async def test_a_head_stays_a_head(client: Client, nursery: trio.Nursery) -> None:
    base = f"http://127.0.0.1:{await serve_app(nursery)}"
    await client(f"{base}/redirect/303?to=/echo", method="HEAD")
    assert [hop.method for hop in client.hops] == ["HEAD", "HEAD"]


async def test_another_origin_gets_no_secrets(client: Client, nursery: trio.Nursery) -> None:
    there = f"http://127.0.0.1:{await serve_app(nursery)}"
    here = f"http://user:pw@127.0.0.1:{await serve_app(nursery)}"
    response = await client(
        f"{here}/redirect/307?to={there}/echo",
        method="POST",
        body=b"x",
        headers=(("Cookie", "secret"), ("X-Mine", "1"), ("Host", "mine.test")),
    )
    headers = dict(json.loads(response.body)["headers"])
    assert (headers["x-mine"], headers["host"]) == ("1", there.removeprefix("http://"))
    assert not {"cookie", "authorization"} & set(headers)
    assert "authorization" in dict(client.hops[0].request_headers)


async def test_twenty_redirects_are_followed_and_no_more(client: Client, nursery: trio.Nursery) -> None:
    async def server(stream: trio.abc.Stream) -> None:
        while head := await read_head(stream):
            left = int(head.split()[1].removeprefix(b"/")) - 1
            status = b"302 Found\r\nlocation: /%d" % left if left >= 0 else b"200 OK"
            await stream.send_all(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\n\r\n")

    base = f"http://127.0.0.1:{await serve(nursery, server)}"
    assert (await client(f"{base}/20")).url == f"{base}/0"
    assert len(client.hops) == 21
    client.hops.clear()
    with pytest.raises(FetchError) as caught:
        await client(f"{base}/21")
    assert (caught.value.type, len(client.hops)) == ("max-redirect", 21)
    assert str(caught.value) == f"maximum redirect reached at: {base}/1"


async def test_manual_hands_the_redirect_back_as_it_is(client: Client, nursery: trio.Nursery) -> None:
    base = f"http://127.0.0.1:{await serve_app(nursery)}"
    response = await client(f"{base}/redirect/302?to=/echo", redirect="manual")
    assert (response.status, response.redirected) == (302, False)
    assert dict(response.headers)["location"] == "/echo"


async def test_error_fails_on_it(client: Client, nursery: trio.Nursery) -> None:
    base = f"http://127.0.0.1:{await serve_app(nursery)}"
    with pytest.raises(FetchError) as caught:
        await client(f"{base}/redirect/302?to=/echo", redirect="error")
    assert (caught.value.type, len(client.hops)) == ("no-redirect", 1)
    assert client.hops[0].status == 302
    assert client.hops[0].error == str(caught.value)


async def test_to_what_cannot_be_fetched(client: Client, nursery: trio.Nursery) -> None:
    base = f"http://127.0.0.1:{await serve_app(nursery)}"
    with pytest.raises(FetchError) as caught:
        await client(f"{base}/redirect/302?to=file:///etc/passwd")
    assert (caught.value.type, len(client.hops)) == ("invalid-redirect", 1)


@pytest.mark.parametrize("length", ["content-length: 4\r\n\r\nmore", "content-length: 9999999\r\n\r\nmore"])
async def test_the_body_of_a_redirect_does_not_hold_it_up(
    client: Client, nursery: trio.Nursery, length: str
) -> None:
    there = saying(b"HTTP/1.1 204 x\r\n\r\n")
    target = f"http://127.0.0.1:{await serve(nursery, there)}/"
    answer = f"HTTP/1.1 302 Found\r\nlocation: {target}\r\n{length}".encode()
    port = await serve(nursery, saying(answer, times=2))
    assert (await client(f"http://127.0.0.1:{port}/")).status == 204
