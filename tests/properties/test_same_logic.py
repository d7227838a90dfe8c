"""One function written in five languages has one outcome: that of the rules, written once more in this file.

What is drawn is what senders send, and what is nearly that.  The wording of the rules is:
an event has a user, or is refused; one that is ignored is not supported; one for later is tried again; what its items come to
is sent, and by the answer it is delivered, refused or tried again.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
import trio
from hypothesis import example, given, strategies as st
from tests.properties.batched import batched
from tests.toolchains.compilers import build

import isthmus_cpython
import isthmus_cpython_wasm
import isthmus_quickjs
import isthmus_wasmtime
from isthmus import Engine, FetchError, Function, Kind, Limits, Outcome, SettingDefinition, open_engine
from isthmus.abc import FetchRequest, FetchResponse
from isthmus.testing import MockFetcher
from isthmus.testing.strategies import events, nearly, track_events

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("component")]
HERE: Final = Path(__file__).parent / "same_logic"
ENDPOINT: Final = "https://api.example/orders"
BUILT: Final = {"c": "function.c", "rust": "function.rs"}
"""Languages that are compiled to WebAssembly here, by the toolchain of their template, beside whose kit the code is put."""


@asynccontextmanager
async def opened() -> AsyncIterator[Engine]:
    plugins = [isthmus_quickjs, isthmus_cpython, isthmus_cpython_wasm, isthmus_wasmtime, MockFetcher(answer)]
    limits = Limits(wall=60.0, cpu=60.0)
    async with open_engine(plugins=plugins, load_entry_points=False, limits=limits) as engine:
        yield engine


def answer(request: FetchRequest) -> FetchResponse:
    """What the endpoint answers: the status that the user is called by."""
    user = json.loads(request.body or b"")["user"]
    if user == "none":
        raise FetchError("no answer came", code="ECONNREFUSED")
    status = int(user) if user in {"204", "404", "429", "503"} else 200
    return FetchResponse(status=status, body=b'{"ok":true}', url=request.url)


@pytest.fixture(scope="module")
def functions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Function]:
    """The function by its language."""
    made: dict[str, Function] = {}
    sources = {"javascript": ("javascript", "function.js"), "python": ("python", "function.py")}
    for name, (language, file) in sources.items():
        made[name] = _function(name, language, (HERE / file).read_text())
    made["python in WebAssembly"] = msgspec.structs.replace(
        made["python"], name="python-wasm", isolation="wasm"
    )
    toolchains = {
        each.language: each for each in isthmus_wasmtime.isthmus_templates() if each.kind is Kind.DESTINATION
    }
    for language, code in BUILT.items():
        project = tmp_path_factory.mktemp(language)
        for name, path in {**toolchains[language].files(), code: HERE / code}.items():
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, project / name)
        try:
            module = build(language, toolchains[language].build, project)
        except pytest.skip.Exception:
            continue  # its compiler is not there
        made[language] = _function(language, "wasm", module.read_bytes())
    return made


def _function(name: str, language: str, code: str | bytes) -> Function:
    return Function(
        name=name,
        kind=Kind.DESTINATION,
        language=language,
        code=code,
        settings=(SettingDefinition(name="endpoint"),),
    )


# ---------------------------------------------------------------- the rules


def expected(event: Mapping[str, Any]) -> dict[str, Any]:
    """What becomes of an event."""
    match event["type"]:
        case "track":
            return _order(event)
        case "identify":
            return _seen("delivered", value=event)
        case "group":
            return _seen("delivered")
        case other:
            return _seen("refused", problem=("EventNotSupported", f"{other} not supported"))


def _order(event: Mapping[str, Any]) -> dict[str, Any]:
    user = event.get("userId")
    if not isinstance(user, str) or user == "":
        return _seen("refused", problem=("InvalidEventPayload", "whose is it?"))
    if event.get("event") == "Ignored":
        return _seen("refused", problem=("EventNotSupported", "nobody wants it"))
    properties = event.get("properties") if isinstance(event.get("properties"), dict) else {}
    assert isinstance(properties, dict)
    if properties.get("later") is True:
        return _seen("retry", problem=("RetryError", "later"))
    listed = properties.get("items")
    items = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    total = 0.0
    for item in items:
        total += _number(item.get("quantity"), 1.0) * _number(item.get("price"), 0.0)
    logs = [("info", f"{len(items)} items")]
    if total > 1000:
        return _seen("refused", problem=("ValidationError", "too much"), logs=logs)
    sent = [{"user": user, "count": len(items), "total": total}]
    problem = {
        "none": ("RetryError", "no answer"),
        "429": ("RetryError", "status 429"),
        "503": ("RetryError", "status 503"),
        "404": ("InvalidEventPayload", "status 404"),
    }.get(user)
    if problem is not None:
        return _seen(
            "retry" if problem[0] == "RetryError" else "refused", problem=problem, logs=logs, sent=sent
        )
    first = items[0].get("name") if items else None
    value = {**sent[0], "first": first, "large": total > 100}
    return _seen("delivered", value=value, logs=logs, sent=sent)


def _number(value: object, otherwise: float) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else otherwise


def _seen(
    status: str,
    *,
    problem: tuple[str, str] | None = None,
    value: object = None,
    logs: list[tuple[str, str]] | None = None,
    sent: list[Any] | None = None,
) -> dict[str, Any]:
    return {"status": status, "problem": problem, "value": value, "logs": logs or [], "sent": sent or []}


def seen(outcome: Outcome) -> dict[str, Any]:
    """What of an outcome is the function's doing, and not its runtime's or its language's."""
    for exchange in outcome.exchanges:
        headers = {name.lower(): value for name, value in exchange.request_headers}
        assert (exchange.method, exchange.url) == ("POST", ENDPOINT)
        assert headers["content-type"] == "application/json"
    return _seen(
        outcome.status.value,
        problem=outcome.problem and (outcome.problem.name, outcome.problem.message),
        value=None if outcome.value is None else json.loads(bytes(outcome.value)),
        logs=[(line.level, line.text) for line in outcome.logs],
        sent=[json.loads(exchange.request_body) for exchange in outcome.exchanges],
    )


def alike(one: Any, other: Any) -> bool:
    """Whether two values are the same; of numbers the last bit is not looked at: serde_json reads it as it likes."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-15, abs_tol=5e-324)
    return type(one) is type(other) and bool(one == other)


# ---------------------------------------------------------------- what comes

PRICES = st.integers(-10_000, 50_000).map(lambda cents: cents / 100)
ITEMS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
        | st.none()
        | st.lists(st.booleans()),
        "quantity": st.integers(0, 9) | st.none() | st.booleans() | st.just("2"),
        "price": PRICES | st.none() | st.just("1.50"),
    },
)
OTHER: st.SearchStrategy[Any] = (
    st.none() | st.integers(0, 9) | st.just("an item") | st.booleans() | st.just([]) | st.just({})
)
PROPERTIES = st.fixed_dictionaries(
    {},
    optional={
        "items": st.lists(ITEMS | OTHER, max_size=4) | OTHER,
        "later": st.sampled_from([True, False, 1, "true"]),
    },
)
USERS = (
    st.sampled_from(["u", "204", "404", "429", "503", "none", "", 'ü\u2028\U0001f600"\\\n', "x" * 300])
    | st.none()
)
ORDERS = st.builds(
    lambda event, user, name, properties: event | {"userId": user, "event": name, "properties": properties},
    track_events(),
    USERS,
    st.sampled_from(["Ordered", "Ignored", "ignored", "Ignored "]),
    PROPERTIES | OTHER,
)
DRAWN = ORDERS | ORDERS | events() | nearly(ORDERS, most=2)


def _ordered(user: object = "u", name: str = "Ordered", **properties: object) -> dict[str, Any]:
    return {"type": "track", "messageId": "m", "userId": user, "event": name, "properties": properties}


def _priced(*prices: float) -> list[dict[str, Any]]:
    return [{"name": f"item {place}", "price": price} for place, price in enumerate(prices)]


ODD_ITEMS: Final[list[Any]] = [[], {}, None, "text", [1, None, [], "text", {}], [{}, {"name": "second"}]]
EACH_RULE: Final[list[dict[str, Any]]] = [
    *(
        _ordered(user, items=_priced(1.5, 2.25))
        for user in ("u", "204", "404", "429", "503", "none", "", None, 7)
    ),
    *(_ordered(name=name) for name in ("Ignored", "ignored", "")),
    *(_ordered(later=later) for later in (True, False, None, 1, "true")),
    *(
        _ordered(items=_priced(*prices))
        for prices in ((100,), (100.01,), (1000,), (1000.01,), (0.1, 0.2), (-5,))
    ),
    *(_ordered(items=items) for items in ODD_ITEMS),
    _ordered(
        items=[{"quantity": 3, "price": 2}, {"quantity": "3", "price": 2}, {"quantity": True, "price": True}]
    ),
    _ordered(items=[{"name": {"nested": [1, "\u20ac"]}}, {"name": "second"}]),
    {"type": "track", "userId": "u", "properties": None},
    {"type": "track", "userId": "u", "properties": [{"items": []}]},
    {"type": "identify", "userId": "u", "traits": {"a": [1, 2.5, None, {"b": "\u20ac"}]}},
    {"type": "group"},
    {"type": "page", "name": "x"},
    {"type": "alias"},
    {"type": "wave"},
]
"""An event for each way through the rules, and for each edge of them; what is drawn comes beside it."""


@batched(2)
@example(EACH_RULE)
@given(st.lists(DRAWN.filter(lambda event: isinstance(event.get("type"), str)), min_size=15, max_size=25))
def test_in_every_language_it_does_what_the_rules_say(
    functions: dict[str, Function], drawn: list[dict[str, Any]]
) -> None:
    wanted = [_unknown(event) or expected(event) for event in drawn]
    found = trio.run(_outcomes, functions, drawn)
    assert {"javascript", "python", "python in WebAssembly", "c"} <= found.keys()
    for language, outcomes in found.items():
        for event, outcome, due in zip(drawn, outcomes, wanted, strict=True):
            came = seen(outcome)
            assert alike(came, due), f"{language}: {event!r} came to {came}, and not to {due}"


def _unknown(event: Mapping[str, Any]) -> dict[str, Any] | None:
    """Of a type outside the spec nothing becomes."""
    known = {"identify", "track", "page", "screen", "group", "alias", "delete"}
    return None if event["type"] in known else _seen("delivered")


async def _outcomes(
    functions: Mapping[str, Function], drawn: list[dict[str, Any]]
) -> dict[str, list[Outcome]]:
    found: dict[str, list[Outcome]] = {}
    async with opened() as engine:
        for language, function in functions.items():
            instance = await engine.load(function, settings={"endpoint": ENDPOINT})
            came: dict[int, Any] = {}
            await engine.invoke_each(instance, drawn, came.__setitem__)
            assert all(isinstance(outcome, Outcome) for outcome in came.values()), came
            found[language] = [came[index] for index in range(len(drawn))]
    return found
