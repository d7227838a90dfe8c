"""JavaScript on tape: a replay is the call again, to the last digit, and nothing of it goes out."""

from __future__ import annotations

import json
from typing import Final

import pytest
import trio
from hypothesis import HealthCheck, given, settings, strategies as st
from tests import taping
from tests.taping import Taken

import isthmus
import isthmus_quickjs
from isthmus import Engine, Function, Kind, Limits, Outcome, SettingDefinition, Status
from isthmus.tapes import Fetch, Passed, Recording, Tape
from isthmus.testing import MockFetcher

CALLS: Final = 1000

STEPS: Final = {
    "random": "out(Math.random(), crypto.randomUUID(), [...crypto.getRandomValues(new Uint8Array(3))]);",
    "time": "out(Date.now(), performance.now(), new Date().toISOString());",
    "sleep": "await new Promise((done) => setTimeout(done, event.n % 3)); out(Date.now());",
    "race": "out(await Promise.race([1, 2, 3].map((n) => new Promise((done) => setTimeout(() => done(n), n % 2)))));",
    "fetch": "out(await (await fetch(`${base}/${event.n}?r=${Math.random()}`)).text());",
    "post": """out(await (await fetch(base, {method: "POST", headers: {authorization: `Bearer ${settings.key}`},
            body: JSON.stringify({at: Date.now(), key: settings.key})})).json());""",
    "many": "out(await Promise.all([1, 2, 3, 4].map(async (n) => [n, (await fetch(`${base}/${n}`)).status, Date.now()])));",
    "fastest": "out(await Promise.any([1, 2, 3].map((n) => fetch(`${base}/any/${n}`).then((r) => r.text()))));",
    "broken": "out(await fetch(`${base}/broken`).catch((error) => [error.name, error.message, error.code]));",
    "abort": """{ const stop = new AbortController(); setTimeout(() => stop.abort(), 1);
            out(await fetch(`${base}/slow`, {signal: stop.signal}).then((r) => r.status, (error) => error.name)); }""",
    "cache": """out(await cache.load(`k${event.n % 5}`, 60000, async () => ({at: Date.now(), r: Math.random()})));
            if (event.n % 7 === 0) cache.delete(`k${event.n % 5}`);""",
    "left": "fetch(`${base}/left`).then(() => console.log('too late to matter'));",
    "interval": """{ let n = 0; await new Promise((done) => { const t = setInterval(() => { out(Date.now());
            if (++n === 3) { clearInterval(t); done(); } }, 1); }); }""",
    "hash": "out(crypto.createHmac('sha256', settings.key).update(String(event.n)).digest('base64').length);",
    "intl": "out(new Date(event.n * 1e9).toLocaleString('de-DE', {timeZone: 'Europe/Vienna'}));",
}
"""What generated functions are made of; each is told what came of it by ``out``."""

DRAWS: Final = """
async function onTrack(event) {
  const {subtle} = crypto;
  const rsa = {name: "RSA-PSS", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256"};
  const made = await subtle.generateKey(rsa, true, ["sign", "verify"]);
  const signed = await subtle.sign({name: "RSA-PSS", saltLength: 32}, made.privateKey, new Uint8Array([1, 2, 3]));
  const node = crypto.generateKeyPairSync("rsa", {modulusLength: 2048});
  const sealed = crypto.publicEncrypt(node.publicKey, Buffer.from("text")).toString("hex");
  return {jwk: await subtle.exportKey("jwk", made.publicKey), signed: Buffer.from(signed).toString("hex"), sealed};
}
"""


def function(*steps: str, code: str = "", one_each: bool = False) -> Function:
    """A function that takes these steps; with ``one_each`` one of them, by the event's number."""
    body = "\n".join(STEPS[step] for step in steps)
    if one_each:
        cases = (f"case {place}: {{ {STEPS[step]} break; }}" for place, step in enumerate(steps))
        body = f"switch (event.n % {len(steps)}) {{ {' '.join(cases)} }}"
    generated = f"""
const base = "https://api.example";
async function onTrack(event, settings) {{
  const said = [], out = (...values) => {{ said.push(values); console.log(...values); }};
  {body}
  if (event.n % 10 === 9) throw new RetryError(`not the ${{event.n}}`);
  return said;
}}
"""
    return Function(
        name="taped",
        kind=Kind.DESTINATION,
        language="javascript",
        code=code or generated,
        file="taped.js",
        settings=(SettingDefinition(name="key", sensitive=True),),
    )


KEY: Final = "sk_live_0a1b2c3d4e5f"


def event(number: int) -> bytes:
    return json.dumps({"type": "track", "n": number, "messageId": f"m-{number}"}).encode()


async def record(subject: Function, numbers: range) -> tuple[list[Taken], list[Outcome]]:
    return await taping.record(isthmus_quickjs, subject, map(event, numbers), settings={"key": KEY})


async def check(subject: Function, tapes: list[Taken]) -> None:
    """All is again as on these tapes, and the secret on none."""
    replays = await taping.replay_all(isthmus_quickjs, subject, tapes, settings={"key": KEY})
    taping.check_all(tapes, replays)
    for (tape, data), again in zip(tapes, replays, strict=True):
        assert again.outcome.logs == tape.outcome.logs, "the times of lines are the world's own"
        assert KEY.encode() not in data


@pytest.mark.slow
async def test_a_thousand_calls_are_replayed_to_the_last_digit_and_nothing_goes_out() -> None:
    subject = function(*STEPS, one_each=True)
    tapes, outcomes = await record(subject, range(CALLS))
    assert {outcome.status for outcome in outcomes} == {Status.DELIVERED, Status.RETRY}
    assert len({data for _, data in tapes}) == CALLS
    await check(subject, tapes)


@given(steps=st.lists(st.sampled_from([*STEPS]), min_size=1, max_size=6), first=st.integers(0, 10**6))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_a_function_does_its_replay_is_the_call_again(steps: list[str], first: int) -> None:
    async def run() -> None:
        subject = function(*steps)
        tapes, _ = await record(subject, range(first, first + 4))
        await check(subject, tapes)

    trio.run(run)


async def test_what_a_library_draws_by_itself_is_on_the_tape() -> None:
    subject = function(code=DRAWS)
    tapes, outcomes = await record(subject, range(2))
    assert [outcome.status for outcome in outcomes] == [Status.DELIVERED] * 2
    assert {drawn.what for drawn in tapes[0][0].drawn} >= {"crypto:makeKey", "crypto:sign", "crypto:encrypt"}
    assert bytes(outcomes[0].value or b"") != bytes(outcomes[1].value or b"")
    await check(subject, tapes)


async def test_what_is_answered_together_is_told_together_again() -> None:
    tapes, _ = await record(function("many"), range(1))
    [(tape, _)] = tapes
    assert len([effect for effect in tape.effects if isinstance(effect, Fetch)]) == 4
    assert 1 <= len([effect for effect in tape.effects if isinstance(effect, Passed)]) <= 4


async def test_a_call_that_ran_into_its_limit_does_so_again() -> None:
    code = "async function onTrack() { console.log('began'); await fetch('https://api.example/slow'); }"
    tapes: list[Taken] = []
    plugins = [isthmus_quickjs, MockFetcher(taping.respond)]
    record = Recording(keep=taping.keep_in(tapes))
    async with isthmus.open_engine(plugins=plugins, load_entry_points=False, record=record) as engine:
        instance = await engine.load(function(code=code), limits=Limits(wall=0.3))
        outcome = await engine.invoke(instance, event(1))
        again = await engine.replay(tapes[0][0])
    assert outcome.problem is not None
    assert outcome.problem.name == "Timeout"
    assert again.identical


ENDINGS: Final = {
    "memory": "const held = []; for (let n = 0; ; n++) { held.push(`${n}`.repeat(1000)); if (n % 1000 === 0) console.log(n); }",
    "stack": "const deeper = (n) => deeper(n + 1) + 1; deeper(0);",
    "cpu": "console.log('for ever'); for (;;);",
    "output": "return 'x'.repeat(7 * 1024 * 1024);",
    "stalled": "await new Promise(() => {});",
    "unserialisable": "const a = {}; a.a = a; return a;",
    "thrown": "throw new TypeError(`at ${Date.now()}`);",
}


@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_call_that_ends_badly_does_so_again(ending: str) -> None:
    tapes: list[Taken] = []
    recording = Recording(keep=taping.keep_in(tapes))
    plugins = [isthmus_quickjs, MockFetcher(taping.respond)]
    limits = Limits(wall=60, cpu=0.3 if ending == "cpu" else 60, memory=16 * 1024 * 1024)
    async with isthmus.open_engine(plugins=plugins, load_entry_points=False, record=recording) as engine:
        subject = function(code=f"async function onTrack() {{ {ENDINGS[ending]} }}")
        outcome = await engine.invoke(await engine.load(subject, limits=limits), event(1))
        again = await engine.replay(tapes[0][0])
    assert (outcome.problem is None) == (ending == "unserialisable"), outcome.problem
    assert again.identical, (again.divergence, again.differences)


async def _first_tape(engine: Engine, subject: Function, tapes: list[Taken]) -> Tape:
    await engine.invoke(await engine.load(subject, settings={"key": KEY}), event(1))
    return tapes[-1][0]


@pytest.mark.parametrize(
    ("mended", "came"),
    [
        (("fetch",), "the same requests"),
        (("post", "fetch"), "another first"),
        (("random",), "none at all"),
        (("fetch", "fetch"), "one more"),
    ],
)
async def test_a_fix_is_run_to_its_end_wherever_it_leaves_the_tape(
    mended: tuple[str, ...], came: str
) -> None:
    tapes: list[Taken] = []
    record = Recording(keep=taping.keep_in(tapes))
    plugins = [isthmus_quickjs, MockFetcher(taping.respond)]
    async with isthmus.open_engine(plugins=plugins, load_entry_points=False, record=record) as engine:
        tape = await _first_tape(engine, function("fetch", "time"), tapes)
        again = await engine.replay(tape, function(*mended))
    assert not again.identical
    assert again.outcome.status in {Status.DELIVERED, Status.REFUSED}, came
    assert (again.divergence is None) == (mended == ("fetch",))
    assert "the code is another than the one that was recorded" in again.notes
