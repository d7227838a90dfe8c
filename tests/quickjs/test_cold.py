"""Cold pages: restored worlds of which a part is kept from being written, whatever calls do."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import wasmtime
from hypothesis import given, settings, strategies as st
from tests.javascript import MIB, Scripts, call_of, differences, returned
from wasmtime import _bindings

from isthmus_quickjs import _cold
from isthmus_quickjs._frames import WAITING, pack_record, parse_frame
from isthmus_quickjs._guest import HERE, Image
from isthmus_quickjs._world import CrossingResult, World

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="pages are guarded on Linux only"
)

FOREVER = 1000.0

CODE = """
const bytes = new Uint8Array(400_000);
const objects = Array.from({ length: 2000 }, (_, i) => ({ i }));
const into = new Uint8Array(40_000);
function onTrack(event) {
    if (event.deep) return (function count(n) { return n && 1 + count(n - 1) })(event.deep);
    if (event.wait) return fetch('http://a.example/');
    const before = event.at.map(at => bytes[at]);
    const touched = event.objects.map(at => [objects[at].i, objects[at].seen]);
    for (const at of event.at) bytes[at] = 7;
    for (const at of event.objects) objects[at].seen = true;
    if (event.fill) bytes.fill(9, event.fill, event.fill + 20_000);
    if (event.random !== undefined) crypto.getRandomValues(into.subarray(event.random, event.random + 5000));
    if (event.spin) for (let n = 0; n < event.spin; n++);
    if (event.spin) bytes[event.late] = 1;
    return [before, touched];
}"""


@pytest.fixture
async def image(scripts: Scripts) -> Image:
    return (await scripts.once(CODE, memory=64 * MIB)).image


@pytest.fixture
def world(image: Image) -> Iterator[World]:
    made = World(image)
    yield made
    made.close()


def record(*at: int, **event: object) -> bytes:
    return pack_record(call_of({"at": at, "objects": [], **event}))


def go_on(_index: int, _seconds: float) -> bool:
    return True


def run(world: World, *records: bytes) -> CrossingResult:
    return world.run_many(records, FOREVER, go_on)


def learn(world: World) -> None:
    """Run until the world is guarded."""
    for _ in range(_cold.WORTHWHILE + 20):
        run(world, record())
    assert world.guard.up


def values(crossing: CrossingResult) -> list[object]:
    assert crossing.stopped is None
    return [json.loads(parse_frame(each.frame).value) for each in crossing.ran]


async def test_the_guest_holds_no_bulk_memory_instructions() -> None:
    """wasmtime runs them in code of its own, where a write to a guarded page ends the process."""
    config = wasmtime.Config()
    _bindings.wasmtime_config_wasm_component_model_async_set(
        config.ptr(), False
    )  # which asks for all the others
    for name in (
        "component_model",
        "gc",
        "function_references",
        "exceptions",
        "stack_switching",
        "reference_types",
        "bulk_memory",
    ):
        setattr(config, f"wasm_{name}", False)
    wasmtime.Module.validate(wasmtime.Engine(config), (HERE / "guest" / "quickjs.wasm").read_bytes())


async def test_what_no_call_writes_turns_cold_and_most_of_an_image_is(image: Image, world: World) -> None:
    learn(world)
    _, cold = image.cold.pages()
    assert cold.count(1) * _cold.GRAIN > image.end / 2
    assert differences(world) == []


async def test_a_write_to_a_cold_page_is_undone_like_any_other(world: World) -> None:
    learn(world)
    places = range(0, 400_000, 50_000)
    crossing = run(world, *[record(at) for at in places for _ in range(2)])
    assert values(crossing) == [[[0], []]] * 16
    assert world.guard.up
    assert differences(world) == []


WRITES = st.fixed_dictionaries(
    {
        "at": st.lists(st.integers(0, 399_999), max_size=4),
        "objects": st.lists(st.integers(0, 1999), max_size=3),
        "fill": st.one_of(st.none(), st.integers(1, 380_000)),
        "random": st.one_of(st.none(), st.integers(0, 35_000)),
    }
)


@settings(max_examples=25)
@given(events=st.lists(WRITES, min_size=1, max_size=30))
async def test_no_call_sees_what_another_wrote(scripts: Scripts, events: list[dict[str, object]]) -> None:
    script = await scripts.once(CODE, memory=64 * MIB)
    events = [{name: value for name, value in event.items() if value is not None} for event in events]
    replies = await script.run_many([call_of(event) for event in events])
    for event, reply in zip(events, replies, strict=True):
        at, objects = event["at"], event["objects"]
        assert isinstance(at, list)
        assert isinstance(objects, list)
        assert json.loads(returned(reply).value) == [[0] * len(at), [[place, None] for place in objects]]


async def test_the_hosts_own_answer_into_a_cold_page_is_undone(world: World) -> None:
    learn(world)
    for at in (0, 5_000, 20_000):
        assert values(run(world, record(random=at), record())) == [[[], []]] * 2
        assert differences(world) == []


async def test_a_stack_is_put_back_as_deep_as_it_was(world: World) -> None:
    learn(world)
    for depth in (10, 3000, 20, 7000, 1, 7000):
        assert values(run(world, record(deep=depth), record(0), record(deep=depth))) == [
            depth,
            [[0], []],
            depth,
        ]
        assert world.guard.up
        assert differences(world) == []


async def test_a_call_that_waits_has_no_guard(image: Image, world: World, scripts: Scripts) -> None:
    learn(world)
    crossing = run(world, record(wait=True))
    assert parse_frame(crossing.ran[0].frame).status == WAITING
    script = await scripts.once(CODE, memory=64 * MIB)
    await script.run_many([call_of({"at": [], "objects": []}) for _ in range(300)])
    mappings = _mappings()
    calls = [call_of({"wait": True}) for _ in range(200)]
    await script.run_many(calls)
    assert _mappings() - mappings < 200 * 12  # some of each world are wasmtime's own


def _mappings() -> int:
    return len(Path("/proc/self/maps").read_text().splitlines())


async def test_what_ran_for_long_is_run_once_more_and_no_oftener(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn(world)
    monkeypatch.setattr(_cold, "LONG", 0.0)
    assert values(run(world, record(spin=10, late=100_000), record(0))) == [[[], []], [[0], []]]
    assert not world.guard.up
    run(world, record())
    assert world.guard.up


async def test_where_the_system_guards_no_pages_all_are_put_back(
    image: Image, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_cold, "_mprotect", lambda _at, _length, protection: 0 if protection & 2 else -1)
    for _ in range(_cold.WORTHWHILE + 3):
        assert values(run(world, record(5), record(5))) == [[[0], []]] * 2
    assert not world.guard.up
    assert not image.cold.worthwhile
    assert differences(world) == []


async def test_a_function_that_writes_everywhere_is_left_alone(
    image: Image, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_cold, "MOST_SURPRISES", 40)
    learn(world)
    assert values(run(world, *[record(at) for at in range(0, 400_000, 5000)])) == [[[0], []]] * 80
    assert values(run(world, record(3))) == [[[0], []]]
    assert not world.guard.up


LATER_HANDLER = """
import faulthandler, json, sys, trio
from isthmus import Function, Kind, open_engine
from isthmus_quickjs._faults import faults_are_traps

CODE = "const bytes = new Uint8Array(400_000); function onTrack(event) { return bytes[event.at]++ }"

async def main():
    async with open_engine() as engine:
        instance = await engine.load(Function(name="f", kind=Kind.DESTINATION, language="javascript", code=CODE))
        values = []
        async def many(places):
            events = [json.dumps({"type": "track", "at": at}).encode() for at in places]
            await engine.invoke_each(instance, events, lambda _, outcome: values.append(bytes(outcome.value)))
        await many([0] * 2000)
        before = faults_are_traps()
        faulthandler.enable()
        await many(range(0, 400_000, 5000))
        print(before, faults_are_traps(), set(values) == {b"0"}, len(values))

trio.run(main)
"""


def test_nothing_is_guarded_where_another_handler_would_hear_of_it_first() -> None:
    """``faulthandler``, switched on after the engine was opened, once ended the process at the next such write."""
    done = subprocess.run(
        [sys.executable, "-c", LATER_HANDLER], capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "True False True 2080\n", "")
