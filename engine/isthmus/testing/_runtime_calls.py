"""Promises of runtimes: handlers, values, errors, and a fresh world for every call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import trio

from isthmus import Status, open_engine
from isthmus.abc import Reply, Runtime
from isthmus.errors import LoadError
from isthmus.hookspecs import hookimpl

from ._kit_host import KitHost
from ._runtime_bench import LONGEST, RuntimeBench, check, thrown, value_of

PLAIN: Final = {
    "type": "track",
    "n": 7,
    "half": 0.5,
    "yes": True,
    "list": ["a", "b"],
    "deep": {"er": {"est": "é"}},
}

HOSTILE: Final[dict[str, Any]] = {
    "null": None,
    "empty list": [],
    "empty object": {},
    "nested": [[[[{"a": [{}]}]]]],
    "numbers": [0, -1, 2**53 - 1, -(2**53) + 1, 1e300, 5e-324, -0.5],
    "texts": ["", "\x00", "\u2028", "\U0001f600", "\ufffe", "</script>", "\\u0000", "'\"`${x}"],
    "__proto__": {"polluted": True},
    "constructor": {"prototype": 1},
    "": "no name",
    "\x00": "a name",
    "length": 3,
    "toString": "text",
    "__index": 1,
    "__class__": 2,
    "long": "x" * 100_000,
}


@check("echo")
async def it_says_what_it_is(bench: RuntimeBench) -> None:
    runtime = bench.runtime
    assert isinstance(runtime, Runtime)
    assert runtime.language, "a runtime has a language"
    assert runtime.isolation, "a runtime says what separates a function from its host"
    assert isinstance(runtime.suffixes, tuple)
    assert all(suffix.startswith(".") for suffix in runtime.suffixes), "a suffix begins with a dot"
    await trio.lowlevel.checkpoint()


@check("echo")
async def its_program_names_its_handlers(bench: RuntimeBench) -> None:
    program = await bench.program("echo")
    assert isinstance(program.handlers, frozenset)
    assert "onTrack" in program.handlers


@check("batch")
async def a_batch_goes_to_its_own_handler(bench: RuntimeBench) -> None:
    program = await bench.program("batch")
    assert "onBatch" in program.handlers
    events = [{"type": "track"}, {"type": "page"}]
    reply = await program.run(bench.call(events, handler="onBatch"), KitHost())
    assert value_of(reply) == [{"status": 200}, {"status": 400}]


@check("echo")
async def an_event_comes_back_as_it_was(bench: RuntimeBench) -> None:
    assert await bench.value("echo", PLAIN) == PLAIN


@check("echo")
async def hostile_values_come_back_as_they_were(bench: RuntimeBench) -> None:
    for name, value in HOSTILE.items():
        event = {"type": "track", name: value}
        came = await bench.value("echo", event)
        assert came == event, f"{name!r}: {str(value)[:80]!r} went in, and {str(came)[:200]!r} came back"


@check("fault", "echo")
async def lines_are_told_to_who_asks_if_at_all(bench: RuntimeBench) -> None:
    asking, other = KitHost(), KitHost()
    asking.traced = True
    assert await bench.value("echo", {"n": 1}, asking) == {"n": 1}
    assert asking.lines_ran <= asking.lines_among
    assert bool(asking.lines_ran) == bool(asking.lines_among)
    thrown(await bench.reply("fault", host=asking))
    assert bool(asking.lines_ran) == bool(asking.lines_among)
    await bench.value("echo", {"n": 1}, other)
    assert not other.lines_among


@check("settings")
async def settings_reach_the_handler(bench: RuntimeBench) -> None:
    program = await bench.program("settings")
    settings = {"apiKey": "k", "flags": ["a", "b"], "map": {"x": "y"}, "on": True}
    reply = await program.run(bench.call(settings=settings), KitHost())
    assert value_of(reply) == settings


@check("nothing")
async def nothing_is_returned_as_nothing(bench: RuntimeBench) -> None:
    assert await bench.value("nothing") is None


@check("retry")
async def an_error_of_segment_s_has_its_name(bench: RuntimeBench) -> None:
    error = thrown(await bench.reply("retry"))
    assert (error.name, error.message) == ("RetryError", "later")


@check("fault")
async def an_error_of_the_language_is_thrown_as_well(bench: RuntimeBench) -> None:
    error = thrown(await bench.reply("fault"))
    assert error.name, "what is thrown has a name"
    assert "boom" in error.message


@check("broken", "echo")
async def code_that_does_not_load_says_why(bench: RuntimeBench) -> None:
    said: LoadError | None = None
    try:
        await bench.program("broken")
    except LoadError as error:
        said = error
    assert said is not None, "it was to raise a LoadError"
    assert said.message, "a LoadError says what is wrong"
    assert said.line is None or said.line >= 1
    assert await bench.value("echo", PLAIN) == PLAIN


@check("state")
async def every_call_has_a_fresh_world(bench: RuntimeBench) -> None:
    assert [await bench.value("state") for _ in range(4)] == [1, 1, 1, 1]
    program = await bench.program("state")
    replies: list[Reply] = []

    async def one() -> None:
        replies.append(await program.run(bench.call(), KitHost()))

    async with trio.open_nursery() as nursery:
        for _ in range(8):
            nursery.start_soon(one)
    assert [value_of(reply) for reply in replies] == [1] * 8


@check("echo", "state")
async def programs_have_nothing_in_common(bench: RuntimeBench) -> None:
    first = await bench.runtime.load(bench.function("state"), bench.limits())
    second = await bench.runtime.load(bench.function("state"), bench.limits(log_bytes=1))
    assert value_of(await first.run(bench.call(), KitHost())) == 1
    await first.aclose()
    assert value_of(await second.run(bench.call(), KitHost())) == 1
    await second.aclose()
    assert await bench.value("echo", PLAIN) == PLAIN


@check("echo", "fault")
async def many_calls_end_once_each(bench: RuntimeBench) -> None:
    for sample in ("echo", "fault"):
        program = await bench.program(sample)
        ended: dict[int, Reply] = {}

        def deliver(index: int, reply: Reply, ended: dict[int, Reply] = ended) -> None:
            assert index not in ended, f"call {index} was delivered twice"
            ended[index] = reply

        await program.run_many([(bench.call({"n": n}), KitHost()) for n in range(20)], deliver)
        assert sorted(ended) == list(range(20))
        if sample == "echo":
            assert [value_of(ended[n]) for n in range(20)] == [{"n": n} for n in range(20)]
        else:
            assert all("boom" in thrown(reply).message for reply in ended.values())


@check("clock")
async def time_and_chance_come_with_the_call(bench: RuntimeBench) -> None:
    program = await bench.program("clock")

    async def looked(seed: bytes) -> Sequence[float]:
        found: Sequence[float] = value_of(await program.run(bench.call(seed=seed), KitHost()))
        return found

    one, again, other = await looked(b"a" * 32), await looked(b"a" * 32), await looked(b"b" * 32)
    assert one[1] == again[1], "the same call gives the same chance"
    assert one[1] != other[1], "another seed gives another chance"
    started = bench.call().now * 1000
    for time, _ in (one, again):  # it may go on while the call runs
        assert started - 1 <= time < started + LONGEST * 1000, "the clock starts at the call's now"


@check("echo", "retry")
async def an_engine_runs_it(bench: RuntimeBench) -> None:
    class Plugin:
        @hookimpl
        def isthmus_runtimes(self) -> Sequence[Runtime]:
            return [bench.subject.make()]

    async with open_engine(plugins=[Plugin()], load_entry_points=False, limits=bench.limits()) as engine:
        outcomes = []
        for sample in ("echo", "retry"):
            instance = await engine.load(bench.function(sample))
            outcomes.append(await engine.invoke(instance, {"type": "track", "n": 1}))
    assert [outcome.status for outcome in outcomes] == [Status.DELIVERED, Status.RETRY]
    assert msgspec.json.decode(outcomes[0].value or b"null") == {"type": "track", "n": 1}
