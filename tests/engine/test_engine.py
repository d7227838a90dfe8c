"""Loading, invoking and closing, over the scripted runtime."""

from __future__ import annotations

import base64
import gc
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

import msgspec
import pytest
import trio
import trio.testing
from hypothesis import given
from tests.engine.scripted import TRACK, engine_with, function, instance_with, secret_settings

import isthmus
from isthmus import Code, Engine, Kind, Limits, Request, SettingDefinition, Status
from isthmus._host import LONGEST_ERROR
from isthmus.abc import Call, FetchRequest, Hop, Host, Killed, Program, Reply, Returned, Runtime, Thrown
from isthmus.hookspecs import hookimpl
from isthmus.testing import ScriptedRuntime, Throw, World
from isthmus.testing.strategies import events


def echo(event: Any, settings: Any, world: World) -> Any:
    return event


def nothing(event: Any, settings: Any, world: World) -> None:
    return None


# ---------------------------------------------------------------- what goes in


async def test_bytes_reach_the_function_as_they_came() -> None:
    seen: list[bytes] = []
    text = b' {"type": "track", "n": 1.50, "n": 1e2,\n "\xc3\xa9": "\\u00e9"} '

    def on_track(event: Any, settings: Any, world: World) -> None:
        seen.append(world.call.argument)

    async with instance_with({"onTrack": on_track}) as (engine, instance):
        await engine.invoke(instance, text)
        await engine.invoke(instance, text.decode())
    assert seen == [text, text]


@pytest.mark.parametrize("wrap", [dict, MappingProxyType])
async def test_a_mapping_is_encoded(wrap: Callable[[Any], Mapping[str, Any]]) -> None:
    event = {"type": "track", "properties": {"price": 1.5, "tags": ["a", None]}}
    async with instance_with({"onTrack": echo}) as (engine, instance):
        outcome = await engine.invoke(instance, wrap(event))
    assert json.loads(bytes(outcome.value or b"")) == event


HERSELF: dict[str, Any] = {"type": "track"}
HERSELF["self"] = HERSELF


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"", r"not JSON: .*\(byte 0\)"),
        (b'{"type":"track"', r"truncated \(byte 15\)"),
        (b'{"type":"track",}', r"not JSON: .*\(byte 16\)"),
        (b'\xef\xbb\xbf{"type":"track"}', r"\(byte 0\)"),
        (b'{"a":NaN}', r"\(byte 5\)"),
        (b"[1]", "JSON object.*type array"),
        (b"null", "JSON object.*type null"),
        (b'{"a":"\xff"}', "UTF-8.*byte 6"),
        (b'{"type":"\xff"}', "UTF-8.*byte 9"),
        (rb'{"cut":"\ud83d",}', r"\(byte 16\)"),
        (b'{"a":' + b"[" * 100_000, "nested too deeply"),
        ('{"type":"\ud800"}', "surrogate pair at character 9"),
        ({"type": "track", "when": object()}, "JSON can hold.*object"),
        ({"type": "track", "at": {"x": [1.0, float("nan")]}}, r"event\.at\.x\[1\] is no finite number"),
        ({"type": "\ud800"}, "surrogate pair"),
        (HERSELF, "holds itself"),
        (bytearray(b"{}"), "not bytearray"),
        (7, "not int"),
        (Request(), r"not isthmus\.events\.Request"),
    ],
)
async def test_what_is_no_event_is_refused_with_what_was_expected_and_what_came(
    given: Any, said: str
) -> None:
    async with instance_with({"onTrack": echo, "onBatch": echo}) as (engine, instance):
        with pytest.raises(isthmus.InvalidInput, match=said):
            await engine.invoke(instance, given)
        with pytest.raises(isthmus.InvalidInput, match=said):
            await engine.invoke_batch(instance, [TRACK, given])


async def test_a_null_beside_finite_numbers_is_no_nan() -> None:
    async with instance_with({"onTrack": echo}) as (engine, instance):
        outcome = await engine.invoke(instance, {"type": "track", "a": None, "b": [1.5, {"c": 2}]})
    assert outcome.ok


async def test_an_event_with_half_an_emoji_is_mended_not_lost() -> None:
    text = rb'{"type":"track","cut":"\ud83d","whole":"\ud83d\ude00","said":"\\ud83d"}'
    async with instance_with({"onTrack": echo}) as (engine, instance):
        outcome = await engine.invoke(instance, text)
    expected = {"type": "track", "cut": "\ufffd", "whole": "\U0001f600", "said": "\\ud83d"}
    assert json.loads(bytes(outcome.value or b"")) == expected


async def test_a_returned_value_with_half_an_emoji_can_be_read() -> None:
    def on_track(event: Any, settings: Any, world: World) -> Reply:
        return Reply(Returned(rb'{"cut":"\ud83d"}'))

    async with instance_with({"onTrack": on_track}) as (engine, instance):
        outcome = await engine.invoke(instance, TRACK)
    assert outcome.value is not None
    assert msgspec.json.decode(outcome.value) == {"cut": "\ufffd"}


async def test_an_event_larger_than_its_limit_is_refused_with_both_sizes() -> None:
    async with instance_with({"onTrack": echo, "onBatch": echo}, limits=Limits(input_bytes=40)) as (
        engine,
        instance,
    ):
        assert (await engine.invoke(instance, TRACK)).ok
        with pytest.raises(isthmus.InvalidInput, match=r"at most 40 bytes.*has 41"):
            await engine.invoke(instance, TRACK + b" " * 7)
        with pytest.raises(isthmus.InvalidInput, match="batch of 2 events has at most 40 bytes"):
            await engine.invoke_batch(instance, [TRACK, TRACK])


@pytest.mark.parametrize("body", [b'{"a":1}', b"", "é".encode(), b"\xff\x00"])
async def test_a_webhook_reaches_the_function_whole(body: bytes) -> None:
    seen: list[Any] = []

    def on_request(request: Any, settings: Any, world: World) -> None:
        seen.append(request)

    request = Request(
        url="https://fn.example/?b=1", method="POST", headers=(("X-A", "1"), ("X-A", "2")), body=body
    )
    async with instance_with({"onRequest": on_request}, kind=Kind.SOURCE) as (engine, instance):
        await engine.invoke(instance, request)
    (came,) = seen
    raw = base64.b64decode(came.pop("base64")) if "base64" in came else came.pop("text").encode()
    assert raw == body
    assert came == {"method": "POST", "url": request.url, "headers": [["X-A", "1"], ["X-A", "2"]]}


async def test_a_source_takes_requests_and_the_others_take_events() -> None:
    async with instance_with({"onRequest": nothing}, kind=Kind.SOURCE) as (engine, instance):
        with pytest.raises(isthmus.InvalidInput, match=r"isthmus\.Request, not bytes"):
            await engine.invoke(instance, TRACK)
        with pytest.raises(isthmus.InvalidInput, match="no batch"):
            await engine.invoke_batch(instance, [TRACK])
        with pytest.raises(isthmus.InvalidInput, match="bytes, not str"):
            await engine.invoke(instance, Request(body="text"))  # type: ignore[arg-type]
        with pytest.raises(isthmus.InvalidInput, match="are text"):
            await engine.invoke(instance, Request(url="\ud800"))


# ---------------------------------------------------------------- what a call is given


async def test_a_call_has_the_clock_the_seed_the_settings_and_a_key_of_its_instance() -> None:
    calls: list[Call] = []

    def on_track(event: Any, settings: Any, world: World) -> None:
        calls.append(world.call)

    ticks = iter(range(100, 200))
    entropy = iter(bytes([n]) for n in range(100))
    async with engine_with(
        {"onTrack": on_track},
        wall_clock=lambda: float(next(ticks)),
        entropy=lambda size: next(entropy) * size,
    ) as engine:
        taking = function(settings=(SettingDefinition(name="a"),))
        one = await engine.load(taking, settings={"a": "1"})
        two = await engine.load(taking, settings={"a": "2"})
        for instance in (one, one, two):
            await engine.invoke(instance, TRACK)
    assert [call.settings for call in calls] == [b'{"a":"1"}', b'{"a":"1"}', b'{"a":"2"}']
    assert [call.now for call in calls] == [100.0, 101.0, 102.0]
    assert [call.seed for call in calls] == [bytes([n]) * 32 for n in range(3)]
    assert calls[0].instance == calls[1].instance != calls[2].instance


# ---------------------------------------------------------------- what comes out


@given(event=events())
def test_every_event_of_the_spec_reaches_its_handler(event: dict[str, Any]) -> None:
    handler = f"on{event['type'].capitalize()}"

    async def main() -> isthmus.Outcome:
        async with instance_with({handler: echo}, kind=Kind.INSERT) as (engine, instance):
            return await engine.invoke(instance, event)

    outcome = trio.run(main)
    assert outcome.handler == handler
    assert outcome.status is Status.DELIVERED
    assert json.loads(bytes(outcome.value or b"")) == json.loads(msgspec.json.encode(event))


async def test_an_outcome_names_function_instance_and_handler_and_counts_what_was_used(
    autojump_clock: trio.abc.Clock,
) -> None:
    async def on_track(event: Any, settings: Any, world: World) -> str:
        await world.host.sleep(2.5)
        world.host.log("info", "é")
        return "done"

    async with instance_with({"onTrack": on_track}, name="mine") as (engine, instance):
        outcome = await engine.invoke(instance, TRACK)
    assert (outcome.function, outcome.instance, outcome.handler) == ("f", "mine", "onTrack")
    assert outcome.ok
    assert outcome.value == msgspec.Raw(b'"done"')
    assert outcome.usage == isthmus.Usage(wall=2.5, log_bytes=2, output_bytes=6)


async def test_a_call_s_time_begins_when_it_leaves_its_runtime_s_queue(
    autojump_clock: trio.abc.Clock,
) -> None:
    async def on_track(event: Any, settings: Any, world: World) -> Reply:
        await trio.sleep(3)
        started = trio.current_time()
        await world.host.sleep(1)
        return Reply(Returned(), cpu=0.25, memory=1024, started=started, fuel=7)

    async with instance_with({"onTrack": on_track}) as (engine, instance):
        outcome = await engine.invoke(instance, TRACK)
    assert outcome.usage == isthmus.Usage(wall=1.0, cpu=0.25, memory=1024, fuel=7)


async def test_a_call_leaves_nothing_for_the_garbage_collector() -> None:
    async with instance_with({"onTrack": echo, "onPage": not_an_ending}) as (engine, instance):

        async def once() -> None:
            for event in (TRACK, {"type": "page"}, {"type": "group"}):
                await engine.invoke(instance, event)
                await engine.invoke_each(instance, [event] * 3, lambda index, outcome: None)

        await once()
        gc.collect()
        gc.disable()
        try:
            await once()
            assert gc.collect() == 0
        finally:
            gc.enable()


@pytest.mark.parametrize(
    ("ending", "kind", "status", "code"),
    [
        (Thrown("RetryError", "later"), Kind.DESTINATION, Status.RETRY, Code.RETRY),
        (Thrown("TypeError", "x is undefined"), Kind.DESTINATION, Status.REFUSED, Code.BAD_REQUEST),
        (Thrown("DropEvent", "no"), Kind.INSERT, Status.DROPPED, Code.FILTERED),
        (Thrown("FetchError", "reset"), Kind.DESTINATION, Status.REFUSED, Code.BAD_REQUEST),
        (Killed("timeout", "5 s"), Kind.DESTINATION, Status.RETRY, Code.GATEWAY_TIMEOUT),
        (Killed("memory", "128 MB"), Kind.INSERT, Status.REFUSED, Code.BAD_REQUEST),
        (Returned(b"7"), Kind.INSERT, Status.REFUSED, Code.MESSAGE_REJECTED),
        (Returned(b""), Kind.INSERT, Status.DROPPED, Code.FILTERED),
    ],
)
async def test_an_ending_is_judged_by_the_rules(
    ending: Returned | Thrown | Killed, kind: Kind, status: Status, code: Code
) -> None:
    def on_track(event: Any, settings: Any, world: World) -> Reply:
        return Reply(ending)

    async with instance_with({"onTrack": on_track}, kind=kind) as (engine, instance):
        outcome = await engine.invoke(instance, TRACK)
    assert outcome.status is status
    assert outcome.problem is not None
    assert outcome.problem.code is code


async def test_choice_16_a_network_error_is_retried_where_the_instance_says_so() -> None:
    def on_track(event: Any, settings: Any, world: World) -> None:
        raise isthmus.FetchError("connection reset")

    async with instance_with({"onTrack": on_track}, retry_network_errors=True) as (engine, instance):
        assert (await engine.invoke(instance, TRACK)).status is Status.RETRY


async def test_choice_7_a_call_ends_at_its_wall_time_fetches_included(autojump_clock: trio.abc.Clock) -> None:
    async def on_track(event: Any, settings: Any, world: World) -> None:
        await world.host.sleep(60)

    async with instance_with({"onTrack": on_track}) as (engine, instance):
        outcome = await engine.invoke(instance, TRACK)
    assert outcome.problem is not None
    assert (outcome.problem.name, outcome.problem.code) == ("Timeout", Code.GATEWAY_TIMEOUT)
    assert outcome.usage.wall == 5.0


async def test_an_event_without_handler_is_unsupported_ignored_or_passed_on() -> None:
    page = {"type": "page"}
    async with instance_with({"onTrack": echo}) as (engine, instance):
        unsupported = await engine.invoke(instance, page)
        ignored = await engine.invoke(instance, {"type": 7})
    async with instance_with({"onTrack": echo}, kind=Kind.INSERT, fields={"pass_through": True}) as (
        engine,
        instance,
    ):
        passed = await engine.invoke(instance, b' {"type":"page"}')
    assert (unsupported.status, unsupported.handler) == (Status.REFUSED, "onPage")
    assert unsupported.problem is not None
    assert (unsupported.problem.name, unsupported.problem.message) == (
        "EventNotSupported",
        "page not supported",
    )
    assert (ignored.status, ignored.problem) == (Status.DELIVERED, None)
    assert passed.value == msgspec.Raw(b' {"type":"page"}')


async def test_messages_go_out_cleaned_and_under_the_source_s_own_ids() -> None:
    def on_request(request: Any, settings: Any, world: World) -> None:
        world.sent.append({"type": "track", "messageId": "theirs", "writeKey": "k"})
        world.sent.append({"type": "track", "messageId": "own"})

    request = Request(body=b'{"messageId":"theirs"}')
    ids: list[list[str]] = []
    for source_id in ("one", "one", "two"):
        async with instance_with({"onRequest": on_request}, kind=Kind.SOURCE, source_id=source_id) as (e, i):
            messages = [json.loads(bytes(m)) for m in (await e.invoke(i, request)).messages]
        assert not any("writeKey" in message for message in messages)
        ids.append([message["messageId"] for message in messages])
    assert ids[0] == ids[1] != ids[2]
    assert all(own == "own" and theirs != "theirs" for theirs, own in ids)


async def test_choice_14_nothing_is_sent_by_a_call_that_throws() -> None:
    def on_request(request: Any, settings: Any, world: World) -> Reply:
        return Reply(Thrown("Error", "after all"), b'[{"type":"track"}]')

    async with instance_with({"onRequest": on_request}, kind=Kind.SOURCE) as (engine, instance):
        outcome = await engine.invoke(instance, Request(body=b"{}"))
    assert (outcome.status, outcome.messages) == (Status.REFUSED, ())


async def test_a_message_that_is_too_large_refuses_the_call() -> None:
    def on_request(request: Any, settings: Any, world: World) -> None:
        world.sent.append({"type": "track", "x": "x" * 40_000})

    async with instance_with({"onRequest": on_request}, kind=Kind.SOURCE) as (engine, instance):
        outcome = await engine.invoke(instance, Request(body=b"{}"))
    assert (outcome.status, outcome.messages) == (Status.REFUSED, ())
    assert outcome.problem is not None
    assert outcome.problem.code is Code.MESSAGE_REJECTED


# ---------------------------------------------------------------- batches


async def test_a_batch_has_one_result_an_event() -> None:
    def on_batch(batch: Any, settings: Any, world: World) -> Any:
        return [{"status": 200}, {"status": 500}, {"status": 400, "errormessage": "no"}]

    async with instance_with({"onBatch": on_batch}) as (engine, instance):
        outcome = await engine.invoke_batch(instance, [TRACK, {"type": "page"}, TRACK.decode()])
    assert [item.status for item in outcome.items] == [Status.DELIVERED, Status.RETRY, Status.REFUSED]
    assert (outcome.status, outcome.handler) == (Status.RETRY, "onBatch")


async def test_a_batch_that_throws_throws_for_every_event() -> None:
    def on_batch(batch: Any, settings: Any, world: World) -> Any:
        raise Throw("RetryError", "later")

    async with instance_with({"onBatch": on_batch}) as (engine, instance):
        outcome = await engine.invoke_batch(instance, [TRACK, TRACK])
    assert [item.status for item in outcome.items] == [Status.RETRY] * 2


async def test_a_batch_needs_events_and_a_handler() -> None:
    async with instance_with({"onTrack": echo}) as (engine, instance):
        outcome = await engine.invoke_batch(instance, [TRACK, TRACK])
        with pytest.raises(isthmus.InvalidInput, match="this has none"):
            await engine.invoke_batch(instance, [])
    assert [item.status for item in outcome.items] == [Status.REFUSED] * 2
    assert outcome.problem is not None
    assert outcome.problem.code is Code.UNSUPPORTED_EVENT_TYPE


# ---------------------------------------------------------------- secrets


async def test_no_secret_is_seen_in_anything_that_is_shown() -> None:
    def on_track(event: Any, settings: Any, world: World) -> Any:
        world.host.log("info", f"using {settings['key']}")
        raise Throw(f"Bad{settings['key']}", f"denied: {settings['key']}", f"at {settings['key']}:1")

    def on_page(event: Any, settings: Any, world: World) -> Any:
        return {"said": settings["key"], settings["key"]: [settings["pin"], int(settings["pin"]), 7, True]}

    def on_batch(batch: Any, settings: Any, world: World) -> Any:
        return [{"status": 400, "errormessage": f"not {settings['key']}"}, {"status": 200}]

    handlers = {"onTrack": on_track, "onPage": on_page, "onBatch": on_batch}
    async with instance_with(
        handlers,
        fields={"settings": secret_settings("key", "pin")},
        settings={"key": "hunter-2", "pin": "4711"},
    ) as (engine, instance):
        outcomes = [
            await engine.invoke(instance, TRACK),
            await engine.invoke(instance, {"type": "page"}),
            await engine.invoke_batch(instance, [TRACK, TRACK]),
        ]
        seen = repr(instance) + msgspec.json.encode(outcomes).decode()
    assert "hunter-2" not in seen
    assert "4711" not in seen
    assert json.loads(bytes(outcomes[1].value or b"")) == {
        "said": "[redacted:key]",
        "[redacted:key]": ["[redacted:pin]", "[redacted:pin]", 7, True],
    }


@pytest.mark.parametrize("before", range(LONGEST_ERROR - 20, LONGEST_ERROR + 2, 3))
@pytest.mark.parametrize("rest", ["", "z" * LONGEST_ERROR], ids=["short", "long"])
async def test_no_part_of_a_secret_shows_where_an_error_is_cut(before: int, rest: str) -> None:
    def on_track(event: Any, settings: Any, world: World) -> Any:
        said = "x" * before + settings["key"] + rest
        raise Throw(said, said, said)

    async with instance_with(
        {"onTrack": on_track},
        fields={"settings": secret_settings("key")},
        settings={"key": "hunter-2-hunter-3"},
    ) as (engine, instance):
        outcome = await engine.invoke(instance, TRACK)
    problem = outcome.problem
    assert problem is not None
    for told in (problem.name, problem.message, problem.stack):
        assert "hunt" not in told
        assert len(told) <= LONGEST_ERROR + 1


async def test_a_long_error_is_cut_where_nothing_is_secret_too() -> None:
    def on_track(event: Any, settings: Any, world: World) -> Any:
        raise Throw("Error", "x" * 100_000, "")

    async with instance_with({"onTrack": on_track}) as (engine, instance):
        outcome = await engine.invoke(instance, TRACK)
    assert outcome.problem is not None
    assert outcome.problem.message == "x" * LONGEST_ERROR + "…"


async def test_what_travels_on_is_not_touched_by_redaction() -> None:
    def on_track(event: Any, settings: Any, world: World) -> Any:
        return {**event, "token": settings["key"]}

    async with instance_with(
        {"onTrack": on_track},
        kind=Kind.INSERT,
        fields={"settings": secret_settings("key")},
        settings={"key": "hunter-2"},
    ) as (engine, instance):
        outcome = await engine.invoke(instance, TRACK)
    assert b"hunter-2" in bytes(outcome.value or b"")


async def test_a_value_too_deep_to_be_looked_through_is_shown_as_text() -> None:
    deep = b"[" * 5000 + b'"hunter-2"' + b"]" * 5000

    def on_track(event: Any, settings: Any, world: World) -> Reply:
        return Reply(Returned(deep))

    async with instance_with(
        {"onTrack": on_track}, fields={"settings": secret_settings("key")}, settings={"key": "hunter-2"}
    ) as (engine, instance):
        outcome = await engine.invoke(instance, TRACK)
    shown = json.loads(bytes(outcome.value or b""))
    assert isinstance(shown, str)
    assert "hunter-2" not in shown


# ---------------------------------------------------------------- a runtime that breaks its promises


async def fault(event: Any, settings: Any, world: World) -> None:
    raise isthmus.RuntimeFault(f"the world of {settings.get('key')} fell apart")


async def malformed(event: Any, settings: Any, world: World) -> Reply:
    return Reply(Returned(b"{nope"))


async def not_utf8(event: Any, settings: Any, world: World) -> Reply:
    return Reply(Returned(b'{"a":"\xff"}'))


async def not_an_ending(event: Any, settings: Any, world: World) -> Reply:
    return Reply("done")  # type: ignore[arg-type]


@pytest.mark.parametrize("broken", [fault, malformed, not_utf8, not_an_ending])
async def test_a_fault_is_an_outcome_and_the_program_is_loaded_anew(
    broken: Callable[[Any, Any, World], Awaitable[Any]], caplog: pytest.LogCaptureFixture
) -> None:
    runtime = ScriptedRuntime({"onTrack": broken, "onPage": echo})
    async with instance_with(
        runtime,
        kind=Kind.INSERT,
        fields={"settings": secret_settings("key")},
        settings={"key": "hunter-2"},
    ) as (engine, instance):
        outcome = await engine.invoke(instance, {"type": "track", "userId": "somebody"})
        assert runtime.programs == 0
        after = await engine.invoke(instance, {"type": "page"})
        assert (runtime.loads, runtime.programs) == (2, 1)
    assert outcome.status is Status.RETRY
    assert outcome.problem is not None
    assert outcome.problem.code is Code.INTERNAL
    assert "hunter-2" not in outcome.problem.message + caplog.text
    assert after.ok
    assert [record.name for record in caplog.records] == ["isthmus"]
    assert "somebody" not in caplog.text
    assert "'f'" in caplog.text


class _Custom(Program):
    """A program that does what it is told to."""

    handlers = frozenset({"onTrack"})

    def __init__(self, act: Callable[[], Awaitable[Reply]]) -> None:
        self._act = act
        self.closed = False

    async def run(self, call: Call, host: Host) -> Reply:
        return await self._act()

    async def aclose(self) -> None:
        self.closed = True
        raise KeyError("hunter-2")


class _CustomRuntime(Runtime):
    language = "scripted"

    def __init__(self, act: Callable[[], Awaitable[Reply]]) -> None:
        self._act = act
        self.broken = False

    async def load(self, function: isthmus.Function, limits: Limits) -> Program:
        await trio.lowlevel.checkpoint()
        if self.broken:
            raise OSError("no space left, hunter-2")
        return _Custom(self._act)

    async def aclose(self) -> None:
        raise KeyError("hunter-2")

    @hookimpl
    def isthmus_runtimes(self) -> list[Runtime]:
        return [self]


async def test_a_foreign_exception_is_named_and_not_quoted(caplog: pytest.LogCaptureFixture) -> None:
    async def act() -> Reply:
        raise KeyError("hunter-2")

    async with isthmus.open_engine(plugins=[_CustomRuntime(act)], load_entry_points=False) as engine:
        instance = await engine.load(function())
        outcome = await engine.invoke(instance, TRACK)
    assert outcome.problem is not None
    assert outcome.problem.message == "the runtime failed (KeyError)"
    assert "KeyError" in caplog.text
    assert "hunter-2" not in caplog.text
    assert "closing" in caplog.text


async def test_a_program_that_cannot_be_loaded_again_is_an_outcome_until_it_can() -> None:
    async def act() -> Reply:
        if runtime.broken:
            raise KeyError
        return Reply(Returned())

    runtime = _CustomRuntime(act)
    async with isthmus.open_engine(plugins=[runtime], load_entry_points=False) as engine:
        instance = await engine.load(function())
        runtime.broken = True
        outcomes = [await engine.invoke(instance, TRACK) for _ in range(2)]
        runtime.broken = False
        outcomes.append(await engine.invoke(instance, TRACK))
        runtime.broken = True
        with pytest.raises(isthmus.RuntimeFault, match="failed to load function 'g'") as caught:
            await engine.load(function(name="g"))
    assert [outcome.status for outcome in outcomes] == [Status.RETRY, Status.RETRY, Status.DELIVERED]
    assert "hunter-2" not in str(caught.value)


async def test_a_program_of_the_wrong_shape_does_not_load() -> None:
    class Wrong(_CustomRuntime):
        async def load(self, function: isthmus.Function, limits: Limits) -> Program:
            program = _Custom(self._act)
            program.handlers = ["onTrack"]  # type: ignore[assignment]
            return program

    async def act() -> Reply:
        raise AssertionError

    async with isthmus.open_engine(plugins=[Wrong(act)], load_entry_points=False) as engine:
        with pytest.raises(isthmus.RuntimeFault, match="failed to load"):
            await engine.load(function())
        assert repr(engine) == "<isthmus.Engine of scripted, 0 instances>"
    assert "closed" in repr(engine)


async def test_a_fault_during_cancellation_stays_with_the_runtime(caplog: pytest.LogCaptureFixture) -> None:
    async def act() -> Reply:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fail_when_cancelled)
            await trio.sleep_forever()
        raise AssertionError

    async def fail_when_cancelled() -> None:
        try:
            await trio.sleep_forever()
        finally:
            raise KeyError("hunter-2")

    async with isthmus.open_engine(plugins=[_CustomRuntime(act)], load_entry_points=False) as engine:
        instance = await engine.load(function())
        for run in (
            lambda: engine.invoke(instance, TRACK),
            lambda: engine.invoke_each(instance, [TRACK], lambda index, outcome: None),
        ):
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(run)
                    await trio.testing.wait_all_tasks_blocked()
                    scope.cancel()
            assert scope.cancelled_caught
    assert "KeyError" in caplog.text


# ---------------------------------------------------------------- loading and closing


async def test_equal_functions_share_a_program_until_the_last_instance_is_closed() -> None:
    runtime = ScriptedRuntime({"onTrack": echo})
    async with engine_with(runtime) as engine:
        one, two = await engine.load(function()), await engine.load(function())
        other = await engine.load(function(), limits=Limits(wall=1))
        assert runtime.programs == 2
        await other.aclose()
        await one.aclose()
        assert runtime.programs == 1
        assert runtime.forgotten == ["f#1"]
        assert (await engine.invoke(two, TRACK)).ok
        await two.aclose()
        await two.aclose()
        assert runtime.programs == 0
        await engine.load(function())
        assert runtime.programs == 1
    assert runtime.programs == 0
    assert runtime.closed


async def test_one_load_serves_all_who_ask_for_it_at_once() -> None:
    runtime = ScriptedRuntime({"onTrack": echo})
    async with engine_with(runtime) as engine, trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(engine.load, function())
    assert runtime.loads == 1


async def test_code_that_does_not_load_fails_for_all_who_ask_and_leaves_nothing() -> None:
    runtime = ScriptedRuntime(scripts={"code": isthmus.LoadError("unexpected }", file="f.js", line=3)})
    failures = []
    async with engine_with(runtime) as engine:

        async def load() -> None:
            with pytest.raises(isthmus.LoadError, match=r"f\.js:3: unexpected }") as caught:
                await engine.load(function())
            failures.append(caught.value)

        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(load)
        assert runtime.loads == 1
        await load()
    assert (len(failures), runtime.programs) == (4, 0)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "destination"}, r"its kind is an isthmus\.Kind, not str"),
        ({"name": 5}, "its name is text, not int"),
        ({"code": None}, "its code is text or bytes, not NoneType"),
        ({"language": None}, "its language is text, not NoneType"),
        ({"file": PurePosixPath("f.js")}, "its file is text, not PurePosixPath"),
        ({"settings": []}, r"its settings is a tuple of isthmus\.SettingDefinition, not list"),
        ({"settings": ("apiKey",)}, r"a tuple of isthmus\.SettingDefinition, and has str in it"),
    ],
)
def test_a_function_that_is_none_is_refused_where_it_is_made(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(isthmus.InvalidFunction, match=said):
        function(**fields)


async def test_wrong_use_is_an_error_of_the_embedder_s() -> None:
    async with engine_with({"onTrack": echo}) as engine, engine_with({"onTrack": echo}) as another:
        with pytest.raises(isthmus.PluginError, match="'cobol'; there is 'scripted'"):
            await engine.load(function(language="cobol"))
        with pytest.raises(isthmus.InvalidSettings, match="no setting 'x'"):
            await engine.load(function(), settings={"x": "1"})
        with pytest.raises(isthmus.InvalidSettings, match="are a mapping by name, not null"):
            await engine.load(function(), settings=None)  # type: ignore[arg-type]
        with pytest.raises(isthmus.EngineError, match=r"an isthmus\.Function is wanted, not str"):
            await engine.load("function")  # type: ignore[arg-type]
        with pytest.raises(isthmus.EngineError, match=r"an isthmus\.Limits is wanted, not int"):
            await engine.load(function(), limits=0)  # type: ignore[arg-type]
        with pytest.raises(isthmus.EngineError, match=r"an isthmus\.Egress is wanted, not dict"):
            await engine.load(function(), egress={})  # type: ignore[arg-type]
        foreign = await another.load(function())
        with pytest.raises(isthmus.EngineClosed, match="another engine's"):
            await engine.invoke(foreign, TRACK)


async def test_an_instance_closes_when_its_calls_have_ended() -> None:
    release = trio.Event()
    ended: list[str] = []

    async def on_track(event: Any, settings: Any, world: World) -> None:
        await release.wait()
        ended.append("call")

    runtime = ScriptedRuntime({"onTrack": on_track})
    async with instance_with(runtime) as (engine, instance), trio.open_nursery() as nursery:

        async def close() -> None:
            await instance.aclose()
            ended.append("instance")

        nursery.start_soon(engine.invoke, instance, TRACK)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(close)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(isthmus.EngineClosed):
            await engine.invoke(instance, TRACK)
        assert runtime.programs == 1
        release.set()
    assert ended == ["call", "instance"]
    assert runtime.programs == 0


async def test_a_close_that_is_cancelled_leaves_calls_alone_and_the_last_closes_the_program() -> None:
    release = trio.Event()

    async def on_track(event: Any, settings: Any, world: World) -> None:
        await release.wait()

    runtime = ScriptedRuntime({"onTrack": on_track})
    outcomes: list[isthmus.Outcome] = []
    async with instance_with(runtime) as (engine, instance), trio.open_nursery() as nursery:

        async def call() -> None:
            outcomes.append(await engine.invoke(instance, TRACK))

        nursery.start_soon(call)
        await trio.testing.wait_all_tasks_blocked()
        with trio.move_on_after(0):
            await instance.aclose()
        assert runtime.programs == 1
        release.set()
        await trio.testing.wait_all_tasks_blocked()
        assert runtime.programs == 0
    assert outcomes[0].ok


async def test_a_call_that_outlives_its_engine_ends_as_engine_closed() -> None:
    async def on_track(event: Any, settings: Any, world: World) -> None:
        await trio.sleep_forever()

    runtime = ScriptedRuntime({"onTrack": on_track})
    ended: list[str] = []

    async def expect_closed(run: Callable[[], Awaitable[object]], name: str) -> None:
        with pytest.raises(isthmus.EngineClosed):
            await run()
        ended.append(name)

    async with trio.open_nursery() as nursery:
        async with instance_with(runtime) as (engine, instance):

            async def never() -> Any:
                yield TRACK
                await trio.sleep_forever()

            nursery.start_soon(expect_closed, lambda: engine.invoke(instance, TRACK), "invoke")
            nursery.start_soon(
                expect_closed,
                lambda: engine.invoke_each(instance, never(), lambda index, outcome: None),
                "each",
            )
            await trio.testing.wait_all_tasks_blocked()
            assert runtime.running == 2
        assert (runtime.running, runtime.programs, runtime.closed) == (0, 0, True)
        await expect_closed(lambda: engine.invoke(instance, TRACK), "invoke after")
        await expect_closed(lambda: engine.load(function()), "load after")
    assert sorted(ended) == ["each", "invoke", "invoke after", "load after"]


class _Gated(_CustomRuntime):
    """Loads when told to."""

    def __init__(self, act: Callable[[], Awaitable[Reply]]) -> None:
        super().__init__(act)
        self.gate = trio.Event()
        self.programs: list[_Custom] = []

    async def load(self, function: isthmus.Function, limits: Limits) -> Program:
        await self.gate.wait()
        program = _Custom(self._act)
        self.programs.append(program)
        return program


async def test_a_load_that_succeeds_as_the_engine_closes_is_undone() -> None:
    async def load(engine: Engine) -> None:
        with pytest.raises(isthmus.EngineClosed):
            await engine.load(function())

    async def act() -> Reply:
        raise AssertionError

    runtime = _Gated(act)
    async with (
        trio.open_nursery() as nursery,
        isthmus.open_engine(plugins=[runtime], load_entry_points=False) as engine,
    ):
        nursery.start_soon(load, engine)
        await trio.testing.wait_all_tasks_blocked()
        runtime.gate.set()
    assert [program.closed for program in runtime.programs] == [True]


async def test_a_program_loaded_anew_by_a_call_that_outlives_its_instance_is_closed() -> None:
    async def act() -> Reply:
        if len(runtime.programs) == 1:
            runtime.gate = trio.Event()
            raise isthmus.RuntimeFault("once")
        return Reply(Returned())

    runtime = _Gated(act)
    runtime.gate.set()
    async with isthmus.open_engine(plugins=[runtime], load_entry_points=False) as engine:
        instance = await engine.load(function())
        await engine.invoke(instance, TRACK)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(engine.invoke, instance, TRACK)
            await trio.testing.wait_all_tasks_blocked()
            with trio.move_on_after(0):
                await instance.aclose()
            runtime.gate.set()
        assert [program.closed for program in runtime.programs] == [True, True]


async def test_a_load_that_outlives_its_engine_ends_as_engine_closed() -> None:
    class Slow(_CustomRuntime):
        async def load(self, function: isthmus.Function, limits: Limits) -> Program:
            await trio.sleep_forever()
            raise AssertionError

    async def load(engine: Engine) -> None:
        with pytest.raises(isthmus.EngineClosed, match="being loaded"):
            await engine.load(function())

    async def act() -> Reply:
        raise AssertionError

    async with (
        trio.open_nursery() as nursery,
        isthmus.open_engine(plugins=[Slow(act)], load_entry_points=False) as engine,
    ):
        nursery.start_soon(load, engine)
        await trio.testing.wait_all_tasks_blocked()


async def test_closing_gives_up_on_what_does_not_close(
    autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture
) -> None:
    async def act() -> Reply:
        with trio.CancelScope(shield=True):
            await trio.sleep(30)
        return Reply(Returned())

    class Stuck(_CustomRuntime):
        async def aclose(self) -> None:
            await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        async with isthmus.open_engine(plugins=[Stuck(act)], load_entry_points=False) as engine:
            instance = await engine.load(function())
            nursery.start_soon(engine.invoke, instance, TRACK)
            await trio.testing.wait_all_tasks_blocked()
        assert trio.current_time() < 15
    assert "1 calls did not end" in caplog.text
    assert "closing the runtime of scripted took more than" in caplog.text


async def test_an_exception_in_the_body_comes_out_of_the_engine_as_it_is() -> None:
    runtime = ScriptedRuntime({"onTrack": echo})
    with pytest.raises(ZeroDivisionError):
        async with instance_with(runtime):
            raise ZeroDivisionError
    assert (runtime.programs, runtime.closed) == (0, True)


async def test_a_value_without_json_form_is_delivered_and_says_so() -> None:
    """A cycle costs the display, not the delivery; and the author is told why nothing is shown."""

    class Cyclic(Program):
        handlers = frozenset({"onTrack"})

        async def run(self, call: Call, host: Host) -> Reply:
            return Reply(Returned(b"", "circular reference"))

        async def aclose(self) -> None:
            pass

    class CyclicRuntime(Runtime):
        language = "cyclic"

        async def load(self, function: isthmus.Function, limits: Limits) -> Program:
            return Cyclic()

        @hookimpl
        def isthmus_runtimes(self) -> list[Runtime]:
            return [self]

    async with isthmus.open_engine(plugins=[CyclicRuntime()], load_entry_points=False) as engine:
        returning = isthmus.Function(name="f", kind=Kind.DESTINATION, language="cyclic", code="")
        outcome = await engine.invoke(await engine.load(returning), {"type": "track"})
    assert outcome.status is Status.DELIVERED
    assert [(line.level, "circular reference" in line.text) for line in outcome.logs] == [("notice", True)]


# ---------------------------------------------------------------- what is seen of a value


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (
            Call("onTrack", b"{}", b'{"apiKey":"Zsecret"}', "f#1", 0.0, b"Zsecret"),
            "<Call of onTrack for 'f#1'",
        ),
        (
            FetchRequest(url="https://u:Zsecret@a.example/Zsecret?k=Zsecret", headers=(("a", "Zsecret"),)),
            "<FetchRequest GET to https://a.example>",
        ),
        (
            Hop(method="PUT", url="http://a.example:8080?k=Zsecret", request_body=b"Zsecret", status=200),
            "<Hop PUT to http://a.example:8080, status 200>",
        ),
        (
            isthmus.Egress(deny=("a.example",), proxy="http://me:Zsecret@proxy.example:3128"),
            "Egress(allow_private=False, allow=(), deny=('a.example',), proxy='http://proxy.example:3128')",
        ),
        (isthmus.Egress(), "Egress(allow_private=False, allow=(), deny=(), proxy=None)"),
    ],
)
def test_no_secret_is_in_a_repr(value: object, shown: str) -> None:
    assert repr(value).startswith(shown)
    assert "Zsecret" not in repr(value)
