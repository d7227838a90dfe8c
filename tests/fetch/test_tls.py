"""Certificates that are right, and each way in which they are not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trio
from tests.fetch.conftest import Client
from tests.servers import Authority, saying, serve

from isthmus.errors import FetchError

OK = saying(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")


async def loopback(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


@pytest.mark.parametrize("host", ["a.test", "a.test.", "127.0.0.1", "xn--bcher-kva.test", "BÜCHER.test"])
async def test_a_trusted_certificate(
    make_client: Callable[..., Client], nursery: trio.Nursery, authority: Authority, host: str
) -> None:
    context = authority.server("a.test", "127.0.0.1", "xn--bcher-kva.test")
    port = await serve(nursery, OK, context)
    assert (await make_client(resolve=loopback)(f"https://{host}:{port}/")).body == b"ok"


@pytest.mark.parametrize(
    ("host", "options", "code", "words"),
    [
        ("b.test", {}, "ERR_TLS_CERT_ALTNAME_INVALID", "Hostname/IP does not match certificate's altnames"),
        (
            "127.0.0.1",
            {},
            "ERR_TLS_CERT_ALTNAME_INVALID",
            "Hostname/IP does not match certificate's altnames",
        ),
        ("a.test", {"days": (-2, -1)}, "CERT_HAS_EXPIRED", "certificate has expired"),
        ("a.test", {"days": (1, 2)}, "CERT_NOT_YET_VALID", "certificate is not yet valid"),
        ("a.test", {"self_signed": True}, "DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed certificate"),
    ],
)
async def test_a_wrong_certificate(
    make_client: Callable[..., Client],
    nursery: trio.Nursery,
    authority: Authority,
    host: str,
    options: dict[str, Any],
    code: str,
    words: str,
) -> None:
    port = await serve(nursery, OK, authority.server("a.test", **options))
    with pytest.raises(FetchError) as caught:
        await make_client(resolve=loopback)(f"https://{host}:{port}/")
    assert (caught.value.code, caught.value.type) == (code, "system")
    assert str(caught.value).startswith(f"request to https://{host}:{port}/ failed, reason: {words}")


async def test_an_authority_nobody_knows(
    make_client: Callable[..., Client],
    nursery: trio.Nursery,
    authority: Authority,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    other = Authority(tmp_path_factory.mktemp("other"))
    port = await serve(nursery, OK, authority.server("a.test"))
    with pytest.raises(FetchError) as caught:
        await make_client(resolve=loopback, ssl_context=other.client())(f"https://a.test:{port}/")
    assert caught.value.code == "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"


async def test_the_systems_authorities_are_the_default(
    make_client: Callable[..., Client], nursery: trio.Nursery, authority: Authority
) -> None:
    port = await serve(nursery, OK, authority.server("a.test"))
    with pytest.raises(FetchError) as caught:
        await make_client(resolve=loopback, ssl_context=None)(f"https://a.test:{port}/")
    assert caught.value.code == "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"


async def test_a_server_that_speaks_no_tls(client: Client, nursery: trio.Nursery) -> None:
    async def plain(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    port = await serve(nursery, plain)
    with pytest.raises(FetchError) as caught:
        await client(f"https://127.0.0.1:{port}/")
    assert caught.value.code == "EPROTO"


async def test_a_server_that_hangs_up_on_a_handshake(client: Client, nursery: trio.Nursery) -> None:
    async def rude(stream: trio.abc.Stream) -> None:
        await stream.receive_some()

    port = await serve(nursery, rude)
    with pytest.raises(FetchError) as caught:
        await client(f"https://127.0.0.1:{port}/")
    assert caught.value.code == "ECONNRESET"
    assert "before secure TLS connection was established" in str(caught.value)


async def test_a_handshake_that_hangs_times_out(
    make_client: Callable[..., Client], nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    async def silent(stream: trio.abc.Stream) -> None:
        await trio.sleep_forever()

    autojump_clock.autojump_threshold = 0.3  # what a busy machine may leave undelivered on loopback
    port = await serve(nursery, silent)
    with pytest.raises(FetchError) as caught:
        await make_client(connect_timeout=3)(f"https://127.0.0.1:{port}/")
    assert caught.value.code == "ETIMEDOUT"
