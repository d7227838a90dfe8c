"""JSON on its way into a function and out of it: what is the same in every language, and what each language makes of it.

The law of each language is written here once more, over text and Python's own reader, and shares no code with runtimes:

- WebAssembly gets an event's text as it was sent;
- JavaScript gets what ECMA-262's JSON.parse makes of it, and gives what JSON.stringify makes of that;
- Python gets whole numbers exactly and others as doubles, and gives both so.

Before all of them, half a pair of surrogates becomes U+FFFD. runtimes/README.md says the same in prose.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
import trio
from hypothesis import example, given, strategies as st
from tests.properties.batched import batched
from tests.wasm.modules import ECHO, says

import isthmus_cpython
import isthmus_cpython_wasm
import isthmus_quickjs
import isthmus_wasmtime
from isthmus import Engine, Function, InvalidInput, Kind, Limits, Outcome, Request, Status, open_engine
from isthmus.abc import FetchRequest, FetchResponse
from isthmus.testing import MockFetcher

LIMITS: Final = Limits(wall=60.0, cpu=60.0)
JAVASCRIPT: Final = """
async function onTrack(event) {
  const response = await fetch('https://echo.test/', { method: 'POST', body: JSON.stringify(event) });
  const cached = await cache.load(String(Math.random()), 60000, async () => event);
  return { returned: event, fetched: await response.json(), cached };
}
"""
PYTHON: Final = """
import json, random
from isthmus_guest import cache, fetch
def on_track(event, settings):
    response = fetch("https://echo.test/", method="POST", body=json.dumps(event))
    cached = cache.load(str(random.random()), 60, lambda: event)
    return {"returned": event, "fetched": response.json(), "cached": cached}
"""
ECHOES: Final = {
    "javascript": "async function onTrack(event) { return event }",
    "python": "def on_track(event, settings): return event",
}
SENDS: Final = {
    "javascript": """async function onRequest(request) {
        Segment.track({ event: 'E', userId: 'u', properties: request.json() })
    }""",
    "python": """from isthmus_guest import segment
def on_request(request, settings): segment.track(event='E', user_id='u', properties=request.json())""",
}
HALVES: Final = {
    "javascript": r"async function onTrack() { return { ['k' + '\u{1f600}'[1]]: ['a' + '\u{1f600}'[0] + 'b', '\u{1f600}'] } }",
    "python": r"def on_track(event, settings): return {'k\ude00': ['a\ud83db', '\U0001f600']}",
    "wasm": says(r'{"return":{"k\ude00":["a\ud83db","\ud83d\ude00"]}}'),
}
THROWN_HALVES: Final = {
    "javascript": r"async function onTrack() { console.log('\u{1f600}'[0]); throw new RetryError('\u{1f600}'[1]) }",
    "python": r"""
from isthmus_guest import RetryError
def on_track(event, settings):
    print('\ud83d')
    raise RetryError('\ude00')
""",
    "wasm": says(r'{"error":{"name":"RetryError","message":"\ude00"}}'),
}


@asynccontextmanager
async def opened() -> AsyncIterator[Engine]:
    plugins = [isthmus_quickjs, isthmus_cpython, isthmus_cpython_wasm, isthmus_wasmtime, MockFetcher(_echo)]
    async with open_engine(plugins=plugins, load_entry_points=False, limits=LIMITS) as engine:
        yield engine


def _echo(request: FetchRequest) -> FetchResponse:
    return FetchResponse(status=200, body=request.body or b"", url=request.url)


def _function(language: str, code: str, kind: Kind = Kind.INSERT, isolation: Any = "call") -> Function:
    return Function(name=language, kind=kind, language=language, code=code, isolation=isolation)


async def _outcomes(function: Function, texts: list[bytes]) -> list[Outcome]:
    """What becomes of each text, as an event, or as a webhook's body."""
    found: dict[int, Any] = {}
    given_ = [_request(text) for text in texts] if function.kind is Kind.SOURCE else texts
    async with opened() as engine:
        instance = await engine.load(function)
        await engine.invoke_each(instance, given_, found.__setitem__)
    return [found[index] for index in range(len(texts))]


def _request(body: bytes) -> Request:
    return Request(headers=(("Content-Type", "application/json"),), body=body)


# ---------------------------------------------------------------- text that is JSON

EDGES: Final = [
    "0", "-0", "-0.0", "0.1", "1e5", "1E-7", "5e-324", "2.4703282292062327e-324", "1e-400", "1.7976931348623157e308",
    "1.7976931348623159e308", "1e400", "-1e400", "9007199254740991", "9007199254740993", "-9007199254740993",
    "18446744073709551615", "18446744073709551616", "123456789012345678901234567890", "1e21", "123456789012345680000",
    "0.30000000000000004", "4.35", "1.0", "100e-2", "9" * 309, "-" + "9" * 400, "0." + "1" * 40,
]  # fmt: skip
NUMBERS = st.sampled_from(EDGES) | st.from_regex(
    r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,24})?([eE][+-]?[0-9]{1,3})?", fullmatch=True
)
ESCAPED = st.text(max_size=8).map(json.dumps)  # with halves of pairs, and all of it escaped
PLAIN = st.text(st.characters(exclude_categories=["Cs"]), max_size=8).map(
    lambda text: json.dumps(text, ensure_ascii=False)
)
STRINGS = (
    ESCAPED
    | PLAIN
    | st.sampled_from([r'"\u0000"', r'"\/"', r'"\ud83d\ude00\ud83d"', r'"\\ud800"', '"\u2028\x7f"'])
)
NAMES = st.sampled_from(
    ["a", "b", "0", "2", "10", "01", "-1", "1e3", "4294967294", "4294967295", "__proto__", "constructor", "toString",
     "length", "toJSON", "then", "__class__", ""]
).map(json.dumps) | STRINGS  # fmt: skip
BLANKS = st.sampled_from(["", "", " ", "\n\t"])


def _object(members: list[tuple[str, str]], blank: str) -> str:
    return "{" + f",{blank}".join(f"{name}{blank}:{value}" for name, value in members) + f"{blank}}}"


def _extended(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    arrays = st.lists(inner, max_size=4).map(lambda items: f"[{','.join(items)}]")
    return arrays | st.builds(_object, st.lists(st.tuples(NAMES, inner), max_size=5), BLANKS)


VALUES = st.recursive(st.sampled_from(["null", "true", "false"]) | NUMBERS | STRINGS, _extended, max_leaves=8)
EVENTS = st.builds(
    _object,
    st.lists(st.tuples(NAMES, VALUES), max_size=5).map(lambda members: [('"type"', '"track"'), *members]),
    BLANKS,
).map(str.encode)
MANY = st.lists(EVENTS, min_size=20, max_size=40)

# ---------------------------------------------------------------- the laws

HALF: Final = re.compile("[\ud800-\udfff]")
INDEX: Final = re.compile(r"0|[1-9][0-9]{0,9}")
Pairs = list[tuple[str, Any]]


def _mended(text: str) -> str:
    """A text with U+FFFD for each half of a pair; Python's reader has joined those that are whole."""
    return HALF.sub("\ufffd", text)


def read(text: bytes, number: Callable[[str], Any], order: Callable[[Pairs], Pairs] = list) -> Any:
    """JSON as nested lists: what an object has is its members, each name once, the last value in the first one's place."""

    def members(pairs: Pairs) -> tuple[str, Pairs]:
        return "object", order(list({_mended(name): value for name, value in pairs}.items()))

    def mended(value: Any) -> Any:
        if isinstance(value, str):
            return _mended(value)
        if isinstance(value, list):
            return [mended(item) for item in value]
        if isinstance(value, tuple):
            kind, pairs = value
            return kind, [(name, mended(item)) for name, item in pairs]
        return value

    return mended(json.loads(text, object_pairs_hook=members, parse_int=number, parse_float=number))


def _double(text: str) -> float | None:
    """A number as JSON.parse reads it and JSON.stringify writes it: an infinity is null, and there is no minus zero."""
    value = float(text)
    return None if value - value != 0 else value + 0.0


def _by_index(pairs: Pairs) -> Pairs:
    """ECMA-262, OrdinaryOwnPropertyKeys: names that are array indices come first, ascending."""
    at = {name: int(name) for name, _ in pairs if INDEX.fullmatch(name) and int(name) < 2**32 - 1}
    return sorted((pair for pair in pairs if pair[0] in at), key=lambda pair: at[pair[0]]) + [
        pair for pair in pairs if pair[0] not in at
    ]


def as_javascript(text: bytes) -> Any:
    return read(text, _double, _by_index)


def as_python(text: bytes) -> Any:
    """Raises OverflowError for a number that is none in Python's JSON."""

    def number(digits: str) -> object:
        if digits.lstrip("-").isdigit():
            return int(digits)
        value = float(digits)
        return TOO_LARGE if value - value != 0 else value.hex()  # so that 1.0 is not 1, nor -0.0 0.0

    found = read(text, number)
    if _holds(found, TOO_LARGE):  # and not where another value of the same name came after it
        raise OverflowError(text)
    return found


TOO_LARGE: Final = object()


def _holds(value: Any, wanted: object) -> bool:
    if isinstance(value, tuple):
        return any(_holds(item, wanted) for _, item in value[1])
    if isinstance(value, list):
        return any(_holds(item, wanted) for item in value)
    return value is wanted


def _member(value: Any, name: str) -> Any:
    return dict(value[1])[name]


def _text(outcome: Outcome) -> bytes:
    assert outcome.problem is None, outcome.problem
    assert outcome.value is not None
    return bytes(outcome.value)


@batched(3)
@given(MANY)
@example([b'{"type":"track","n":%s,"n":[%s]}' % (edge.encode(), edge.encode()) for edge in EDGES])
def test_javascript_reads_and_writes_json_as_ecma_262_says(texts: list[bytes]) -> None:
    """Returned, sent as a body and read from a response, and kept in the cache: one law."""
    outcomes = trio.run(_outcomes, _function("javascript", JAVASCRIPT), texts)
    for text, outcome in zip(texts, outcomes, strict=True):
        if _type_of(text) != "track":
            continue
        came = as_javascript(_text(outcome))
        for way in ("returned", "fetched", "cached"):
            assert _member(came, way) == as_javascript(text), f"{way}: {text!r}"


@batched(3)
@given(MANY)
@example([b'{"type":"track","n":%s,"n":[%s]}' % (edge.encode(), edge.encode()) for edge in EDGES])
def test_python_keeps_whole_numbers_and_doubles_and_says_what_it_cannot_hold(texts: list[bytes]) -> None:
    outcomes = trio.run(_outcomes, _function("python", ECHOES["python"]), texts)
    ways = trio.run(_outcomes, _function("python", PYTHON), texts)
    for text, outcome, other in zip(texts, outcomes, ways, strict=True):
        if _type_of(text) != "track":
            continue
        try:
            expected = as_python(text)
        except OverflowError:
            assert outcome.status is Status.REFUSED
            assert outcome.problem is not None
            assert "Out of range float values are not JSON compliant" in outcome.problem.message
            continue
        assert as_python(_text(outcome)) == expected, text
        came = as_python(_text(other))
        for way in ("returned", "fetched", "cached"):
            assert _member(came, way) == expected, f"{way}: {text!r}"


@batched(3)
@given(MANY)
@example([b'{"type":"track","n":%s,"n":[%s]}' % (edge.encode(), edge.encode()) for edge in EDGES])
def test_webassembly_gets_and_gives_the_text_itself(texts: list[bytes]) -> None:
    outcomes = trio.run(_outcomes, _function("wasm", ECHO), texts)
    for text, outcome in zip(texts, outcomes, strict=True):
        if _type_of(text) == "track":
            assert _text(outcome) == b'{"handler":"onTrack","event":%s,"settings":{}}' % _without_halves(text)


def _type_of(text: bytes) -> object:
    """The type by which an event is dispatched: the last that it has."""
    return json.loads(text).get("type")


def _without_halves(text: bytes) -> bytes:
    r"""The text with each escape of half a pair, and nothing else, written ``\ufffd``."""
    escapes = rb"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u[dD][89a-fA-F]..|\\."
    return re.sub(
        escapes,
        lambda match: rb"\ufffd" if len(match[0]) == 6 and match[0][2:3] in b"dD" else match[0],
        text,
    )


# ---------------------------------------------------------------- messages, halves, depth


@pytest.mark.parametrize("language", SENDS)
@batched(2)
@given(bodies=MANY)
def test_messages_of_a_source_keep_to_the_law_of_its_language(language: str, bodies: list[bytes]) -> None:
    law = {"javascript": as_javascript, "python": as_python}[language]
    outcomes = trio.run(_outcomes, _function(language, SENDS[language], Kind.SOURCE), bodies)
    for body, outcome in zip(bodies, outcomes, strict=True):
        try:
            expected = law(body)
        except OverflowError:
            assert outcome.status is Status.REFUSED
            continue
        assert outcome.problem is None, (body, outcome.problem)
        assert _member(law(bytes(outcome.messages[0])), "properties") == expected, body


@pytest.mark.parametrize("kind", [Kind.INSERT, Kind.DESTINATION])
@pytest.mark.parametrize("language", HALVES)
async def test_half_a_pair_that_a_function_makes_is_replaced(language: str, kind: Kind) -> None:
    async with opened() as engine:
        instance = await engine.load(_function(language, HALVES[language], kind))
        outcome = await engine.invoke(instance, {"type": "track"})
    assert json.loads(_text(outcome)) == {"k\ufffd": ["a\ufffdb", "\U0001f600"]}


@pytest.mark.parametrize("language", THROWN_HALVES)
async def test_half_a_pair_in_what_is_thrown_or_logged_is_replaced(language: str) -> None:
    async with opened() as engine:
        instance = await engine.load(_function(language, THROWN_HALVES[language]))
        outcome = await engine.invoke(instance, {"type": "track"})
    assert outcome.problem is not None
    assert (outcome.status, outcome.problem.name) == (Status.RETRY, "RetryError")
    assert outcome.problem.message == "\ufffd"
    assert {line.text for line in outcome.logs} <= {"\ufffd"}


FUNCTIONS: Final[Mapping[str, Function]] = {
    **{language: _function(language, code) for language, code in ECHOES.items()},
    "python in WebAssembly": _function("python", ECHOES["python"], isolation="wasm"),
    "wasm": _function("wasm", ECHO),
}


@pytest.mark.slow
@pytest.mark.usefixtures("component")
@pytest.mark.parametrize("language", FUNCTIONS)
async def test_an_event_is_as_deep_as_it_was_or_is_refused(language: str) -> None:
    """Up to 900 levels pass in every language; somewhere above the engine takes no event; and none breaks a runtime."""
    function = FUNCTIONS[language]
    async with opened() as engine:
        instance = await engine.load(function)
        for depth in (1, 100, 500, 900):
            for begin, end in ((b"[", b"]"), (b'{"a":', b"}")):
                text = b'{"type":"track","d":%s1%s}' % (begin * depth, end * depth)
                came = _text(await engine.invoke(instance, text))
                assert came == text if language != "wasm" else text in came
        for depth in (960, 980, 990, 1000):
            text = b'{"type":"track","d":%s%s}' % (b"[" * depth, b"]" * depth)
            try:
                outcome = await engine.invoke(instance, text)
            except InvalidInput as refusal:
                said = str(refusal)
            else:
                said = outcome.problem.message if outcome.problem else "nested too deeply"
                assert outcome.status in {Status.DELIVERED, Status.REFUSED}
            assert "nested too deeply" in said
        for depth in (1100, 100_000):
            with pytest.raises(InvalidInput, match="nested too deeply"):
                await engine.invoke(instance, b'{"type":"track","d":%s%s}' % (b"[" * depth, b"]" * depth))


@pytest.mark.parametrize(
    ("digits", "status"), [(4300, Status.DELIVERED), (4301, Status.REFUSED), (100_000, Status.REFUSED)]
)
async def test_a_number_of_too_many_digits_for_python_is_refused_before_it_is_read(
    digits: int, status: Status
) -> None:
    async with opened() as engine:
        instance = await engine.load(_function("python", ECHOES["python"]))
        text = b'{"type":"track","n":%s}' % (b"9" * digits)
        outcome = await engine.invoke(instance, text)
    assert outcome.status is status
    if status is Status.DELIVERED:
        assert _text(outcome) == text
    else:
        assert outcome.problem is not None
        assert outcome.problem.message == "the event holds a number of too many digits for Python to read"
