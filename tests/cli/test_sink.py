"""The local server: what it takes, what it answers, and what it makes of nonsense."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
import trio
import trio.testing
from hypothesis import given, strategies as st

from isthmus._cli.faults import UsageFault
from isthmus._cli.sink import Rule, Sink, open_sink, read_rules

POST = b"POST /orders?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: t\r\n\r\n"
GET = b"GET /g HTTP/1.1\r\n\r\n"


async def say(sink: Sink, *parts: bytes) -> bytes:
    """Send parts to a connection of the sink's, one after the other, and give all it answers."""
    here, there = trio.testing.memory_stream_pair()
    answer = b""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sink.serve, there)
        for part in parts:
            await here.send_all(part)
        await here.send_eof()
        async for chunk in here:
            answer += chunk
    return answer


def statuses(answer: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+)", answer)]


@given(
    st.lists(st.sampled_from([POST, CHUNKED, GET]), min_size=1, max_size=5),
    st.lists(st.integers(0, 600), max_size=4),
)
def test_requests_are_answered_however_they_are_cut(requests: list[bytes], places: list[int]) -> None:
    data = b"".join(requests)
    marks = sorted({place % (len(data) + 1) for place in places})
    parts = [data[a:b] for a, b in zip([0, *marks], [*marks, len(data)], strict=True)]
    sink = Sink((), 0)
    answer = trio.run(say, sink, *parts)
    assert statuses(answer) == [200] * len(requests)
    assert sink.requests == len(requests)
    assert sink.counts.total() == len(requests)


async def test_the_first_rule_that_fits_is_taken() -> None:
    rules = [
        Rule(method="POST", path="/orders", body_contains="hello", status=503),
        Rule(path="/orders*", status=404),
        Rule(path="/orders?x=1", status=418),
        Rule(path="/g", body=msgspec.Raw(b'"text"'), headers={"X-Left": "1"}),
    ]
    assert statuses(await say(Sink(rules, 0), POST, CHUNKED)) == [503, 200]
    assert statuses(await say(Sink(rules[1:], 0), POST)) == [404]
    assert statuses(await say(Sink(rules[2:], 0), POST)) == [418]
    answer = await say(Sink(rules, 0), GET)
    assert answer.endswith(b"\r\n\r\ntext")
    assert b"X-Left: 1\r\n" in answer
    assert b"Content-Type: text/plain" in answer


async def test_a_head_has_no_body() -> None:
    answer = await say(Sink((), 0), b"HEAD / HTTP/1.1\r\n\r\n")
    assert b"Content-Length: 11" in answer
    assert answer.endswith(b"\r\n\r\n")


async def test_what_is_expected_to_continue_is_told_to() -> None:
    asked = POST.replace(b"Host: a", b"Expect: 100-continue")
    assert statuses(await say(Sink((), 0), asked)) == [100, 200]


async def test_it_closes_where_asked_to() -> None:
    asked = GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    assert statuses(await say(Sink((), 0), asked + GET)) == [200]


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x16\x03\x01 hello\r\n\r\n",
        b"GET / HTTP/2\r\n\r\n",
        b"A" * 70_000,
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    ],
)
async def test_nonsense_is_answered_with_400(nonsense: bytes) -> None:
    sink = Sink((), 0)
    assert statuses(await say(sink, nonsense)) == [400]
    assert sink.requests == 0


async def test_a_delay_is_waited_for(autojump_clock: trio.testing.MockClock) -> None:
    begun = trio.current_time()
    await say(Sink([Rule(delay=30)], 0), GET)
    assert trio.current_time() - begun >= 30


async def test_paths_with_ids_take_no_more_room() -> None:
    sink = Sink((), 0)
    await say(sink, *(b"GET /orders/%d HTTP/1.1\r\n\r\n" % number for number in range(300)))
    assert sink.requests == 300
    assert len(sink.counts) == 101
    assert sink.counts["GET", "(other paths)", 200] == 200


async def test_it_is_on_loopback_and_gone_afterwards() -> None:
    async with open_sink() as sink:
        assert sink.url == f"http://127.0.0.1:{sink.port}"
        stream = await trio.open_tcp_stream("127.0.0.1", sink.port)
        async with stream:
            await stream.send_all(GET)
            assert statuses(await stream.receive_some(1000)) == [200]
    with pytest.raises(OSError, match=str(sink.port)):
        await trio.open_tcp_stream("127.0.0.1", sink.port)


@pytest.mark.parametrize("text", ["{}", '[{"pth": "/"}]', '[{"status": "200"}]', "nothing", '[{"path": 5}]'])
def test_rules_that_are_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "sink.json").write_text(text)
    with pytest.raises(UsageFault, match="does not say what the sink answers"):
        read_rules(str(tmp_path / "sink.json"))
