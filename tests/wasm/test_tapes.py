"""WebAssembly on tape: WASI commands, plug-ins and components are replayed to the last digit, and nothing goes out."""

from __future__ import annotations

import json
import random
from typing import Any, Final, final

import pytest
import trio
from hypothesis import HealthCheck, given, settings, strategies as st
from tests import taping
from tests.taping import Taken
from tests.wasm.modules import command
from tests.wasm.test_component_http import GET, http
from tests.wasm.test_plugin import requesting
from tests.wasm.test_wasi import poll

import isthmus
import isthmus_wasmtime
from isthmus import Function, Kind, Outcome, Status
from isthmus.abc import FetchRequest, FetchResponse
from isthmus.hookspecs import hookimpl
from isthmus.tapes import Fetch, Recording
from isthmus.testing import MockFetcher
from isthmus_wasmtime._runtime import WasmtimeRuntime

CALLS: Final = 1000
ASKED: Final = {
    "fetch": {"op": "fetch", "url": "https://api.example/a", "method": "POST", "body": "hello"},
    "broken": {"op": "fetch", "url": "https://api.example/broken"},
    "wait": {"op": "sleep", "ms": 2},
    "load": {"op": "cache_load", "key": "k"},
    "store": {"op": "cache_store", "key": "k", "value": [1, 2], "ttl": 60000},
    "delete": {"op": "cache_delete", "key": "k"},
    "log": {"op": "log", "text": "a line"},
}
STEPS: Final = ("realtime", "steady", "random", "sleep", "event", *ASKED)


def guest(*steps: str) -> str:
    """A command that takes these steps, and returns an array of what came of each."""
    # Who loads owes the cache a value: a load that nothing follows would wait for itself.
    steps = tuple(each for step in steps for each in ((step, "store") if step == "load" else (step,)))
    texts = ['{"return":[', ",", "0]}", '"', *(json.dumps(ASKED[step]) for step in steps if step in ASKED)]
    places, blob = {}, ""
    for text in texts:
        places[text] = len(blob.encode())
        blob += text

    def out(text: str, length: int | None = None) -> str:
        return f"(call $out (i32.const {1024 + places[text]}) (i32.const {length or len(text)}))"

    body = [out('{"return":[')]
    for step in steps:
        if step in {"realtime", "steady"}:
            body.append(
                f"(drop (call $clock_time_get (i32.const {int(step == 'steady')}) (i64.const 1) (i32.const 8192)))"
                "(call $number (i64.load (i32.const 8192)))"
            )
        elif step == "random":
            body += [
                out('"'),
                "(drop (call $random_get (i32.const 8192) (i32.const 20))) (call $hex (i32.const 8192) (i32.const 20))",
                out('"'),
            ]
        elif step == "sleep":
            body += [poll("0 1 1000000 0"), out("0]}", 1)]
        elif step == "event":
            body += [
                "(i32.store (i32.const 8) (i32.const 65536)) (i32.store (i32.const 12) (i32.const 30000))",
                "(drop (call $fd_read (i32.const 0) (i32.const 8) (i32.const 1) (i32.const 16)))",
                f"""(if (i32.load (i32.const 16)) (then (call $out (i32.const 65536) (i32.load (i32.const 16))))
                     (else {out("0]}", 1)}))""",
            ]
        else:
            asked = json.dumps(ASKED[step])
            body.append(
                f"(local.set $n (call $ask (i32.const {1024 + places[asked]}) (i32.const {len(asked)})))"
                "(call $answer (i32.const 65536)) (call $out (i32.const 65536) (local.get $n))"
            )
        body.append(out(","))
    body.append(out("0]}"))
    text = command(
        "(local $n i32)" + "\n".join(body),
        uses="clock_time_get random_get poll_oneoff fd_read",
        data=blob.replace("\\", "\\\\").replace('"', '\\"'),
        pages="3",
    )
    return text.replace(
        "(module",
        '(module (import "isthmus" "ask" (func $ask (param i32 i32) (result i32)))'
        '(import "isthmus" "answer" (func $answer (param i32)))',
        1,
    )


def function(code: str) -> Function:
    return Function(name="taped", kind=Kind.DESTINATION, language="wasm", code=code, file="taped.wat")


async def record(code: str, count: int, fetcher: Any = taping.respond) -> tuple[list[Taken], list[Outcome]]:
    """So many calls, many at a time."""
    events = (json.dumps({"type": "track", "n": number}).encode() for number in range(count))
    return await taping.record(isthmus_wasmtime, function(code), events, fetcher)


async def check(code: str, tapes: list[Taken]) -> None:
    """All is again as on these tapes."""
    taping.check_all(tapes, await taping.replay_all(isthmus_wasmtime, function(code), tapes))


@pytest.mark.slow
async def test_a_thousand_calls_are_replayed_to_the_last_digit_and_nothing_goes_out() -> None:
    code = guest("event", "realtime", "random", "fetch", "sleep", "steady")
    tapes, outcomes = await record(code, CALLS)
    assert {outcome.status for outcome in outcomes} == {Status.DELIVERED}
    assert len({bytes(outcome.value or b"") for outcome in outcomes}) == CALLS
    await check(code, tapes)


@given(steps=st.lists(st.sampled_from(STEPS), min_size=1, max_size=8))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_a_command_does_its_replay_is_the_call_again(steps: list[str]) -> None:
    async def run() -> None:
        code = guest(*steps)
        tapes, outcomes = await record(code, 3)
        assert {outcome.status for outcome in outcomes} == {Status.DELIVERED}, outcomes
        await check(code, tapes)

    trio.run(run)


async def test_a_plug_ins_requests_are_on_its_tape() -> None:
    code = requesting("(call $block (i32.const 1024) (i32.const 4))")
    tapes, outcomes = await record(code, 3)
    assert outcomes[0].status is Status.DELIVERED
    asked = [effect for effect in tapes[0][0].effects if isinstance(effect, Fetch)]
    assert [effect.request.body for effect in asked] == [b'{"ur']
    await check(code, tapes)


SEVERAL: Final = """
  (local $one i32) (local $other i32)
  (local.set $one (call $send (call $new)))
  (local.set $other (call $send (call $new)))
  ;; the clock, and whether each is there, until both are
  (loop $again
    (i32.store (i32.const 400) (call $subscribe (local.get $one)))
    (i32.store (i32.const 404) (call $subscribe (local.get $other)))
    (i32.store (i32.const 408) (call $after (i64.const 500000)))
    (call $poll (i32.const 400) (i32.const 3) (i32.const 412))
    (local.set $rounds (i32.add (local.get $rounds) (i32.const 1)))
    (if (i32.eqz (local.get $a)) (then (local.set $a (call $what (local.get $one)))))
    (if (i32.eqz (local.get $b)) (then (local.set $b (call $what (local.get $other)))))
    (br_if $again (i32.eqz (i32.and (local.get $a) (local.get $b)))))
  (call $out (i32.const 1024) (i32.const 10))
  (call $number (i64.extend_i32_u (local.get $rounds)))
  (i32.store8 (i32.const 1024) (i32.const 125))
  (call $out (i32.const 1024) (i32.const 1))
"""


PATIENT: Final = """
  (local $f i32) (local $o i32)
  (local.set $o (call $options))
  (call $must (call $patience (local.get $o) (i32.const 1) (i64.const 3000000)))
  (call $handle (call $new) (i32.const 1) (local.get $o) (i32.const 200))
  (call $must (i32.load8_u (i32.const 200)))
  (local.set $f (i32.load (i32.const 208)))
  (call $block (call $subscribe (local.get $f)))
  (call $out (i32.const 1024) (i32.const 10))
  (call $number (i64.extend_i32_u (call $what (local.get $f))))
  (i32.store8 (i32.const 1024) (i32.const 125))
  (call $out (i32.const 1024) (i32.const 1))
"""


@pytest.mark.parametrize(
    "body",
    [GET, PATIENT, "(local $rounds i32) (local $a i32) (local $b i32)" + SEVERAL],
    ids=["one", "patient", "several"],
)
async def test_a_component_hears_of_its_responses_when_it_did(body: str) -> None:
    async def sometime(asked: FetchRequest) -> FetchResponse:
        await trio.sleep(random.random() / 200)
        return FetchResponse(status=200, body=b'{"ok":true}', url=asked.url)

    code = http(body)
    tapes, outcomes = await record(code, 12, sometime)
    assert {outcome.status for outcome in outcomes} == {Status.DELIVERED}, outcomes[0].problem
    await check(code, tapes)


@final
class Counting:
    """The runtime, with so much fuel."""

    def __init__(self, fuel: int) -> None:
        self._fuel = fuel

    @hookimpl
    def isthmus_runtimes(self) -> list[WasmtimeRuntime]:
        return [WasmtimeRuntime(fuel=self._fuel)]


@pytest.mark.parametrize("fuel", [10**9, 1000])
async def test_a_replay_takes_the_same_fuel(fuel: int) -> None:
    tapes: list[Taken] = []
    recording = Recording(keep=taping.keep_in(tapes))
    plugins = [Counting(fuel), MockFetcher(taping.respond)]
    async with isthmus.open_engine(plugins=plugins, load_entry_points=False, record=recording) as engine:
        instance = await engine.load(
            function(guest("event", "random", "fetch", "realtime")), limits=taping.LIMITS
        )
        outcome = await engine.invoke(instance, b'{"type":"track"}')
        again = await engine.replay(tapes[0][0])
    assert (outcome.problem is None) == (fuel > 1000)
    assert again.identical
    assert again.outcome.usage.fuel == outcome.usage.fuel > 0
