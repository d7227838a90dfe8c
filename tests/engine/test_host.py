"""What a world may ask, and where it ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trio
import trio.testing
from tests.engine.scripted import TRACK, instance_with, secret_settings

import isthmus
from isthmus import Egress, FetchError, Limits, LogLine, Outcome
from isthmus.abc import CacheEntry, Fetcher, FetchRequest, FetchResponse, Hop
from isthmus.hookspecs import hookimpl
from isthmus.testing import Handler, MockFetcher, World

OK = FetchResponse(status=200, headers=(("Server", "s"),), body=b"hello")


async def outcome_of(
    on_track: Handler, *plugins: object, limits: Limits | None = None, **options: Any
) -> Outcome:
    async with instance_with({"onTrack": on_track}, *plugins, limits=limits, **options) as (engine, instance):
        return await engine.invoke(instance, TRACK)


def said(outcome: Outcome) -> str:
    assert outcome.problem is not None
    return outcome.problem.message


# ---------------------------------------------------------------- fetch


async def test_a_fetch_reaches_the_fetcher_and_leaves_an_exchange(autojump_clock: trio.abc.Clock) -> None:
    async def answer(request: FetchRequest) -> FetchResponse:
        await trio.sleep(0.5)
        return OK

    async def on_track(event: Any, settings: Any, world: World) -> Any:
        await world.host.sleep(1)
        request = FetchRequest(url="https://api.example/x", method="PUT", headers=(("A", "b"),), body=b"{}")
        return (await world.host.fetch(request)).body.decode()

    fetcher = MockFetcher(answer)
    outcome = await outcome_of(on_track, fetcher)
    assert outcome.value is not None
    assert bytes(outcome.value) == b'"hello"'
    (exchange,) = outcome.exchanges
    assert exchange == isthmus.Exchange(
        method="PUT",
        url="https://api.example/x",
        request_headers=(("A", "b"),),
        request_body="{}",
        request_bytes=2,
        status=200,
        response_headers=(("Server", "s"),),
        response_body="hello",
        response_bytes=5,
        started=1.0,
        duration=0.5,
    )
    assert outcome.usage.fetches == 1
    assert fetcher.closed


async def test_no_response_is_the_function_s_own_error_and_an_exchange() -> None:
    def refuse(request: FetchRequest) -> FetchResponse:
        raise FetchError("request failed, reason: connect ECONNREFUSED", code="ECONNREFUSED")

    async def on_track(event: Any, settings: Any, world: World) -> Any:
        try:
            await world.host.fetch(FetchRequest(url="https://api.example/"))
        except FetchError as exc:
            return [exc.code, exc.type]

    outcome = await outcome_of(on_track, MockFetcher(refuse))
    assert outcome.value is not None
    assert bytes(outcome.value) == b'["ECONNREFUSED","system"]'
    assert [exchange.error for exchange in outcome.exchanges] == [
        "request failed, reason: connect ECONNREFUSED"
    ]


async def fetches(world: World, count: int = 1, **fields: Any) -> None:
    for _ in range(count):
        await world.host.fetch(FetchRequest(**{"url": "https://api.example/", **fields}))


async def test_without_a_fetcher_a_fetch_fails_and_says_so() -> None:
    outcome = await outcome_of(lambda event, settings, world: fetches(world))
    assert "no plugin of this engine carries requests out" in said(outcome)
    assert outcome.usage.fetches == 0


@pytest.mark.parametrize(
    ("limits", "ask", "expected"),
    [
        (Limits(fetches=2), {"count": 3}, r"may start 2 requests (Limits.fetches)"),
        (
            Limits(fetch_request_bytes=3),
            {"body": b"1234"},
            "has 4 bytes, more than 3 (Limits.fetch_request_bytes)",
        ),
        (Limits(fetch_response_bytes=4), {}, "over limit: 4"),
        (Limits(operations=0), {}, "0 operations of one call may wait at the same time (Limits.operations)"),
    ],
)
async def test_a_limit_that_a_fetch_reaches_is_named_with_its_value(
    limits: Limits, ask: dict[str, Any], expected: str
) -> None:
    outcome = await outcome_of(
        lambda event, settings, world: fetches(world, **ask), MockFetcher(lambda request: OK), limits=limits
    )
    assert said(outcome).endswith(expected)
    assert outcome.problem is not None
    assert outcome.problem.name == "FetchError"


async def test_operations_wait_together_up_to_their_limit(autojump_clock: trio.abc.Clock) -> None:
    async def on_track(event: Any, settings: Any, world: World) -> Any:
        failed = []

        async def ask(ask: Callable[..., Any], *args: Any) -> None:
            try:
                await ask(*args)
            except FetchError as exc:
                failed.append(exc.type)

        for _ in range(2):  # what has ended counts no more
            async with trio.open_nursery() as nursery:
                for _ in range(3):
                    nursery.start_soon(ask, world.host.sleep, 1)
                    await trio.testing.wait_all_tasks_blocked()
                nursery.start_soon(ask, world.host.cache_load, "k")
        return failed

    outcome = await outcome_of(on_track, limits=Limits(operations=2))
    assert outcome.value is not None
    assert bytes(outcome.value) == b'["limit","limit","limit","limit"]'


class _BrokenFetcher(Fetcher):
    async def fetch(self, request: FetchRequest, egress: Egress, **rest: Any) -> FetchResponse:
        raise KeyError("hunter-2")

    def check_egress(self, egress: Egress) -> None:
        if egress.allow:
            raise isthmus.EngineError(f"no such place: {egress.allow[0]}")

    @hookimpl
    def isthmus_fetcher(self) -> Fetcher:
        return self


async def test_a_fetcher_that_breaks_is_not_the_runtime_s_fault(caplog: pytest.LogCaptureFixture) -> None:
    outcome = await outcome_of(lambda event, settings, world: fetches(world), _BrokenFetcher())
    assert said(outcome).endswith("the fetcher failed (KeyError)")
    assert outcome.status is isthmus.Status.REFUSED
    assert "the fetcher failed: KeyError at " in caplog.text
    assert "hunter-2" not in caplog.text


async def test_egress_rules_reach_the_fetcher_and_are_checked_when_an_instance_is_loaded() -> None:
    seen: list[Egress] = []

    class Noting(_BrokenFetcher):
        async def fetch(self, request: FetchRequest, egress: Egress, **rest: Any) -> FetchResponse:
            seen.append(egress)
            return OK

    rules = Egress(deny=("x.example",))
    await outcome_of(lambda event, settings, world: fetches(world), Noting(), egress=rules)
    assert seen == [rules]
    with pytest.raises(isthmus.EngineError, match="no such place: mars"):
        await outcome_of(lambda event, settings, world: None, Noting(), egress=Egress(allow=("mars",)))


async def test_exchanges_are_redacted_and_their_bodies_capped() -> None:
    async def on_track(event: Any, settings: Any, world: World) -> None:
        key = settings["key"]
        await fetches(
            world,
            url=f"https://api.example/?key={key}",
            headers=(("Authorization", f"Bearer {key}"),),
            body=b"x" * 95 + key.encode() + b"y" * 100,
        )

    def answer(request: FetchRequest) -> FetchResponse:
        return FetchResponse(status=200, headers=(("Echo", request.url),), body=b"\xff" + b"z" * 200)

    outcome = await outcome_of(
        on_track,
        MockFetcher(answer),
        limits=Limits(trace_bytes=100),
        fields={"settings": secret_settings("key")},
        settings={"key": "hunter-2-hunter"},
    )
    (exchange,) = outcome.exchanges
    assert "hunt" not in repr(exchange)
    assert exchange.request_body.startswith("x" * 95 + "[redacted:key]")
    assert (exchange.request_bytes, exchange.response_bytes) == (210, 201)
    assert exchange.response_body == "\ufffd" + "z" * 99


async def test_an_exchange_that_began_before_its_call_s_clock_started_at_zero() -> None:
    class Early(_BrokenFetcher):
        async def fetch(self, request: FetchRequest, egress: Egress, **rest: Any) -> FetchResponse:
            rest["on_hop"](Hop(method="GET", url=request.url, started=-5.0))
            return OK

    outcome = await outcome_of(lambda event, settings, world: fetches(world), Early())
    assert [exchange.started for exchange in outcome.exchanges] == [0.0]


# ---------------------------------------------------------------- console


def logging_of(*lines: str, level: str = "info") -> Handler:
    def on_track(event: Any, settings: Any, world: World) -> None:
        for at, line in enumerate(lines):
            world.host.log(level, line, float(at))

    return on_track


async def test_console_output_is_kept_line_by_line() -> None:
    outcome = await outcome_of(logging_of("one", "", "zwei é"))
    assert outcome.logs == (
        LogLine("info", "one", 0.0),
        LogLine("info", "", 1.0),
        LogLine("info", "zwei é", 2.0),
    )
    assert outcome.usage.log_bytes == 10


async def test_choice_20_console_output_is_cut_at_4_kb_and_the_last_line_says_so() -> None:
    outcome = await outcome_of(logging_of("a" * 4000, "b" * 200, "c"))
    assert [line.text for line in outcome.logs] == [
        "a" * 4000,
        "b" * 96,
        "console output cut: 4096 of 4201 bytes are kept (Limits.log_bytes)",
    ]
    assert outcome.logs[-1].level == "notice"
    assert outcome.usage.log_bytes == 4201


@pytest.mark.parametrize(
    ("room", "lines", "kept"),
    [
        (4, ("abcd",), ["abcd"]),
        (4, ("ab", "cd"), ["ab", "cd"]),
        (4, ("abcd", ""), ["abcd", None]),
        (3, ("aé",), ["aé"]),
        (2, ("aé",), ["a", None]),
        (3, ("\ud83dab",), ["?ab"]),
        (0, ("a",), [None]),
        (3, ("", "", "", ""), ["", "", "", None]),
    ],
)
async def test_a_cut_is_between_characters_and_empty_lines_take_room(
    room: int, lines: tuple[str, ...], kept: list[str | None]
) -> None:
    outcome = await outcome_of(logging_of(*lines), limits=Limits(log_bytes=room))
    shown = [None if line.level == "notice" else line.text for line in outcome.logs]
    assert shown == kept


async def test_a_secret_on_the_cut_is_not_half_shown() -> None:
    outcome = await outcome_of(
        logging_of("x" * 10 + "hunter-2"),
        limits=Limits(log_bytes=14),
        fields={"settings": secret_settings("key")},
        settings={"key": "hunter-2"},
    )
    assert outcome.logs[0].text == "x" * 10 + "[red"


async def test_notices_of_a_runtime_are_kept_beside_the_output_and_bounded() -> None:
    outcome = await outcome_of(logging_of(*["n" * 2000] * 100, level="notice"), limits=Limits(log_bytes=0))
    assert [len(line.text) for line in outcome.logs] == [1000] * 16
    assert outcome.usage.log_bytes == 0


async def test_half_a_secret_is_no_more_seen_where_the_runtime_cut_the_line() -> None:
    fields = {"settings": (isthmus.SettingDefinition(name="key", sensitive=True),)}
    for cut in range(20, 40):
        outcome = await outcome_of(
            logging_of(("x" * 20 + "Zsecret-and-more")[: cut + 1]),
            fields=fields,
            settings={"key": "Zsecret-and-more"},
            limits=Limits(log_bytes=cut),
        )
        assert "Zsec" not in outcome.logs[0].text


async def test_a_level_that_is_none_is_the_runtime_s_fault() -> None:
    outcome = await outcome_of(logging_of("x", level="shout"))
    assert "not 'shout'" in said(outcome)
    assert outcome.problem is not None
    assert outcome.problem.code is isthmus.Code.INTERNAL


# ---------------------------------------------------------------- time and cache


@pytest.mark.parametrize(("seconds", "slept"), [(1.5, 1.5), (0.0, 0.0), (-3.0, 0.0), (float("nan"), 0.0)])
async def test_a_world_sleeps_on_the_engine_s_clock(
    seconds: float, slept: float, autojump_clock: trio.abc.Clock
) -> None:
    outcome = await outcome_of(lambda event, settings, world: world.host.sleep(seconds))
    assert (outcome.ok, outcome.usage.wall) == (True, slept)


async def test_choice_12_what_is_cached_is_the_instance_s_own() -> None:
    async def on_track(event: Any, settings: Any, world: World) -> Any:
        host = world.host
        entry = await host.cache_load("k")
        if entry.value is None:
            host.cache_store("k", settings["a"].encode(), None)
        return [entry.value.decode() if entry.value else None]

    setting = isthmus.SettingDefinition(name="a")
    async with instance_with({"onTrack": on_track}, fields={"settings": (setting,)}, settings={"a": "1"}) as (
        engine,
        one,
    ):
        two = await engine.load(one.function, settings={"a": "2"})
        values = [(await engine.invoke(instance, TRACK)).value for instance in (one, two, one, two)]
    assert [bytes(value or b"") for value in values] == [b"[null]", b"[null]", b'["1"]', b'["2"]']


async def test_the_end_of_a_call_counts_as_the_failure_of_its_loads() -> None:
    ends = trio.Event()
    loaders: list[str] = []

    async def on_track(event: Any, settings: Any, world: World) -> None:
        entry = await world.host.cache_load("k")
        assert entry == CacheEntry(None)
        loaders.append(event["userId"])
        if event["userId"] == "first":
            await ends.wait()

    async with instance_with({"onTrack": on_track}) as (engine, instance), trio.open_nursery() as nursery:
        for user in ("first", "second"):
            nursery.start_soon(engine.invoke, instance, {"type": "track", "userId": user})
            await trio.testing.wait_all_tasks_blocked()
        assert loaders == ["first"]
        ends.set()
    assert loaders == ["first", "second"]


async def test_a_world_may_fail_delete_and_store_as_it_likes() -> None:
    async def on_track(event: Any, settings: Any, world: World) -> Any:
        host = world.host
        seen = []
        host.cache_fail("nothing under way")
        host.cache_store("k", b"1", None)
        seen.append(await host.cache_load("k"))
        host.cache_delete("k")
        seen.append(await host.cache_load("k"))
        host.cache_delete("k")  # while this call itself loads it
        seen.append(await host.cache_load("k"))
        host.cache_store("k", b"2", None)
        seen.append(await host.cache_load("k"))
        host.cache_delete("k")
        seen.append(await host.cache_load("k"))
        host.cache_fail("k")
        seen.append(await host.cache_load("k"))
        return [entry.value and entry.value.decode() for entry in seen]

    outcome = await outcome_of(on_track)
    assert outcome.value is not None
    assert bytes(outcome.value) == b'["1",null,null,"2",null,null]'


async def test_who_waits_for_a_load_that_was_given_up_for_another_loads_instead() -> None:
    async def on_track(event: Any, settings: Any, world: World) -> Any:
        host = world.host
        if event["userId"] == "waiting":
            return (await host.cache_load("k")).value is None
        assert (await host.cache_load("k")).value is None
        await go_on.wait()
        host.cache_delete("k")
        assert (await host.cache_load("k")).value is None
        await end.wait()
        return None

    go_on, end = trio.Event(), trio.Event()
    outcomes: list[Outcome] = []
    async with instance_with({"onTrack": on_track}) as (engine, instance), trio.open_nursery() as nursery:

        async def call(user: str) -> None:
            outcomes.append(await engine.invoke(instance, {"type": "track", "userId": user}))

        for user in ("loading", "waiting"):
            nursery.start_soon(call, user)
            await trio.testing.wait_all_tasks_blocked()
        assert outcomes == []
        go_on.set()
        await trio.testing.wait_all_tasks_blocked()
        (waited,) = outcomes
        assert waited.value is not None
        assert bytes(waited.value) == b"true"
        end.set()


async def test_what_asks_after_its_call_has_ended_becomes_no_loader() -> None:
    kept: list[World] = []

    def on_track(event: Any, settings: Any, world: World) -> None:
        kept.append(world)

    async with instance_with({"onTrack": on_track}) as (engine, instance):
        for _ in range(2):
            await engine.invoke(instance, TRACK)
        for world in kept:
            with pytest.raises(FetchError, match="has ended"):
                await world.host.cache_load("k")
