"""The kit for runtimes: the built-in ones pass it, and a runtime that breaks a promise does not."""

from __future__ import annotations

import itertools
import json
import random
from typing import Any

import pytest

from isthmus import CapabilityError, FetchError, LoadError
from isthmus.abc import FetchRequest
from isthmus.testing import (
    RUNTIME_CHECKS,
    Handler,
    RuntimeSubject,
    ScriptedRuntime,
    Throw,
    World,
    check_runtime,
)
from isthmus.testing.runtimes import SAMPLES
from isthmus_cpython._runtime import CPythonRuntime
from isthmus_quickjs._runtime import QuickJSRuntime
from isthmus_wasmtime._runtime import WasmtimeRuntime

from .samples import JAVASCRIPT, PYTHON, WASM, WASM_LACKS

BUILT_IN = {
    "javascript": RuntimeSubject(QuickJSRuntime, JAVASCRIPT),
    "python": RuntimeSubject(CPythonRuntime, PYTHON),
    "wasm": RuntimeSubject(WasmtimeRuntime, WASM, lacks=WASM_LACKS),
}


@pytest.mark.slow
@pytest.mark.parametrize("language", BUILT_IN)
async def test_the_built_in_runtimes_keep_their_promises(language: str) -> None:
    subject = BUILT_IN[language]
    left_out = await check_runtime(subject)
    assert set(left_out.values()) <= set(subject.lacks.values())
    assert len(left_out) < len(RUNTIME_CHECKS) / 3


# ---------------------------------------------------------------- a runtime that breaks a promise


def scripted(**handlers: Handler | dict[str, Handler]) -> RuntimeSubject:
    """The tests' own runtime, whose samples are callables; those given here in place of good ones."""
    scripts: dict[str, dict[str, Handler] | Exception] = {
        name: handler if isinstance(handler, dict) else {"onTrack": handler}
        for name, handler in {**GOOD, **handlers}.items()
    }
    scripts["broken"] = LoadError("unexpected end", file="broken.sample", line=2)
    samples = {name: name for name in scripts}
    return RuntimeSubject(lambda: ScriptedRuntime(scripts=scripts), samples, lacks=SCRIPTED_LACKS)


async def _fetch(event: Any, _settings: object, world: World) -> int:
    headers = (("X-Kit", "yes"),)
    request = FetchRequest(method="POST", url="https://kit.test/path", headers=headers, body=b"hello")
    return (await world.host.fetch(request)).status


async def _cached(event: Any, _settings: object, world: World) -> object:
    found = (await world.host.cache_load("k")).value
    if found is None:
        world.host.cache_store("k", b'"loaded"', 60)
        return "loaded"
    return json.loads(found)


async def _nap(event: Any, _settings: object, world: World) -> str:
    await world.host.sleep(0.02)
    return "woke"


async def _sleep(event: Any, _settings: object, world: World) -> None:
    await world.host.sleep(3600)


def _chatter(event: Any, _settings: object, world: World) -> None:
    for number in (1, 2, 3):
        world.host.log("log", f"line {number}")


def _flood(event: Any, _settings: object, world: World) -> None:
    for _ in range(20_000):
        world.host.log("log", "line")


async def _capable(event: Any, _settings: object, world: World) -> Any:
    return json.loads(await world.host.capability("kit.double", b'{"n": 21}'))


async def _capable_of_less(event: Any, _settings: object, world: World) -> object:
    given = await _capable(event, _settings, world)
    return given and {key: value for key, value in given.items() if key != "text"}


async def _shrugging(event: Any, _settings: object, world: World) -> object:
    try:
        return await _capable(event, _settings, world)
    except CapabilityError:
        return None


def _boom(*_: object) -> None:
    raise TypeError("boom")


def _retry(*_: object) -> None:
    raise Throw("RetryError", "later")


GOOD: dict[str, Handler | dict[str, Handler]] = {
    "echo": lambda event, settings, world: event,
    "settings": lambda event, settings, world: settings,
    "nothing": lambda event, settings, world: None,
    "retry": _retry,
    "fault": _boom,
    "state": lambda event, settings, world: 1,
    "chatter": _chatter,
    "flood": _flood,
    "fetch": _fetch,
    "nap": _nap,
    "sleep": _sleep,
    "cached": _cached,
    "capable": _capable,
    "sends": {
        "onRequest": lambda event, settings, world: world.sent.append(
            {"type": "track", "event": "Sent", "userId": "u"}
        )
    },
    "batch": {"onBatch": lambda events, settings, world: [{"status": 200}, {"status": 400}]},
    "clock": lambda event, settings, world: [world.call.now * 1000, world.call.seed[0]],
}

SCRIPTED_LACKS = {
    "loop": "a callable that does not end would hold the test itself",
    "hoard": "its memory is the test's",
    "bulky": "it bounds nothing",
    "memory_is_told": "it measures nothing",
}


@pytest.fixture
def in_no_time(autojump_clock: object) -> None:
    """What waits for an hour is not waited for."""


@pytest.mark.usefixtures("in_no_time")
async def test_the_scripted_runtime_keeps_the_promises_it_makes() -> None:
    left_out = await check_runtime(scripted())
    assert set(left_out.values()) == set(SCRIPTED_LACKS.values())


def _kept() -> Handler:
    count = itertools.count(1)
    return lambda event, settings, world: next(count)


async def _quiet(event: Any, _settings: object, world: World) -> int:
    return 201


async def _swallowing(event: Any, _settings: object, world: World) -> int:
    try:
        return await _fetch(event, _settings, world)
    except FetchError:
        return 0


BROKEN: list[tuple[str, dict[str, Handler | dict[str, Handler]]]] = [
    ("its_program_names_its_handlers", {"echo": {"onPage": lambda *_: None}}),
    ("a_batch_goes_to_its_own_handler", {"batch": {"onBatch": lambda *_: [{"status": 200}]}}),
    (
        "an_event_comes_back_as_it_was",
        {"echo": lambda event, *_: {**event, "n": float(event.get("n", 0)) + 0.5}},
    ),
    (
        "hostile_values_come_back_as_they_were",
        {"echo": lambda event, *_: {k: v for k, v in event.items() if v is not None}},
    ),
    (
        "hostile_values_come_back_as_they_were",
        {"echo": lambda event, *_: {k: v for k, v in event.items() if k != "__proto__"}},
    ),
    ("settings_reach_the_handler", {"settings": lambda *_: {}}),
    ("nothing_is_returned_as_nothing", {"nothing": lambda *_: "undefined"}),
    ("an_error_of_segment_s_has_its_name", {"retry": _boom}),
    ("an_error_of_the_language_is_thrown_as_well", {"fault": lambda *_: "boom"}),
    ("every_call_has_a_fresh_world", {"state": _kept()}),
    ("time_and_chance_come_with_the_call", {"clock": lambda *_: [0, random.random()]}),
    ("time_and_chance_come_with_the_call", {"clock": lambda e, s, world: [0, world.call.seed[0]]}),
    ("an_engine_runs_it", {"retry": _boom}),
    ("a_request_goes_out_as_it_was_made", {"fetch": _quiet}),
    ("an_error_of_the_network_is_a_fetch_error", {"fetch": _swallowing}),
    ("a_function_waits_by_its_host", {"nap": lambda *_: "woke"}),
    ("what_was_loaded_is_kept_by_the_host", {"cached": lambda *_: "loaded"}),
    ("a_capability_gets_its_argument_and_gives_its_result", {"capable": _capable_of_less}),
    ("a_capability_that_is_refused_is_a_capability_error", {"capable": _shrugging}),
    ("console_output_comes_in_its_order", {"chatter": lambda e, s, world: world.host.log("log", "line 2")}),
    ("messages_of_a_source_are_in_the_reply", {"sends": {"onRequest": lambda *_: None}}),
    ("a_flood_of_output_ends", {"flood": lambda e, s, world: world.host.log("log", "line")}),
    ("waiting_counts_as_wall_time", {"sleep": lambda *_: None}),
]


@pytest.mark.usefixtures("in_no_time")
@pytest.mark.parametrize(("name", "handlers"), BROKEN)
async def test_a_promise_that_is_broken_is_found(
    name: str, handlers: dict[str, Handler | dict[str, Handler]]
) -> None:
    async with scripted(**handlers).opened() as bench:
        with pytest.raises((AssertionError, ValueError, KeyError)):
            await RUNTIME_CHECKS[name](bench)


@pytest.mark.usefixtures("in_no_time")
async def test_the_promise_that_is_not_kept_is_named() -> None:
    with pytest.raises(AssertionError) as caught:
        await check_runtime(scripted(settings=lambda *_: {}))
    assert caught.value.__notes__ == ["the promise that is not kept: settings_reach_the_handler"]


def test_a_sample_that_is_missing_has_a_reason() -> None:
    with pytest.raises(ValueError, match='the kit needs a sample "loop" '):
        RuntimeSubject(ScriptedRuntime, {name: "" for name in SAMPLES if name != "loop"})
    with pytest.raises(ValueError, match="no sample and no check 'lop'"):
        RuntimeSubject(ScriptedRuntime, dict.fromkeys(SAMPLES, ""), lacks={"lop": "no"})
