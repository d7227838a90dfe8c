"""Requests that leave through the operator's proxy."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import trio
from tests.fetch.conftest import Client
from tests.servers import Authority, Proxy, saying, serve, serve_app

from isthmus.abc import Egress
from isthmus.errors import FetchError


async def private(host: str, port: int) -> list[str]:
    return ["10.0.0.1"]


async def unknown(host: str, port: int) -> list[str]:
    raise OSError("no resolver here")


async def test_http_goes_in_absolute_form(client: Client, nursery: trio.Nursery) -> None:
    proxy = Proxy({"127.0.0.2": "127.0.0.1"})
    egress = Egress(allow_private=True, proxy=f"http://us%20er:pw@127.0.0.1:{await serve(nursery, proxy)}")
    port = await serve_app(nursery)
    url = f"http://127.0.0.2:{port}/echo?x"
    for _ in range(2):
        response = await client(url, egress)
        assert json.loads(response.body)["path"] == "/echo"
    assert proxy.asked == [f"GET {url}"] * 2
    assert b"Proxy-Authorization: Basic dXMgZXI6cHc=" in proxy.heads[0]
    hop = client.hops[0]
    assert (hop.url, hop.address) == (url, "127.0.0.1")
    assert "proxy-authorization" not in {name.lower() for name, _ in hop.request_headers}


@pytest.mark.parametrize("http2", [True, False])
@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_https_goes_through_a_tunnel(
    make_client: Callable[..., Client], nursery: trio.Nursery, authority: Authority, scheme: str, http2: bool
) -> None:
    proxy = Proxy({"far.test": "127.0.0.1"}, credentials="user:pw")
    egress = Egress(proxy=f"{scheme}://user:pw@localhost:{await serve(nursery, proxy)}")
    port = await serve_app(nursery, files=authority.files("far.test"))
    client = make_client(resolve=_only("localhost", "127.0.0.1"), http2=http2)
    for _ in range(2):
        response = await client(f"https://far.test:{port}/echo", egress)
    assert json.loads(response.body)["version"] == ("2" if http2 else "1.1")
    verb = "CONNECT" if scheme == "http" else "SOCKS"
    assert proxy.asked == [f"{verb} far.test:{port}"]
    assert client.hops[0].address == "127.0.0.1"


async def test_socks_carries_plain_http_and_addresses(client: Client, nursery: trio.Nursery) -> None:
    proxy = Proxy()
    egress = Egress(allow_private=True, proxy=f"socks5://127.0.0.1:{await serve(nursery, proxy)}")
    port = await serve_app(nursery)
    assert (await client(f"http://127.0.0.1:{port}/status/204", egress)).status == 204
    assert proxy.asked == [f"SOCKS 127.0.0.1:{port}"]


def _only(name: str, address: str) -> Callable[[str, int], object]:
    """A machine that can look up its proxy and nothing else."""

    async def resolve(host: str, port: int) -> list[str]:
        if host != name:
            raise OSError("no resolver here")
        return [address]

    return resolve


@pytest.mark.parametrize("url", ["http://{}:1/", "https://{}:1/"])
@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_private_targets_are_refused_before_the_proxy_is_asked(
    make_client: Callable[..., Client], nursery: trio.Nursery, url: str, scheme: str
) -> None:
    proxy = Proxy()
    egress = Egress(proxy=f"{scheme}://127.0.0.1:{await serve(nursery, proxy)}")
    for host, resolve in (("127.0.0.1", private), ("inside.test", private), ("[::1]", unknown)):
        client = make_client(resolve=resolve)
        with pytest.raises(FetchError) as caught:
            await client(url.format(host), egress)
        assert caught.value.code == "EACCES"
    assert proxy.asked == []


async def test_one_forbidden_address_among_several_is_enough(
    make_client: Callable[..., Client], nursery: trio.Nursery
) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["93.184.216.34", "10.0.0.1"]

    proxy = Proxy()
    egress = Egress(proxy=f"http://127.0.0.1:{await serve(nursery, proxy)}")
    with pytest.raises(FetchError, match=r"half\.test has the address 10\.0\.0\.1"):
        await make_client(resolve=resolve)("https://half.test/", egress)
    assert proxy.asked == []


async def test_each_forwarded_request_is_judged(
    make_client: Callable[..., Client], nursery: trio.Nursery
) -> None:
    answers = [["127.0.0.1"], ["10.0.0.1"]]

    async def resolve(host: str, port: int) -> list[str]:
        return answers.pop(0)

    port = await serve_app(nursery)
    proxy = Proxy({"a.test": "127.0.0.1"})
    egress = Egress(allow=("127.0.0.1",), proxy=f"http://127.0.0.1:{await serve(nursery, proxy)}")
    client = make_client(resolve=resolve)
    assert (await client(f"http://a.test:{port}/status/204", egress)).status == 204
    with pytest.raises(FetchError, match=r"10\.0\.0\.1"):
        await client(f"http://a.test:{port}/status/204", egress)
    assert len(proxy.asked) == 1


async def test_where_no_address_is_known_the_proxy_decides_unless_a_list_does(
    make_client: Callable[..., Client], nursery: trio.Nursery
) -> None:
    port = await serve_app(nursery)
    proxy = Proxy({"far.test": "127.0.0.1"})
    through = f"http://127.0.0.1:{await serve(nursery, proxy)}"
    client = make_client(resolve=unknown)
    url = f"http://far.test:{port}/status/204"
    assert (await client(url, Egress(proxy=through))).status == 204
    assert (await client(url, Egress(proxy=through, allow=("far.test",)))).status == 204
    with pytest.raises(FetchError, match="not among what the instance's egress rules allow"):
        await client(url, Egress(proxy=through, allow=("10.0.0.0/8",)))
    with pytest.raises(FetchError, match="is denied"):
        await client(url, Egress(proxy=through, deny=("*.test",)))


async def test_a_resolver_that_hangs_does_not_hold_a_proxied_request_up(
    make_client: Callable[..., Client], nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    async def hang(host: str, port: int) -> list[str]:
        await trio.sleep_forever()
        return []

    autojump_clock.autojump_threshold = 0.3  # what a busy machine may leave undelivered on loopback
    proxy = Proxy({"far.test": "127.0.0.1"})
    egress = Egress(proxy=f"http://127.0.0.1:{await serve(nursery, proxy)}")
    port = await serve(nursery, saying(b"HTTP/1.1 204 x\r\nconnection: close\r\n\r\n"))
    response = await make_client(resolve=hang)(f"http://far.test:{port}/", egress)
    assert response.status == 204
    assert 2 <= trio.current_time() < 3


@pytest.mark.parametrize("scheme", ["http", "socks5"])
@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "https://127.0.0.1:1/"])
async def test_a_proxy_that_wants_other_credentials(
    client: Client, nursery: trio.Nursery, scheme: str, url: str
) -> None:
    port = await serve(nursery, Proxy(credentials="user:right"))
    with pytest.raises(FetchError) as caught:
        await client(url, Egress(allow_private=True, proxy=f"{scheme}://user:wrong@127.0.0.1:{port}"))
    assert caught.value.code == "ERR_PROXY_TUNNEL"
    assert "wrong" not in str(caught.value)


@pytest.mark.parametrize(
    ("scheme", "answer", "why"),
    [
        ("http", b"", "it closed the connection"),
        ("http", b"garbage\r\n\r\n", "its answer is not HTTP"),
        ("http", b"x" * 20_000, "its answer is not HTTP"),
        ("http", b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "502 Bad Gateway"),
        ("socks5", b"", "it closed the connection"),
        ("socks5", b"\x05\xff", "NO ACCEPTABLE METHODS"),
        ("socks5", b"\x05\x00|\x05\x05\x00\x01" + bytes(6), "Connection refused"),
        ("socks5", b"\x05\x00|\x05\x63\x00\x01" + bytes(6), "its answer is not SOCKS 5"),
        ("socks5", b"\x05\x00|\x05\x00\x00\x07x", "its answer is not SOCKS 5"),
    ],
)
async def test_a_proxy_that_opens_no_way(
    client: Client, nursery: trio.Nursery, scheme: str, answer: bytes, why: str
) -> None:
    async def server(stream: trio.abc.Stream) -> None:
        for part in answer.split(b"|"):
            await stream.receive_some()
            await stream.send_all(part)

    port = await serve(nursery, server)
    with pytest.raises(FetchError) as caught:
        await client("https://127.0.0.1:1/", Egress(allow_private=True, proxy=f"{scheme}://127.0.0.1:{port}"))
    assert caught.value.code == "ERR_PROXY_TUNNEL"
    assert f"the proxy 127.0.0.1:{port} opens no way: " in str(caught.value)
    assert why in str(caught.value)


async def test_a_name_too_long_for_socks(make_client: Callable[..., Client], nursery: trio.Nursery) -> None:
    egress = Egress(proxy=f"socks5://127.0.0.1:{await serve(nursery, Proxy())}")
    client = make_client(resolve=unknown)
    with pytest.raises(FetchError, match="too long for SOCKS"):
        await client(f"http://{'a.' * 200}test/", egress)


async def test_nobody_listens_where_the_proxy_should_be(client: Client) -> None:
    with trio.socket.socket() as taken:
        await taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(FetchError) as caught:
            await client("http://93.184.216.34/", Egress(proxy=f"http://127.0.0.1:{port}"))
    assert caught.value.code == "ECONNREFUSED"
    assert str(caught.value).endswith(f"connect ECONNREFUSED 127.0.0.1:{port}")
