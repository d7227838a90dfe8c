"""What embedders offer functions by name: who may use it, what is checked, and what a guest hears of failures."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import trio
from tests.engine.scripted import TRACK, engine_with, function

import isthmus
from isthmus import Caller, CapabilityError, Limits
from isthmus.hookspecs import hookimpl
from isthmus.testing import Handler, World


class Where(msgspec.Struct):
    city: str
    near: tuple[float, float] | None = None


class Place(msgspec.Struct):
    name: str
    population: int


async def lookup(where: Where) -> Place:
    await trio.lowlevel.checkpoint()
    if where.city == "Atlantis":
        raise CapabilityError("no such city", code="not_found")
    if where.city == "Secretville":
        raise ValueError("password=hunter2")
    return Place(where.city, 700_000)


def asking(name: str, argument: bytes) -> Handler:
    async def on_track(event: Any, settings: Any, world: World) -> object:
        try:
            return msgspec.Raw(await world.host.capability(name, argument))
        except CapabilityError as error:
            return {"code": error.code, "message": str(error)}

    return on_track


async def asked(
    offered: Callable[..., Any],
    argument: bytes = b"null",
    *,
    granted: tuple[str, ...] = ("geo.lookup",),
    timeout: float | None = None,  # noqa: ASYNC109 -- the capability's
    limits: Limits | None = None,
    asks: str = "geo.lookup",
) -> Any:
    async with engine_with({"onTrack": asking(asks, argument)}) as engine:
        assert engine.capability("geo.lookup", timeout=timeout)(offered) is offered
        instance = await engine.load(function(capabilities=granted), name="ours", limits=limits)
        outcome = await engine.invoke(instance, TRACK)
        return msgspec.json.decode(outcome.value or b"null")


async def test_a_granted_function_gets_what_the_annotations_say() -> None:
    assert await asked(lookup, b'{"city":"Oslo"}') == {"name": "Oslo", "population": 700_000}


async def test_it_is_refused_what_it_was_not_granted() -> None:
    said = await asked(lookup, b'{"city":"Oslo"}', granted=())
    assert said == {
        "code": "not_granted",
        "message": "the function has not been granted the capability 'geo.lookup'",
    }
    assert (await asked(lookup, asks="constructor"))["code"] == "not_granted"
    assert len((await asked(lookup, asks="x" * 100_000))["message"]) < 200


@pytest.mark.parametrize(
    "argument",
    [
        b"",
        b"null",
        b"{}",
        b'{"city":1}',
        b'{"city":"Oslo"',
        b"\xff",
        b"[" * 100_000,
        b'{"city":"a","near":[1]}',
    ],
)
async def test_an_argument_of_another_type_never_reaches_the_embedder(argument: bytes) -> None:
    def never(where: Where) -> None:
        raise AssertionError

    assert (await asked(never, argument))["code"] == "invalid_argument"


async def test_the_embedders_own_refusal_reaches_the_function_and_no_other_error_does(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert await asked(lookup, b'{"city":"Atlantis"}') == {"code": "not_found", "message": "no such city"}
    with caplog.at_level(logging.ERROR, "isthmus"):
        said = await asked(lookup, b'{"city":"Secretville"}')
    assert said == {"code": "failed", "message": "the capability 'geo.lookup' failed"}
    assert "'geo.lookup' failed: ValueError at" in caplog.text
    assert "hunter2" not in caplog.text


async def test_a_result_of_another_type_is_the_embedders_fault() -> None:
    def wrong(where: Any) -> Place:
        return "no place"  # type: ignore[return-value]

    assert (await asked(wrong))["code"] == "failed"


async def test_plain_functions_those_without_argument_and_those_that_ask_who_calls() -> None:
    assert await asked(lambda: 7, b'"whatever"') is not None
    assert await asked(lambda given: given, b'{"a":[1,null]}') == {"a": [1, None]}

    def who(argument: None, caller: Caller) -> list[str]:
        return [caller.function, caller.instance]

    assert await asked(who) == ["f", "ours"]


async def test_each_use_is_bounded_in_size_number_and_time(autojump_clock: object) -> None:
    small = Limits(capability_bytes=100)
    assert (await asked(lambda given: given, b'"%s"' % (b"x" * 200), limits=small))["code"] == "limit"
    assert (await asked(lambda: "x" * 200, limits=small))["code"] == "limit"
    assert (await asked(lambda: 1, limits=Limits(capabilities=0)))["code"] == "limit"
    assert (await asked(lambda: 1, limits=Limits(operations=0)))["code"] == "limit"

    async def slow() -> None:
        await trio.sleep(3)

    assert (await asked(slow, timeout=1))["message"] == "the capability 'geo.lookup' took longer than 1 s"
    assert await asked(slow) is None


async def test_a_call_out_of_time_cancels_what_it_waits_for(autojump_clock: object) -> None:
    ended = []

    async def endless() -> None:
        try:
            await trio.sleep_forever()
        finally:
            ended.append(trio.current_time())

    async with engine_with(
        {"onTrack": asking("geo.lookup", b"null")}, capabilities={"geo.lookup": endless}
    ) as engine:
        instance = await engine.load(function(capabilities=("geo.lookup",)))
        outcome = await engine.invoke(instance, TRACK)
        assert outcome.problem is not None
        assert outcome.problem.name == "Timeout"
        assert outcome.usage.capabilities == 1
        assert len(ended) == 1


async def test_a_grant_of_what_is_not_offered_is_an_error_when_it_is_loaded() -> None:
    async with engine_with({"onTrack": asking("geo.lookup", b"null")}) as engine:
        engine.capability("geo.lookup")(lookup)
        with pytest.raises(isthmus.EngineError, match=r"'geo\.lokup', which .* did you mean 'geo\.lookup'\?"):
            await engine.load(function(capabilities=("geo.lokup",)))
        with pytest.raises(isthmus.EngineError, match="offered already"):
            engine.capability("geo.lookup")(lookup)


@pytest.mark.parametrize("name", ["", "Geo", "geo.", ".geo", "geo lookup", "geo\n", "a" * 101, "1geo"])
async def test_a_capability_has_a_name_of_words(name: str) -> None:
    async with engine_with({}) as engine:
        with pytest.raises(isthmus.EngineError, match="named by words"):
            engine.capability(name)(lookup)


async def test_a_function_that_is_none_is_refused_when_it_is_offered() -> None:
    def too_many(one: int, two: int, three: int) -> None: ...

    def untyped(argument: complex) -> None: ...

    async with engine_with({}) as engine:
        with pytest.raises(isthmus.EngineError, match="function of its argument"):
            engine.capability("a")(too_many)
        with pytest.raises(isthmus.EngineError, match="no JSON is of"):
            engine.capability("a")(untyped)
        with pytest.raises(isthmus.EngineError, match="positive number"):
            engine.capability("a", timeout=0)(lookup)


class Offering:
    @hookimpl
    def isthmus_capabilities(self) -> dict[str, Callable[..., Any]]:
        return {"geo.lookup": lookup}


class Broken:
    @hookimpl
    def isthmus_capabilities(self) -> dict[str, Callable[..., Any]]:
        return {"No Name": lookup}


async def test_plugins_offer_capabilities_and_a_broken_one_is_left_out() -> None:
    handlers = {"onTrack": asking("geo.lookup", b'{"city":"Oslo"}')}
    async with engine_with(handlers, Offering(), Broken()) as engine:
        instance = await engine.load(function(capabilities=("geo.lookup",)))
        outcome = await engine.invoke(instance, TRACK)
        assert msgspec.json.decode(outcome.value or b"")["name"] == "Oslo"
        said = {info.name: (info.offers, info.error) for info in engine.plugins}
        assert said["Offering"] == (("capability geo.lookup",), "")
        assert "isthmus_capabilities failed" in said["Broken"][1]
    with pytest.raises(isthmus.PluginError, match=r"'Offering' and 'Offering-2' both offer the capability"):
        async with engine_with(handlers, Offering(), Offering()):
            pass
