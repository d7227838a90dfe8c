"""A program's talk with its host: operations, their answers, and the ends of calls that wait."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
import trio
from tests.javascript import (
    LONGEST,
    FakeHost,
    Script,
    Scripts,
    WorldCensus,
    call_of,
    in_some_round,
    open_scripts,
    rest,
    until,
)

from isthmus import Kind, LoadError
from isthmus.abc import CacheEntry, Ending, FetchRequest, FetchResponse, Killed, Reply, Returned, Thrown
from isthmus.errors import RuntimeFault
from isthmus_quickjs._guest import Guest
from isthmus_quickjs._world import World


@pytest.mark.parametrize("body", [b"", b"text", "é\0\u2028".encode(), b"\xff\x00", bytes(range(256)) * 9])
async def test_bodies_of_any_bytes_come_back(scripts: Scripts, body: bytes) -> None:
    script = await scripts.body(
        "const r = await fetch('http://a.example/'); return [...new Uint8Array(await r.arrayBuffer())]"
    )
    assert await script.value(host=FakeHost(body=body)) == list(body)


@pytest.mark.parametrize(
    "text", ["", "plain", "é\0\u2028 \U0001f600", 'quoted "op":"fetch" \\ud800', "half \ud83d"]
)
async def test_bodies_of_any_text_go_out(scripts: Scripts, text: str) -> None:
    script = await scripts.body("await fetch('http://a.example/', { method: 'POST', body: event.text })")
    host = FakeHost()
    await script.value(call_of({"text": text}), host)
    assert (
        host.requests[0].body
        == text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()
    )


# ---- the ends of calls that wait


def is_returned(reply: Reply) -> bool:
    return isinstance(reply.ending, Returned)


async def test_a_fetch_nobody_awaits_is_finished_before_the_call_ends(scripts: Scripts) -> None:
    script = await scripts.body("fetch('http://a.example/').then(() => console.log('came')); return 'first'")
    host = FakeHost()
    assert await script.value(host=host) == "first"
    assert host.texts == ["came"]


async def test_a_fetch_nobody_awaits_does_not_change_how_the_call_ended(scripts: Scripts) -> None:
    script = await scripts.body(
        "fetch('http://a.example/').then(() => { throw new Error('late') }); return 'first'"
    )
    assert await script.value() == "first"


async def test_where_time_runs_out_for_a_fetch_nobody_awaits_the_return_stands(scripts: Scripts) -> None:
    script = await scripts.body("fetch('http://a.example/'); return 'first'", wall=0.5)
    reply = await in_some_round(lambda: script.run(host=FakeHost(gate=trio.Event())), is_returned)
    assert reply.ending == Returned(b'"first"')


async def test_where_time_runs_out_for_a_fetch_nobody_awaits_the_throw_stands(scripts: Scripts) -> None:
    script = await scripts.body("fetch('http://a.example/'); throw new Error('first')", wall=0.5)
    reply = await in_some_round(
        lambda: script.run(host=FakeHost(gate=trio.Event())), lambda reply: isinstance(reply.ending, Thrown)
    )
    assert isinstance(reply.ending, Thrown)
    assert reply.ending.message == "first"


AFTER = {
    "a loop": "for (;;);",
    "a memory bomb": "const a = []; for (;;) a.push('x'.repeat(1e5) + a.length)",
    "a flood": "for (let i = 0; i < 3e4; i++) cache.delete(i)",
    "a wait": "return new Promise(r => setTimeout(r, 1e6))",
    "recursion": "const f = () => f() + 1; f()",
}


@pytest.mark.parametrize("after", AFTER.values(), ids=AFTER.keys())
async def test_what_a_limit_stops_after_the_return_changes_nothing(scripts: Scripts, after: str) -> None:
    body = f"fetch('http://a.example/').then(() => {{ {after} }}); return 1"
    script = await scripts.body(
        body, cpu=0.3, wall=0.5 if after == AFTER["a wait"] else LONGEST, memory=16 * 1024 * 1024
    )
    reply = await in_some_round(script.run, is_returned)
    assert reply.ending == Returned(b"1")


async def test_timers_that_are_left_end_with_the_call(scripts: Scripts) -> None:
    script = await scripts.body(
        "setTimeout(() => console.log('late'), 20); setInterval(() => {}, 1); return 1", wall=60
    )
    host = FakeHost()
    with trio.fail_after(LONGEST):
        assert await script.value(host=host) == 1
    assert host.lines == []


async def test_calls_of_many_that_wait_time_out_each_by_itself(scripts: Scripts, census: WorldCensus) -> None:
    script = await scripts.body("await fetch('http://a.example/'); return event.n", wall=0.5)
    expected = [Killed if n % 2 else Returned for n in range(6)]

    async def endings() -> list[type[Ending]]:
        hosts = [FakeHost(gate=trio.Event() if n % 2 else None) for n in range(6)]
        replies = await script.run_many([call_of({"n": n}) for n in range(6)], hosts)
        return [type(reply.ending) for reply in replies]

    assert await in_some_round(endings, lambda ended: ended == expected) == expected
    await rest(scripts)
    assert census.open == set(script.spare)


async def test_the_clock_of_a_call_begins_when_it_leaves_the_queue(
    guest: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("isthmus_quickjs._lanes.MOST_LONG", 0)  # no lane in the place of one that is kept
    async with open_scripts(guest, lanes=1) as scripts:
        script = await scripts.body("return 1", wall=0.5)

        async def endings() -> list[type[Ending]]:
            may_go_on = threading.Event()
            ended: list[type[Ending]] = []

            def stay() -> None:
                may_go_on.wait()

            async def run() -> None:
                ended.extend(type(reply.ending) for reply in await script.run_many([call_of()] * 8))

            async with trio.open_nursery() as nursery:
                nursery.start_soon(scripts.lanes.run, stay)
                await until(lambda: not scripts.lanes.idle)
                nursery.start_soon(run)
                await trio.sleep(0.6)
                assert not ended
                may_go_on.set()
            return ended

        assert await in_some_round(endings, lambda ended: ended == [Returned] * 8) == [Returned] * 8


async def test_no_calls_are_run_at_once(scripts: Scripts) -> None:
    script = await scripts.body("return 1")
    assert await script.run_many([]) == []


# ---- worlds that make no sense


async def replaced_frame(script: Script, monkeypatch: pytest.MonkeyPatch, frame: bytes) -> Reply:
    from isthmus_quickjs import _calls, _frames

    parse = _frames.parse_frame
    monkeypatch.setattr(_calls, "parse_frame", lambda _data: parse(frame))
    try:
        return await script.run()
    finally:
        monkeypatch.undo()


def frame_of(status: int, settled: int, value: bytes, report: bytes = b"") -> bytes:
    words = (status, settled, 0, len(value), 0, len(report), 0, 0)
    return b"".join(word.to_bytes(4, "little") for word in words) + value + report


NONSENSE = {
    "a frame of nothing": b"",
    "lengths that do not add up": frame_of(0, 1, b"1") + b"more",
    "an unknown status": frame_of(9, 1, b"1"),
    "a report that is no JSON": frame_of(0, 1, b"1", b"{"),
    "an operation that is none": frame_of(2, 0, b"", b'{"ops":[{"op":"evil","id":1}]}'),
    "an operation of the wrong types": frame_of(2, 0, b"", b'{"ops":[{"op":1}]}'),
}


@pytest.mark.parametrize("frame", NONSENSE.values(), ids=NONSENSE.keys())
@pytest.mark.parametrize("isolation", ["call", "instance"])
async def test_a_world_that_talks_nonsense_costs_its_call_and_itself(
    scripts: Scripts, monkeypatch: pytest.MonkeyPatch, census: WorldCensus, frame: bytes, isolation: Any
) -> None:
    script = await scripts("function onTrack() { return 1 }", isolation=isolation)
    reply = await replaced_frame(script, monkeypatch, frame)
    assert isinstance(reply.ending, Killed)
    assert reply.ending.reason == "crash"
    await rest(scripts)
    assert census.open == set(script.spare)
    assert await script.value() == 1


@pytest.mark.parametrize("isolation", ["call", "instance"])
async def test_a_failure_of_the_machinery_is_a_fault_of_the_runtime(
    scripts: Scripts, monkeypatch: pytest.MonkeyPatch, census: WorldCensus, isolation: Any
) -> None:
    script = await scripts("function onTrack() { return 1 }", isolation=isolation)

    def fail(*_: object) -> None:
        raise MemoryError("no room for a crossing")

    with monkeypatch.context() as patched:
        patched.setattr(World, "run_many", fail)
        patched.setattr(World, "invoke", fail)
        for _ in range(2):
            with pytest.raises(RuntimeFault, match="no room for a crossing"):
                await script.run()
    with monkeypatch.context() as patched:
        patched.setattr(World, "run_many", fail)
        if isolation == "call":
            with pytest.raises(RuntimeFault, match="no room for a crossing"):
                await script.run_many([call_of() for _ in range(5)])
    await rest(scripts)
    assert census.open == set(script.spare)
    assert await script.value() == 1


# ---- what a call may say of itself


async def test_cache_and_messages_go_through_the_host(scripts: Scripts) -> None:
    script = await scripts.body(
        "return [await cache.load('k', 1000, () => ({ a: 1 })), await cache.load('k', 1000, () => 2)]"
    )
    host = FakeHost()
    assert await script.value(host=host) == [{"a": 1}, {"a": 1}]
    assert host.cache == {"k": b'{"a":1}'}
    host.cache["k"] = b'"from elsewhere"'
    assert await script.value(host=host) == ["from elsewhere", "from elsewhere"]


async def test_a_cached_value_of_the_hosts_that_is_no_json_is_the_functions_error(scripts: Scripts) -> None:
    class Odd(FakeHost):
        async def cache_load(self, key: str) -> CacheEntry:
            return CacheEntry(b"{")

    script = await scripts.body("return cache.load('k', 1000, () => 1)")
    ending = (await script.run(host=Odd())).ending
    assert isinstance(ending, Thrown)
    assert ending.name == "SyntaxError"


async def test_a_handler_that_is_not_defined_throws(scripts: Scripts) -> None:
    script = await scripts("function onTrack() { return 1 }")
    assert (await script.thrown(call_of(handler="onPage"))).name == "TypeError"
    assert script.program.handlers == {"onTrack"}


@pytest.mark.parametrize("text", [b"", b"{", b"nonsense", b"\xff", b"1 2", b"[" * 100_000])
async def test_an_argument_that_is_no_json_is_an_error_and_no_fault(scripts: Scripts, text: bytes) -> None:
    from msgspec.structs import replace

    script = await scripts("function onTrack() { return 1 }")
    for call in (replace(call_of(), argument=text), replace(call_of(), settings=text)):
        assert isinstance((await script.run(call)).ending, Thrown)
    assert await script.value() == 1


async def test_an_argument_larger_than_the_memory_is_the_memory_limit(scripts: Scripts) -> None:
    script = await scripts.body("return event.pad.length", memory=4 * 1024 * 1024)
    assert await script.value(call_of({"pad": "p" * 500_000})) == 500_000
    for size in (3_000_000, 5_000_000, 30_000_000):
        assert (await script.killed(call_of({"pad": "p" * size}))).reason == "memory", size


@pytest.mark.parametrize(
    "size", [1_000_000, 2_000_000, 3_000_000, 4_000_000, 5_000_000, 6_000_000, 8_000_000]
)
async def test_a_value_comes_out_whole_or_not_at_all(scripts: Scripts, size: int) -> None:
    """Where there was no room to copy it, a value once came out as none."""
    script = await scripts.body(
        "return 'x'.repeat(event.size)", memory=16 * 1024 * 1024, output_bytes=1 << 30
    )
    ending = (await script.run(call_of({"size": size}))).ending
    if isinstance(ending, Killed):
        assert ending.reason == "memory"
    else:
        assert ending == Returned(b'"' + b"x" * size + b'"')


async def test_code_that_is_no_text_does_not_load(scripts: Scripts) -> None:
    for code in ("// half \ud800", b"\xff"):
        with pytest.raises(LoadError, match=r"UTF-8|surrogate"):
            await scripts(code)  # type: ignore[arg-type]


async def test_lone_surrogates_come_out_as_replacement_characters(scripts: Scripts) -> None:
    script = await scripts.body(
        r"""const half = '\ud83d', pair = '\ud83d\ude00';
        return { half, pair, escaped: '\\ud83d', keys: { [half]: 1 }, raw: JSON.rawJSON?.('"\\ud83d\\ude00"') ?? pair }"""
    )
    assert await script.value() == {
        "half": "\ufffd",
        "pair": "\U0001f600",
        "escaped": "\\ud83d",
        "keys": {"\ufffd": 1},
        "raw": "\U0001f600",
    }


SENDER = """
function onRequest(request, settings) {
    Segment.track({ event: 'first', userId: 'u' });
    fetch('http://a.example/').then(() => Segment.track({ event: 'second', userId: 'u' }));
    return fetch('http://b.example/').then(() => { Segment.track({ event: 'third', userId: 'u' }); if (settings.fail) throw 1 });
}"""


@pytest.mark.parametrize(
    ("late", "fail", "sent"),
    [
        (False, False, ["first", "second", "third"]),
        (True, False, ["first", "third"]),
        (False, True, None),
        (True, True, None),
    ],
)
async def test_messages_of_a_handler_that_ended_well_are_sent_whatever_it_left_behind(
    scripts: Scripts, late: bool, fail: bool, sent: list[str] | None
) -> None:
    class Partial(FakeHost):
        async def fetch(self, request: FetchRequest) -> FetchResponse:
            if late and "//a." in request.url:
                await trio.sleep_forever()
            return await super().fetch(request)

    script = await scripts(SENDER, kind=Kind.SOURCE, wall=0.5 if late else LONGEST)
    webhook = {
        "url": "http://c.example/",
        "method": "POST",
        "headers": [],
        "body": json.dumps({"fail": fail}),
    }

    async def said() -> list[str] | None:
        reply = await script.run(call_of(webhook, {"fail": fail}, handler="onRequest"), Partial())
        messages = json.loads(reply.messages) if reply.messages else None
        return messages and sorted(message["event"] for message in messages)

    assert await in_some_round(said, lambda events: events == sent) == sent
