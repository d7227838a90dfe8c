"""Timers and the clock: Node's order, one sleep of the host at a time, nothing that outlives its call."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from hypothesis import given, settings, strategies as st
from tests.javascript import NOW, FakeHost, Script, Scripts, call_of
from tests.quickjs.expressions import compare, needs_node

from isthmus.abc import Thrown


class Instant(FakeHost):
    """Sleeps take no time; they are noted."""

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await trio.lowlevel.checkpoint()


async def ran(script: Script, argument: object = None) -> tuple[Any, list[float]]:
    host = Instant()
    return await script.value(call_of(argument), host), host.slept


ORDER = """
    const order = [];
    await new Promise((done) => {
        for (const [i, delay] of event.entries()) setTimeout((a, b) => order.push([delay, i, a, b]), delay, i, 'x');
        setTimeout(done, 1e6);
    });
    return order;
"""


@settings(max_examples=40)
@given(delays=st.lists(st.integers(1, 50), max_size=8))
async def test_timers_run_in_the_order_they_are_due(scripts: Scripts, delays: list[int]) -> None:
    order, slept = await ran(await scripts.body(ORDER), delays)
    assert order == [[delay, i, i, "x"] for delay, i in sorted((delay, i) for i, delay in enumerate(delays))]
    assert len(slept) <= len(delays) + 1


async def test_a_thousand_timers_are_few_sleeps(scripts: Scripts) -> None:
    body = """
        let n = 0;
        for (let i = 0; i < 1000; i++) setTimeout(() => n++, 10);
        await new Promise((done) => setTimeout(done, 10));
        return n;
    """
    count, slept = await ran(await scripts.body(body))
    assert count == 1000
    assert len(slept) < 200


async def test_what_a_timer_leaves_behind_runs_before_the_next(scripts: Scripts) -> None:
    body = """
        const order = [];
        setTimeout(() => { order.push('one'); queueMicrotask(() => order.push('job of one')) }, 5);
        setTimeout(() => order.push('two'), 5);
        await new Promise((done) => setTimeout(done, 5));
        return order;
    """
    order, _ = await ran(await scripts.body(body))
    assert order == ["one", "job of one", "two"]


async def test_an_interval_repeats_until_it_is_cleared(scripts: Scripts) -> None:
    body = """
        let n = 0;
        await new Promise((done) => { const timer = setInterval(() => { if (++n === 4) { clearInterval(timer); done() } }, 7) });
        await new Promise((done) => setTimeout(done, 100));
        return n;
    """
    count, slept = await ran(await scripts.body(body))
    assert count == 4
    assert slept == [pytest.approx(0.007)] * 4 + [pytest.approx(0.1)]


CLEARED = {
    "by itself": "clearTimeout(timer)",
    "by its number": "clearTimeout(+timer)",
    "by its number as text": "clearTimeout(String(+timer))",
    "as an interval": "clearInterval(timer)",
    "by closing it": "timer.close()",
}


@pytest.mark.parametrize("clearing", CLEARED.values(), ids=CLEARED.keys())
async def test_a_timer_that_is_cleared_does_not_run(scripts: Scripts, clearing: str) -> None:
    body = f"""
        let ran = false;
        const timer = setTimeout(() => {{ ran = true }}, 5);
        {clearing};
        await new Promise((done) => setTimeout(done, 50));
        return ran;
    """
    found, slept = await ran(await scripts.body(body))
    assert found is False
    assert slept == [pytest.approx(0.05)]


@pytest.mark.parametrize("nothing", ["undefined", "null", "{}", "999", "'x'", "Symbol.iterator"])
async def test_clearing_what_is_no_timer_does_nothing(scripts: Scripts, nothing: str) -> None:
    if nothing == "Symbol.iterator":
        nothing = "String(Symbol.iterator)"
    assert (
        await (await scripts.body(f"clearTimeout({nothing}); clearInterval({nothing}); return 1")).value()
        == 1
    )


DELAYS = {
    "0": 0.001,
    "-5": 0.001,
    "NaN": 0.001,
    "'20'": 0.02,
    "1.7": 0.001,
    "1e12": 0.001,
    "undefined": 0.001,
    "Infinity": 0.001,
}


@pytest.mark.parametrize(("delay", "seconds"), DELAYS.items())
async def test_a_delay_is_what_node_makes_of_it(scripts: Scripts, delay: str, seconds: float) -> None:
    _, slept = await ran(await scripts.body(f"await new Promise((done) => setTimeout(done, {delay}))"))
    assert slept == [pytest.approx(seconds)]


async def test_timers_that_are_left_end_with_the_call(scripts: Scripts) -> None:
    host = FakeHost()
    body = "setTimeout(() => console.log('late'), 10000); setInterval(() => console.log('later'), 10000); return 'done'"
    assert await (await scripts.body(body)).value(host=host) == "done"
    assert host.lines == []


async def test_a_kept_world_has_no_timers_of_an_earlier_call(scripts: Scripts) -> None:
    code = """
        let ran = 0;
        async function onTrack(event) {
            if (event.leave) { setTimeout(() => ran++, 5); setInterval(() => ran++, 5); return ran }
            await new Promise((done) => setTimeout(done, 50));
            return ran;
        }
    """
    script = await scripts(code, isolation="instance")
    assert (await ran(script, {"leave": True}))[0] == 0
    count, slept = await ran(script, {"leave": False})
    assert count == 0
    assert slept == [pytest.approx(0.05)]


async def test_a_kept_world_that_waits_for_a_timer_of_an_earlier_call_is_told(scripts: Scripts) -> None:
    code = """
        let gone;
        async function onTrack(event) {
            if (event.leave) { gone = new Promise((done) => setTimeout(done, 5)); return 'left' }
            return gone;
        }
    """
    script = await scripts(code, isolation="instance")
    assert (await ran(script, {"leave": True}))[0] == "left"
    ending = (await script.run(call_of({"leave": False}), Instant())).ending
    assert isinstance(ending, Thrown)
    assert "nothing can settle" in ending.message


async def test_set_immediate_runs_after_the_jobs(scripts: Scripts) -> None:
    body = """
        const order = [];
        const done = new Promise((resolve) => setImmediate((value) => { order.push(value); resolve() }, 'immediate'));
        Promise.resolve().then(() => order.push('job'));
        clearImmediate(setImmediate(() => order.push('cleared')));
        await done;
        return order;
    """
    order, slept = await ran(await scripts.body(body))
    assert order == ["job", "immediate"]
    assert slept == [0]


EXPRESSIONS = r"""
(()=>{const t=setTimeout(()=>{},1);const r=[typeof t,typeof +t,t.hasRef(),t.unref().hasRef(),t.ref().hasRef(),t.refresh()===t];clearTimeout(t);return r})()
setTimeout(undefined)
setInterval({})
typeof performance.now()
typeof performance.timeOrigin
performance.now()>=0&&performance.now()<1e7
setTimeout.length>0
""".strip().splitlines()[:-1]


@needs_node
async def test_a_timer_is_nodes_timeout(scripts: Scripts) -> None:
    await compare(scripts, EXPRESSIONS)


async def test_the_clock_begins_with_the_call_and_never_stands_still(scripts: Scripts) -> None:
    script = await scripts.body(
        "const a = performance.now(), b = performance.now(), first = Date.now(); let n = 0; while (Date.now() === first) n++;"
        "return [a, b > a, first, n > 0, new Date(performance.timeOrigin).getTime() === first]"
    )
    assert await script.value(call_of(now=NOW)) == [0, True, NOW * 1000, True, True]
    assert await script.value(call_of(now=NOW + 5)) == [0, True, (NOW + 5) * 1000, True, True]


async def test_time_passes_while_a_call_sleeps(scripts: Scripts) -> None:
    script = await scripts.body(
        "const a = Date.now(); await new Promise((done) => setTimeout(done, 20)); return Date.now() - a"
    )
    elapsed = await script.value()
    assert isinstance(elapsed, int | float)
    assert 15 <= elapsed < 2000
