"""What is thrown: Segment's error classes, stacks with the author's frames, and a description of anything at all."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from tests.javascript import FakeHost, Scripts, call_of

CLASSES = ["EventNotSupported", "InvalidEventPayload", "ValidationError", "RetryError", "DropEvent"]


@pytest.mark.parametrize("name", CLASSES)
async def test_an_error_class_is_one_of_segments(scripts: Scripts, name: str) -> None:
    body = f"""
        const error = new {name}('why', {{ cause: 'ignored' }});
        class Own extends {name} {{}}
        class Renamed extends {name} {{ constructor(m) {{ super(m); this.name = 'Renamed' }} }}
        return [
            error.name, error.message, String(error), error instanceof Error, error instanceof {name}, 'cause' in error,
            {name}.name, {name}.length, Object.keys(error), new {name}().message,
            new Own('x').name, new Own('x') instanceof {name}, new Renamed('x').name,
        ];
    """
    assert await (await scripts.body(body)).value() == [
        name, "why", f"{name}: why", True, True, False, name, 1, [], "", name, True, "Renamed",
    ]  # fmt: skip


@pytest.mark.parametrize("name", CLASSES)
async def test_it_is_thrown_by_its_name(scripts: Scripts, name: str) -> None:
    thrown = await (await scripts.body(f"throw new {name}('why')")).thrown()
    assert (thrown.name, thrown.message) == (name, "why")
    assert thrown.stack.startswith("    at onTrack (tested.js:1:")


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("90", 90.0),
        ("'120'", 120.0),
        ("1.5", 1.5),
        ("0", 0.0),
        ("-1", None),
        ("NaN", None),
        ("Infinity", None),
        ("'1e999'", None),
        ("'Wed, 21 Oct 2015 07:28:00 GMT'", "Wed, 21 Oct 2015 07:28:00 GMT"),
        ("'x'.repeat(65)", None),
        ("''", None),
        ("null", None),
        ("undefined", None),
        ("{valueOf: () => 5}", None),
        ("true", None),
        ("10n", None),
        ("Symbol()", None),
    ],
)
async def test_an_error_says_in_how_many_seconds_to_try_again(
    scripts: Scripts, said: str, seconds: float | str | None
) -> None:
    body = f"throw Object.assign(new RetryError('later'), {{ retryAfter: {said} }})"
    thrown = await (await scripts.body(body)).thrown()
    assert (thrown.name, thrown.retry_after) == ("RetryError", seconds)


async def test_an_error_that_does_not_let_itself_be_asked_is_thrown_all_the_same(scripts: Scripts) -> None:
    body = "throw Object.defineProperty(new RetryError('later'), 'retryAfter', { get() { throw 1 } })"
    thrown = await (await scripts.body(body)).thrown()
    assert (thrown.name, thrown.message, thrown.retry_after) == ("RetryError", "later", None)


def lines_of(stack: str) -> list[str]:
    """A stack's lines without columns: QuickJS counts those in a way of its own."""
    return [re.sub(r":\d+\)$", ")", line) for line in stack.splitlines()]


async def test_a_stack_has_the_authors_frames_and_no_others(scripts: Scripts) -> None:
    code = """function check(item) {
  throw new TypeError('bad ' + item)
}
class Sender {
  send(items) {
    return items.map((item) => check(item))
  }
}
async function onTrack(event) {
  await null
  JSON.parse('[1]', () => new Sender().send(['one']))
}"""
    thrown = await (await scripts(code)).thrown()
    assert (thrown.name, thrown.message) == ("TypeError", "bad one")
    assert lines_of(thrown.stack) == [
        "    at check (tested.js:2)",
        "    at <anonymous> (tested.js:6)",
        "    at send (tested.js:6)",
        "    at <anonymous> (tested.js:11)",
        "    at onTrack (tested.js:11)",
    ]


FAILING = {
    "fetch": "await fetch('nonsense')",
    "URL": "new URL('nonsense')",
    "a callback of the runtime's": "new Headers([['a b', 'c']])",
    "structuredClone": "structuredClone(() => 1)",
    "crypto": "crypto.createHash('nonsense')",
}


@pytest.mark.parametrize("call", FAILING.values(), ids=FAILING.keys())
async def test_what_the_runtime_throws_is_seen_where_it_was_called(scripts: Scripts, call: str) -> None:
    thrown = await (await scripts(f"async function onTrack() {{\n  {call}\n}}")).thrown()
    assert [line.partition(" (")[0] for line in thrown.stack.splitlines()] == ["    at onTrack"]
    assert "(tested.js:2:" in thrown.stack


async def test_error_stack_is_as_in_node_headed_by_the_error(scripts: Scripts) -> None:
    code = """class HttpError extends Error {
  constructor(message) { super(message); this.name = 'HttpError'; Error.captureStackTrace(this, HttpError) }
}
function onTrack() {
  const plain = new RangeError('far'), mine = new HttpError('bad'), empty = new Error(), odd = { name: 'Odd', message: 'one' };
  Error.captureStackTrace(odd);
  plain.stack2 = plain.stack;
  plain.stack = 'replaced';
  return [plain.stack2, plain.stack, mine.stack, empty.stack.split('\\n')[0], odd.stack.split('\\n')[0]];
}"""
    found: Any = await (await scripts(code)).value()
    plain, replaced, mine, empty, odd = found
    assert lines_of(plain) == ["RangeError: far", "    at onTrack (tested.js:5)"]
    assert replaced == "replaced"
    assert lines_of(mine) == ["HttpError: bad", "    at onTrack (tested.js:5)"]
    assert (empty, odd) == ("Error", "Odd: one")


STRANGE = {
    "null": ("null", "Error", "null"),
    "a string": ("'plain'", "Error", "plain"),
    "a number": ("4.5", "Error", "4.5"),
    "an object with a name": ("{ name: 'RetryError', message: 'again' }", "RetryError", "again"),
    "an object": ("{ code: 5, list: [1] }", "Error", "{ code: 5, list: [ 1 ] }"),
    "a proxy": (
        "new Proxy({ name: 'x', message: 'y' }, { get() { throw 1 } })",
        "Error",
        "{ name: 'x', message: 'y' }",
    ),
    "an error with a number for a name": ("Object.assign(new Error('m'), { name: 5 })", "Error", "m"),
    "an error without a message": ("new RangeError()", "RangeError", ""),
    "a DOMException": ("new DOMException('m', 'AbortError')", "AbortError", "m"),
    "several errors": ("new AggregateError([new Error('one')], 'all')", "AggregateError", "all"),
    "a function": ("function thrown() {}", "thrown", "[Function: thrown]"),
    "halves of a surrogate pair": ("new Error('\\ud83d')", "Error", "�"),
}


@pytest.mark.parametrize(("value", "name", "message"), STRANGE.values(), ids=STRANGE.keys())
async def test_anything_thrown_is_described(scripts: Scripts, value: str, name: str, message: str) -> None:
    thrown = await (await scripts.body(f"throw ({value})")).thrown()
    assert (thrown.name, thrown.message) == (name, message)


@settings(max_examples=60)
@given(name=st.text(max_size=12), message=st.text(max_size=40))
async def test_names_and_messages_arrive_as_they_are(scripts: Scripts, name: str, message: str) -> None:
    script = await scripts.body("throw Object.assign(new Error(event.message), { name: event.name })")
    thrown = await script.thrown(call_of({"name": name, "message": message}))
    assert (thrown.name, thrown.message) == (name or "Error", message)


async def test_an_endless_message_is_cut(scripts: Scripts) -> None:
    thrown = await (await scripts.body("throw new Error('x'.repeat(1e6))")).thrown()
    assert (
        thrown.message == "x" * 32768
    )  # twice what the engine tells, so that it knows a secret at its own cut


async def test_a_forged_stack_is_taken_for_what_it_is(scripts: Scripts) -> None:
    body = "throw Object.defineProperty(new Error('m'), 'stack', { value: 'x\\n    at y (tested.js:99999999999999999999:1)' })"
    thrown = await (await scripts.body(body)).thrown()
    assert (thrown.name, thrown.message) == ("Error", "m")


UNHANDLED = {
    "a promise": ("Promise.reject(new RangeError('lost'))", "Uncaught (in promise) RangeError: lost"),
    "an async function": ("(async () => { await null; throw 'lost' })()", "Uncaught (in promise) lost"),
    "a timer": (
        "await new Promise((go) => { setTimeout(() => { go(); throw new Error('lost') }, 1) })",
        "Uncaught Error: lost",
    ),
    "a listener": (
        "const c = new AbortController(); c.signal.onabort = () => { throw 'lost' }; c.abort()",
        "Uncaught lost",
    ),
}


@pytest.mark.parametrize(("body", "line"), UNHANDLED.values(), ids=UNHANDLED.keys())
async def test_an_error_that_reaches_nobody_is_in_the_log(scripts: Scripts, body: str, line: str) -> None:
    host = FakeHost()
    assert await (await scripts.body(f"{body}; return 'fine'")).value(host=host) == "fine"
    [(level, text)] = host.lines
    assert (level, text.splitlines()[0].replace("'", "")) == ("error", line)


async def test_a_rejection_that_is_handled_late_is_none(scripts: Scripts) -> None:
    host = FakeHost()
    body = "const p = Promise.reject(new Error('x')); await null; try { await p } catch { return 'caught' }"
    assert await (await scripts.body(body)).value(host=host) == "caught"
    assert host.lines == []


async def test_the_error_that_ends_a_call_is_not_told_twice(scripts: Scripts) -> None:
    for body in (
        "throw new Error('x')",
        "await null; throw new Error('x')",
        "return Promise.reject(new Error('x'))",
    ):
        host = FakeHost()
        thrown = await (await scripts.body(body)).thrown(host=host)
        assert thrown.message == "x"
        assert host.lines == []
