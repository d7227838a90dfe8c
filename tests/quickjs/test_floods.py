"""Floods: of console output, of what is handed out, of requests to the host."""

from __future__ import annotations

import time

import pytest
import trio
from tests.javascript import LONGEST, FakeHost, Scripts, call_of

from isthmus import Kind
from isthmus.abc import Killed


async def test_the_log_keeps_so_many_bytes_and_the_call_goes_on(scripts: Scripts) -> None:
    script = await scripts.body(
        "for (let i = 0; i < 1e4; i++) console.log('line ' + i); return 1", log_bytes=2000
    )
    host = FakeHost()
    assert await script.value(host=host) == 1
    assert host.texts[0] == "line 0"
    assert 1000 < sum(len(text) for text in host.texts) <= 2001


async def test_empty_lines_fill_the_log_too(scripts: Scripts) -> None:
    script = await scripts.body("for (let i = 0; i < 1e5; i++) console.log(''); return 1", log_bytes=2000)
    host = FakeHost()
    assert await script.value(host=host) == 1
    assert 0 < len(host.lines) < 2000


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 10_000_000])
async def test_one_line_is_cut_at_the_limit_between_characters(scripts: Scripts, size: int) -> None:
    script = await scripts.body("console.log('é'.repeat(event.size)); return 1", log_bytes=101)
    host = FakeHost()
    assert await script.value(call_of({"size": size}), host) == 1
    kept = "".join(host.texts)
    assert set(kept) <= {"é"}
    assert len(kept) == min(size, 51)  # one byte beyond the limit is kept, so that the host sees the cut


async def test_what_a_killed_call_printed_is_kept(scripts: Scripts) -> None:
    script = await scripts.body("console.log('before'); console.error('again'); for (;;);", cpu=0.1, wall=60)
    host = FakeHost()
    await script.killed(host=host)
    assert host.lines == [("log", "before"), ("error", "again")]


async def test_what_is_handed_out_has_a_limit(scripts: Scripts) -> None:
    script = await scripts.body("return 'x'.repeat(event.size)", output_bytes=1000)
    assert await script.value(call_of({"size": 998})) == "x" * 998
    killed = await script.killed(call_of({"size": 999}))
    assert killed.reason == "output"
    assert "1001" in killed.message
    assert "1000" in killed.message


async def test_messages_count_as_what_is_handed_out(scripts: Scripts) -> None:
    code = """function onRequest() { for (let i = 0; i < 1e4; i++) Segment.track({ event: 'e' + i, userId: 'u' }) }"""
    script = await scripts(code, kind=Kind.SOURCE, output_bytes=10_000)
    request = call_of(
        {"url": "http://a.example/", "method": "POST", "headers": [], "body": ""}, handler="onRequest"
    )
    assert (await script.killed(request)).reason == "output"


@pytest.mark.parametrize("what", ["message", "name", "stack"])
async def test_what_is_said_of_an_error_is_of_moderate_length(scripts: Scripts, what: str) -> None:
    script = await scripts.body(f"const e = new Error('m'); e.{what} = 'x'.repeat(5e6); throw e")
    thrown = await script.thrown()
    assert len(thrown.name) + len(thrown.message) + len(thrown.stack) < 60_000


FLOODS = {
    "fetches": "for (let i = 0; i < 3e4; i++) fetch('http://a.example/').catch(() => {}); return 1",
    "fetches awaited together": "await Promise.allSettled(Array.from({ length: 3e4 }, () => fetch('http://a.example/')))",
    "timers": "for (let i = 0; i < 5e3; i++) setTimeout(() => {}, 1e6); return 1",
    "timers at once": "let n = 0; await new Promise(r => { for (let i = 0; i < 5e3; i++) setTimeout(() => ++n < 5e3 || r()) })",
    "timers set and cleared": "for (let i = 0; i < 3e4; i++) clearTimeout(setTimeout(() => {}, 1e6)); await fetch('http://a.example/')",
    "cache deletions": "for (let i = 0; i < 1e5; i++) cache.delete('k' + i); return 1",
    "cache loads": "await Promise.all(Array.from({ length: 3e4 }, (_, i) => cache.load('k' + i, 1e4, () => i)))",
    "giant bodies": "await Promise.all(Array.from({ length: 20 }, () => fetch('http://a.example/', { method: 'POST', body: 'x'.repeat(1e6) })))",
    "giant URLs": "await Promise.allSettled(Array.from({ length: 20 }, () => fetch('http://a.example/' + 'x'.repeat(1e6))))",
    "errors that nobody handles": "for (let i = 0; i < 1e5; i++) Promise.reject(new Error(i)); return 1",
}


@pytest.mark.parametrize("body", FLOODS.values(), ids=FLOODS.keys())
async def test_a_flood_of_requests_to_the_host_does_not_hold_up_its_event_loop(
    scripts: Scripts, body: str
) -> None:
    script = await scripts.body(body, cpu=1.0, wall=60, operations=100)
    host = FakeHost()
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        last = time.thread_time()  # not what others have of the processor
        while True:
            await trio.sleep(0.001)
            longest, last = max(longest, time.thread_time() - last), time.thread_time()

    with trio.fail_after(LONGEST):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch)
            reply = await script.run(host=host)
            nursery.cancel_scope.cancel()
    if isinstance(reply.ending, Killed):
        assert reply.ending.reason in {"output", "cpu", "memory"}, reply.ending
    assert longest < 0.5
    assert len(host.requests) <= 100


async def test_of_more_operations_than_the_limit_the_rest_fail_by_themselves(scripts: Scripts) -> None:
    body = """const all = Array.from({ length: 12 }, () => fetch('http://a.example/').then(() => 'ok', e => e.message));
              return Promise.all(all)"""
    script = await scripts.body(body, operations=10)
    host = FakeHost()
    said = await script.value(host=host)
    assert isinstance(said, list)
    assert said.count("ok") == 10
    assert all("more than 10 operations" in each for each in said if each != "ok")
    assert len(host.requests) == 10
