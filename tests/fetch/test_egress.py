"""The egress rules held on the wire: on the address connected to, whatever led there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import trio
from tests.fetch.conftest import LOCAL, Client
from tests.servers import saying, serve, serve_app
from trio.testing import wait_all_tasks_blocked

from isthmus.abc import Egress
from isthmus.errors import EngineError, FetchError

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
STRICT = Egress()


class Names:
    """A resolver whose answers follow one another, the last for good."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(f"{host}:{port}")
        await trio.lowlevel.checkpoint()
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def refusal(client: Client, url: str, egress: Egress = STRICT) -> str:
    with pytest.raises(FetchError) as caught:
        await client(url, egress)
    assert (caught.value.code, caught.value.type) == ("EACCES", "system")
    assert client.hops[-1].error == str(caught.value)
    assert (client.hops[-1].status, client.hops[-1].address) == (None, "")
    return str(caught.value)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "017700000001",
        "127.0.0.1.",
        "%31%32%37.0.0.1",
        "\uff11\uff12\uff17.0.0.1",
        "0",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "localhost",
        "10.0.0.1",
        "169.254.169.254",
        "[fd00:ec2::254]",
    ],
)
async def test_no_spelling_of_a_private_address_is_connected_to(
    client: Client, nursery: trio.Nursery, host: str
) -> None:
    reached = False

    async def server(stream: trio.abc.Stream) -> None:
        nonlocal reached
        reached = True

    port = await serve(nursery, server)
    message = await refusal(client, f"http://{host}:{port}/")
    assert message.endswith("; the instance's egress rules forbid it")
    await wait_all_tasks_blocked()
    assert not reached


async def test_the_message_names_host_address_and_rule(make_client: Callable[..., Client]) -> None:
    client = make_client(resolve=Names(["10.1.2.3"]))
    assert await refusal(client, "http://127.0.0.1/x?y") == (
        "request to http://127.0.0.1/x?y failed, reason: "
        "127.0.0.1 is a loopback address; the instance's egress rules forbid it"
    )
    assert await refusal(client, "http://inside.test/") == (
        "request to http://inside.test/ failed, reason: inside.test has the address 10.1.2.3, "
        "which is a private address; the instance's egress rules forbid it"
    )


async def test_rebinding_a_name_gets_nowhere(
    make_client: Callable[..., Client], nursery: trio.Nursery
) -> None:
    port = await serve(nursery, saying(OK))
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    client = make_client(resolve=names)
    only_loopback = Egress(allow=("127.0.0.0/8",))
    assert (await client(f"http://a.test:{port}/", only_loopback)).body == b"ok"
    # The address that was judged is the one connected to: nothing is asked a second time.
    assert names.asked == [f"a.test:{port}"]
    assert client.hops[0].address == "127.0.0.1"
    assert "10.0.0.1" in await refusal(client, f"http://a.test:{port}/", only_loopback)


async def test_of_several_addresses_only_permitted_ones_are_tried(
    make_client: Callable[..., Client], nursery: trio.Nursery
) -> None:
    port = await serve(nursery, saying(OK))
    client = make_client(resolve=Names(["127.0.0.9", "::1", "127.0.0.1"]))
    await client(f"http://a.test:{port}/", Egress(allow=("127.0.0.1",)))
    assert client.hops[0].address == "127.0.0.1"


async def test_redirects_are_judged_like_requests(
    make_client: Callable[..., Client], nursery: trio.Nursery
) -> None:
    inside = await serve(nursery, saying(OK))
    for target in (f"http://127.0.0.2:{inside}/", f"http://b.test:{inside}/", "http://169.254.169.254/"):
        answer = f"HTTP/1.1 302 Found\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n".encode()
        port = await serve(nursery, saying(answer))
        client = make_client(resolve=Names(["127.0.0.2"]))
        await refusal(
            client, f"http://127.0.0.1:{port}/", Egress(allow=("127.0.0.1", "169.254.0.1", "b.test"))
        )
        assert [hop.status for hop in client.hops] == [302, None]


async def test_lenient_connections_serve_no_strict_requests(client: Client, nursery: trio.Nursery) -> None:
    port = await serve(nursery, saying(OK, times=5))
    url = f"http://127.0.0.1:{port}/"
    assert (await client(url, LOCAL)).body == b"ok"
    await refusal(client, url, STRICT)
    await refusal(client, url, Egress(allow_private=True, deny=("127.0.0.1",)))
    assert (await client(url, Egress(allow=("127.0.0.0/8",)))).body == b"ok"


async def test_what_may_not_be_reached_is_not_looked_up(make_client: Callable[..., Client]) -> None:
    names = Names(["93.184.216.34"])
    client = make_client(resolve=names)
    await refusal(client, "http://secret-in-a-name.test/", Egress(allow=("api.example.com",)))
    await refusal(client, "http://evil.test/", Egress(deny=("*.evil.test", "evil.test")))
    assert names.asked == []


async def test_a_host_header_does_not_get_round_a_list(client: Client, nursery: trio.Nursery) -> None:
    port = await serve(nursery, saying(OK))
    url = f"http://127.0.0.1:{port}/"
    listed = Egress(allow=("127.0.0.1",), deny=("hidden.test",))
    with pytest.raises(FetchError, match=r"the Host header's hidden\.test"):
        await client(url, listed, headers=(("Host", "hidden.test"),))
    assert (await client(url, listed, headers=(("Host", "other.test"),))).body == b"ok"


@pytest.mark.parametrize("egress", [Egress(allow=("a b",)), Egress(deny=("1.2.3.4/8",)), Egress(proxy="x")])
async def test_malformed_rules_are_the_embedders_error(client: Client, egress: Egress) -> None:
    with pytest.raises(EngineError):
        await client("http://127.0.0.1/", egress)
    assert client.hops == []


@pytest.mark.parametrize(
    ("answer", "code"),
    [(OSError("x"), "EIO"), (["not an address"], "EIO"), ([], "ENOTFOUND")],
)
async def test_a_resolver_that_fails(
    make_client: Callable[..., Client], answer: OSError | list[str], code: str
) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        if isinstance(answer, OSError):
            raise answer
        return answer

    with pytest.raises(FetchError) as caught:
        await make_client(resolve=resolve)("http://a.test/", STRICT)
    assert caught.value.code == code


async def test_a_name_that_does_not_exist(client: Client) -> None:
    with pytest.raises(FetchError) as caught:
        await client("http://does-not-exist.invalid/", STRICT)
    assert caught.value.code in {"ENOTFOUND", "EAI_AGAIN"}
    assert str(caught.value).endswith(f"getaddrinfo {caught.value.code} does-not-exist.invalid")


async def test_https_is_judged_the_same(client: Client, nursery: trio.Nursery) -> None:
    port = await serve_app(nursery)
    assert "loopback" in await refusal(client, f"https://localhost:{port}/")


async def test_a_refused_request_costs_no_connection(
    make_client: Callable[..., Client], nursery: trio.Nursery
) -> None:
    port = await serve(nursery, saying(OK))
    client = make_client(max_connections=1)
    for _ in range(3):
        await refusal(client, "http://127.0.0.1/")
    assert (await client(f"http://127.0.0.1:{port}/")).body == b"ok"


async def test_unix_sockets_have_no_url(client: Client) -> None:
    for url in ("unix:///tmp/x", "http+unix://%2Ftmp%2Fx/", "http://unix:/tmp/x:/"):
        with pytest.raises(FetchError):
            await client(url, LOCAL)
