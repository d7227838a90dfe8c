"""HTTP/2: what a shared connection must bear from its server and from requests that are given up."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import h2.events
import pytest
import trio
from h2.errors import ErrorCodes
from h2.settings import SettingCodes
from tests.fetch.conftest import MIB, Client
from tests.servers import Authority, H2Session, serve, serve_app
from trio.testing import wait_all_tasks_blocked

from isthmus.errors import FetchError

Script = Callable[[H2Session], Awaitable[None]]


class Server:
    """An HTTP/2 server that plays one script a connection, the last for good."""

    def __init__(self, *scripts: Script, settings: dict[Any, int] | None = None) -> None:
        self._scripts = list(scripts)
        self._settings = settings
        self.connections = 0
        self.url = ""

    async def start(self, nursery: trio.Nursery, authority: Authority) -> Server:
        context = authority.server("localhost", alpn=["h2"])
        self.url = f"https://localhost:{await serve(nursery, self._play, context)}/"
        return self

    async def _play(self, stream: trio.abc.Stream) -> None:
        script = self._scripts[min(self.connections, len(self._scripts) - 1)]
        self.connections += 1
        session = H2Session(stream, self._settings)
        await session.flush()
        await script(session)


async def polite(session: H2Session) -> None:
    """Answer everything at once."""
    while number := await session.request():
        await session.answer(number)


async def error_of(client: Client, url: str, **request: object) -> FetchError:
    with pytest.raises(FetchError) as caught:
        await client(url, **request)  # type: ignore[arg-type] # as Client takes them
    return caught.value


async def test_a_request_arrives_as_it_was_made(
    client: Client, nursery: trio.Nursery, authority: Authority
) -> None:
    port = await serve_app(nursery, files=authority.files("localhost"))
    response = await client(
        f"https://localhost:{port}/echo?a=b",
        method="POST",
        headers=(("X-One", "1"), ("Host", "other.test"), ("Connection", "close"), ("X-One", "2")),
        body=b"x" * (3 * MIB),
        limit=4 * MIB,
    )
    said = json.loads(response.body)
    assert (said["version"], said["method"], len(said["body"])) == ("2", "POST", 3 * MIB)
    assert said["headers"][:3] == [["host", "other.test"], ["x-one", "1"], ["x-one", "2"]]
    assert (response.status, response.reason) == (200, "OK")
    assert (client.hops[0].http_version, client.hops[0].address) == ("HTTP/2", "127.0.0.1")


async def test_large_responses_pass_flow_control(
    client: Client, nursery: trio.Nursery, authority: Authority
) -> None:
    port = await serve_app(nursery, files=authority.files("localhost"))
    for _ in range(2):  # together more than the connection's window
        response = await client(f"https://localhost:{port}/zeros?mib=12", limit=12 * MIB)
        assert response.body == bytes(12 * MIB)


async def test_http2_can_be_declined(
    make_client: Callable[..., Client], nursery: trio.Nursery, authority: Authority
) -> None:
    port = await serve_app(nursery, files=authority.files("localhost"))
    client = make_client(http2=False)
    await client(f"https://localhost:{port}/echo")
    assert client.hops[0].http_version == "HTTP/1.1"


async def test_many_requests_share_one_connection(
    client: Client, nursery: trio.Nursery, authority: Authority
) -> None:
    server = await Server(polite).start(nursery, authority)
    async with trio.open_nursery() as calls:
        for _ in range(60):
            calls.start_soon(client, server.url)
    assert [hop.response_body for hop in client.hops] == [b"ok"] * 60
    assert server.connections == 1


async def test_no_more_streams_than_the_server_takes(
    client: Client, nursery: trio.Nursery, authority: Authority
) -> None:
    arrived, everyone = 0, trio.Event()

    async def script(session: H2Session) -> None:
        async def arrive() -> None:
            nonlocal arrived
            while number := await session.request():
                numbers.append(number)
                arrived += 1
                if arrived in {1, 11}:
                    everyone.set()

        while arrived < 11:
            numbers: list[int] = []
            async with trio.open_nursery() as arrivals:
                arrivals.start_soon(arrive)
                await everyone.wait()
                await trio.lowlevel.checkpoint()
                arrivals.cancel_scope.cancel()
            for number in numbers:
                await session.answer(number)
        await polite(session)

    server = await Server(script, settings={SettingCodes.MAX_CONCURRENT_STREAMS: 3}).start(nursery, authority)
    await client(server.url)
    everyone = trio.Event()
    async with trio.open_nursery() as calls:
        for _ in range(10):
            calls.start_soon(client, server.url)
    assert [hop.status for hop in client.hops] == [200] * 11
    # h2 would have ended any connection with a fourth stream.
    assert server.connections == 4


async def test_a_cancelled_request_resets_its_stream_and_no_other(
    client: Client, nursery: trio.Nursery, authority: Authority
) -> None:
    one_is_in, two_are_in, was_reset = trio.Event(), trio.Event(), trio.Event()

    async def script(session: H2Session) -> None:
        first = await session.request()
        one_is_in.set()
        second = await session.request()
        two_are_in.set()
        assert first is not None
        assert second is not None
        event = await session.event()
        while not isinstance(event, h2.events.StreamReset):
            event = await session.event()
        assert (event.stream_id, event.error_code) == (first, ErrorCodes.CANCEL)
        was_reset.set()
        await session.answer(second)
        await polite(session)

    server = await Server(script).start(nursery, authority)
    async with trio.open_nursery() as calls:
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as doomed:
                doomed.start_soon(client, server.url)
                await one_is_in.wait()
                calls.start_soon(client, server.url)
                await two_are_in.wait()
                scope.cancel()
        await was_reset.wait()
    assert [(hop.error, hop.response_body) for hop in client.hops] == [("cancelled", b""), ("", b"ok")]
    assert (await client(server.url)).body == b"ok"
    assert server.connections == 1


async def test_abandoned_bodies_do_not_weigh_on_the_others(
    client: Client, nursery: trio.Nursery, authority: Authority
) -> None:
    # Each is given up after 1 MiB of 4; all together would fill the connection's window twice.
    port = await serve_app(nursery, files=authority.files("localhost"))
    for _ in range(10):
        error = await error_of(client, f"https://localhost:{port}/bomb?mib=4", limit=MIB)
        assert error.type == "max-size"
        error = await error_of(client, f"https://localhost:{port}/zeros?mib=4", limit=MIB)
        assert error.type == "max-size"
    response = await client(f"https://localhost:{port}/zeros?mib=8", limit=8 * MIB)
    assert len(response.body) == 8 * MIB


async def test_data_that_comes_after_all_is_acknowledged(
    client: Client, nursery: trio.Nursery, authority: Authority
) -> None:
    """A server that has not yet heard of a reset goes on sending; the connection's window must not leak."""

    async def script(session: H2Session) -> None:
        for _ in range(40):
            number = await session.request()
            assert number is not None
            session.h2.send_headers(number, [(":status", "200")])
            # All the stream's window, though the client gives up after the first frames.
            sent = 0
            while sent < MIB and session.h2.local_flow_control_window(number) > 0:
                size = min(16384, session.h2.local_flow_control_window(number), MIB - sent)
                session.h2.send_data(number, bytes(size))
                sent += size
            assert sent == MIB, "the connection's window has run dry"
            await session.flush()
            event = await session.event()
            while not isinstance(event, h2.events.StreamReset):
                event = await session.event()
        await polite(session)

    server = await Server(script).start(nursery, authority)
    for _ in range(40):
        error = await error_of(client, server.url, limit=1000)
        assert error.type == "max-size"
    assert (await client(server.url)).body == b"ok"
    assert server.connections == 1


async def test_goaway_lets_what_was_taken_on_finish_and_sends_the_rest_elsewhere(
    client: Client, nursery: trio.Nursery, authority: Authority
) -> None:
    one_is_in = trio.Event()

    async def retiring(session: H2Session) -> None:
        first = await session.request()
        one_is_in.set()
        second = await session.request()
        assert first is not None
        assert second is not None
        await session.goaway(first)
        await session.answer(first, b"old")
        assert await session.request() is None  # and then it is closed

    server = await Server(retiring, polite).start(nursery, authority)

    async def post(path: str) -> None:
        # It may be sent again only because the server has said that it did not take it on.
        await client(server.url + path, method="POST", body=b"x")

    async with trio.open_nursery() as calls:
        calls.start_soon(post, "one")
        await one_is_in.wait()
        calls.start_soon(post, "two")
    bodies = {hop.url.rpartition("/")[2]: hop.response_body for hop in client.hops}
    assert bodies == {"one": b"old", "two": b"ok"}
    assert server.connections == 2


async def test_goaway_while_idle_ends_the_connection(
    client: Client, nursery: trio.Nursery, authority: Authority
) -> None:
    said, closed = trio.Event(), trio.Event()

    async def retiring(session: H2Session) -> None:
        number = await session.request()
        assert number is not None
        await session.answer(number)
        await session.goaway(number)
        said.set()
        assert await session.request() is None
        closed.set()

    server = await Server(retiring, polite).start(nursery, authority)
    await client(server.url)
    await said.wait()
    assert (await client(server.url, method="POST", body=b"x")).body == b"ok"
    await closed.wait()
    assert server.connections == 2


async def test_an_idle_connection_that_ends_as_a_request_sets_out(
    client: Client, nursery: trio.Nursery, authority: Authority
) -> None:
    async def once(session: H2Session) -> None:
        number = await session.request()
        assert number is not None
        await session.answer(number)
        await session.request()

    server = await Server(once).start(nursery, authority)
    for _ in range(2):
        assert (await client(server.url)).body == b"ok"
    error = await error_of(client, server.url, method="POST", body=b"x")
    assert (error.code, server.connections) == ("ECONNRESET", 2)


async def test_an_upload_the_server_breaks_off(
    client: Client, nursery: trio.Nursery, authority: Authority
) -> None:
    async def script(session: H2Session) -> None:
        while event := await session.event():
            if isinstance(event, h2.events.RequestReceived):
                assert event.stream_id is not None
                session.h2.reset_stream(event.stream_id, ErrorCodes.ENHANCE_YOUR_CALM)

    server = await Server(script).start(nursery, authority)
    error = await error_of(client, server.url, method="POST", body=bytes(4 * MIB))
    assert error.code == "ERR_HTTP2_STREAM_ERROR"


async def test_a_refused_stream_is_tried_again(
    client: Client, nursery: trio.Nursery, authority: Authority
) -> None:
    refused = 0

    async def refusing(session: H2Session) -> None:
        nonlocal refused
        while number := await session.request():
            if refused < 2:
                refused += 1
                session.h2.reset_stream(number, ErrorCodes.REFUSED_STREAM)
                await session.flush()
            else:
                await session.answer(number)

    server = await Server(refusing).start(nursery, authority)
    assert (await client(server.url, method="POST", body=b"x")).body == b"ok"
    refused = 1
    assert (await client(server.url, method="POST", body=b"x")).body == b"ok"


async def test_a_stream_refused_for_good_fails(
    client: Client, nursery: trio.Nursery, authority: Authority
) -> None:
    async def refusing(session: H2Session) -> None:
        while number := await session.request():
            session.h2.reset_stream(number, ErrorCodes.REFUSED_STREAM)
            await session.flush()

    server = await Server(refusing).start(nursery, authority)
    error = await error_of(client, server.url)
    assert error.code == "ERR_HTTP2_STREAM_ERROR"
    assert "NGHTTP2_REFUSED_STREAM" in str(error)


async def _reset_before(session: H2Session) -> None:
    while number := await session.request():
        session.h2.reset_stream(number, ErrorCodes.INTERNAL_ERROR)
        await session.flush()


async def _reset_within(session: H2Session) -> None:
    while number := await session.request():
        session.h2.send_headers(number, [(":status", "200")])
        session.h2.send_data(number, b"half")
        await session.flush()
        session.h2.reset_stream(number, ErrorCodes.INTERNAL_ERROR)
        await session.flush()


async def _hang_up_before(session: H2Session) -> None:
    await session.request()


async def _hang_up_within(session: H2Session) -> None:
    number = await session.request()
    assert number is not None
    session.h2.send_headers(number, [(":status", "200")])
    session.h2.send_data(number, b"half")
    await session.flush()


async def _garbage(session: H2Session) -> None:
    await session.request()
    await session.stream.send_all(b"\xff" * 100)
    while await session.stream.receive_some():
        pass


async def _nonsense(session: H2Session) -> None:
    await session.request()
    await session.stream.send_all(bytes((0, 0, 4, 8, 0)) + bytes(4) + bytes(4))  # a window grown by nothing
    while await session.stream.receive_some():
        pass


async def _bad_header(session: H2Session) -> None:
    session.h2.config.validate_outbound_headers = False
    session.h2.config.normalize_outbound_headers = False
    while number := await session.request():
        session.h2.send_headers(number, [(":status", "200"), ("X-Upper", "1")], end_stream=True)
        await session.flush()


async def _bad_status(session: H2Session) -> None:
    while number := await session.request():
        session.h2.send_headers(number, [(":status", "2x0")], end_stream=True)
        await session.flush()


@pytest.mark.parametrize(
    ("script", "code", "body", "words"),
    [
        (_reset_before, "ERR_HTTP2_STREAM_ERROR", b"", "NGHTTP2_INTERNAL_ERROR"),
        (_reset_within, "ERR_HTTP2_STREAM_ERROR", b"half", "Invalid response body"),
        (_hang_up_before, "ECONNRESET", b"", "failed, reason: "),
        (_hang_up_within, "ECONNRESET", b"half", "aborted"),
        (_garbage, "ERR_HTTP2_SESSION_ERROR", b"", "the server sends a frame of 16777215 bytes"),
        (_nonsense, "ERR_HTTP2_SESSION_ERROR", b"", "the server breaks HTTP/2"),
        (_bad_header, "ERR_HTTP2_PROTOCOL_ERROR", b"", "headers are malformed"),
        (_bad_status, "ERR_HTTP2_PROTOCOL_ERROR", b"", "headers are malformed"),
    ],
)
async def test_what_goes_wrong_has_a_name(
    client: Client,
    nursery: trio.Nursery,
    authority: Authority,
    script: Script,
    code: str,
    body: bytes,
    words: str,
) -> None:
    server = await Server(script, script, polite).start(nursery, authority)
    error = await error_of(client, server.url)
    assert (error.code, error.type, client.hops[0].response_body) == (code, "system", body)
    assert words in str(error)


async def test_one_bad_response_leaves_the_connection(
    client: Client, nursery: trio.Nursery, authority: Authority
) -> None:
    async def script(session: H2Session) -> None:
        number = await session.request()
        assert number is not None
        session.h2.send_headers(number, [(":status", "2x0")], end_stream=True)
        await polite(session)

    server = await Server(script).start(nursery, authority)
    assert (await error_of(client, server.url)).code == "ERR_HTTP2_PROTOCOL_ERROR"
    assert (await client(server.url)).body == b"ok"
    assert server.connections == 1


async def test_an_answer_before_the_upload_is_through(
    client: Client, nursery: trio.Nursery, authority: Authority
) -> None:
    async def script(session: H2Session) -> None:
        while event := await session.event():
            if isinstance(event, h2.events.RequestReceived):
                assert event.stream_id is not None
                await session.answer(event.stream_id, b"no", 413)

    server = await Server(script).start(nursery, authority)
    small = await client(server.url, method="POST", body=bytes(40_000))
    assert (small.status, small.reason, small.body) == (413, "Payload Too Large", b"no")
    # httpcore reads no answer before the upload is through: what remains is not to wait for good.
    error = await error_of(client, server.url, method="POST", body=bytes(4 * MIB))
    assert error.code == "ERR_HTTP2_STREAM_ERROR"
    assert "before it had read the request" in str(error)


async def test_an_upload_waits_for_the_servers_window(
    client: Client, nursery: trio.Nursery, authority: Authority
) -> None:
    got = 0

    async def script(session: H2Session) -> None:
        nonlocal got
        while event := await session.event():
            if isinstance(event, h2.events.DataReceived):
                assert event.stream_id is not None
                got += len(event.data or b"")
                session.h2.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                assert event.stream_id is not None
                await session.answer(event.stream_id)

    server = await Server(script, settings={SettingCodes.INITIAL_WINDOW_SIZE: 10}).start(nursery, authority)
    await client(server.url)  # with its answer come the server's settings
    assert (await client(server.url, method="POST", body=bytes(1000))).body == b"ok"
    assert got == 1000


async def test_informational_responses_and_trailers_are_passed_over(
    client: Client, nursery: trio.Nursery, authority: Authority
) -> None:
    async def script(session: H2Session) -> None:
        number = await session.request()
        assert number is not None
        session.h2.send_headers(number, [(":status", "103"), ("link", "x")])
        session.h2.send_headers(number, [(":status", "200"), ("set-cookie", "a=1"), ("set-cookie", "b=2")])
        session.h2.send_data(number, b"body")
        session.h2.send_headers(number, [("x-trailer", "1")], end_stream=True)
        await polite(session)

    server = await Server(script).start(nursery, authority)
    response = await client(server.url)
    assert (response.status, response.body) == (200, b"body")
    assert response.headers == (("set-cookie", "a=1"), ("set-cookie", "b=2"))


async def test_a_server_that_pings_and_does_not_read_is_left_waiting(
    client: Client, nursery: trio.Nursery, authority: Authority
) -> None:
    sent = 0

    async def flood(session: H2Session) -> None:
        nonlocal sent
        await session.request()
        ping = (8).to_bytes(3, "big") + b"\x06\x00" + bytes(4) + b"12345678"
        while True:
            await session.stream.send_all(ping * 1000)
            sent += 17_000

    server = await Server(flood).start(nursery, authority)
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as calls:
            calls.start_soon(client, server.url)
            await wait_all_tasks_blocked(0.05)  # all are stuck: the client's memory is not what takes it up
            scope.cancel()
    assert scope.cancelled_caught
    assert sent < 40 * MIB


async def test_a_failed_connection_is_told_to_all_who_waited_for_it(
    client: Client, nursery: trio.Nursery, authority: Authority
) -> None:
    port = await serve(nursery, polite_plain, authority.server("elsewhere.test"))
    errors: list[FetchError] = []

    async def call() -> None:
        errors.append(await error_of(client, f"https://localhost:{port}/"))

    async with trio.open_nursery() as calls:
        for _ in range(20):
            calls.start_soon(call)
    assert {error.code for error in errors} == {"ERR_TLS_CERT_ALTNAME_INVALID"}
    assert len(errors) == len(client.hops) == 20


async def polite_plain(stream: trio.abc.Stream) -> None:
    await stream.receive_some()


async def test_whoever_connects_for_the_others_may_be_cancelled(
    client: Client, nursery: trio.Nursery, authority: Authority
) -> None:
    server = await Server(polite).start(nursery, authority)
    async with trio.open_nursery() as calls:
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as doomed:
                doomed.start_soon(client, server.url)
                await trio.lowlevel.checkpoint()
                for _ in range(5):
                    calls.start_soon(client, server.url)
                await trio.lowlevel.checkpoint()
                scope.cancel()
    assert sorted(hop.error for hop in client.hops) == [""] * 5 + ["cancelled"]
