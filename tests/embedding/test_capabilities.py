"""One capability, used by functions of every language in the same way."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

import isthmus
from isthmus import Caller, CapabilityError

JAVASCRIPT = """
async function onTrack(event) {
  try {
    return { got: await capability(event.name, event.argument) }
  } catch (error) {
    return { name: error.name, code: error.code, message: error.message, known: error instanceof CapabilityError }
  }
}
"""

PYTHON = """
from isthmus_guest import CapabilityError, capability

def on_track(event, settings):
    try:
        return {"got": capability(event["name"], event.get("argument"))}
    except CapabilityError as error:
        return {"name": type(error).__name__, "code": error.code, "message": str(error), "known": True}
"""

ASYNC_PYTHON = """
import asyncio
from isthmus_guest import acapability

async def on_track(event, settings):
    return await asyncio.gather(*(acapability("geo.lookup", {"city": name}) for name in ("Oslo", "Bergen")))
"""


class Where(msgspec.Struct):
    city: str


def lookup(where: Where, caller: Caller) -> dict[str, Any]:
    if where.city == "Atlantis":
        raise CapabilityError("no such city: é", code="not_found")
    if where.city == "Secretville":
        raise ValueError("hunter2")
    return {"city": where.city, "of": caller.instance, "unit": "°"}


async def outcomes_of(language: str, code: str, *events: dict[str, Any], granted: bool = True) -> list[Any]:
    async with isthmus.open_engine(capabilities={"geo.lookup": lookup}) as engine:
        instance = await engine.load(
            isthmus.Function(
                name="f",
                kind=isthmus.Kind.DESTINATION,
                language=language,
                code=code,
                capabilities=("geo.lookup",) if granted else (),
            ),
            limits=isthmus.Limits(wall=60),
        )
        found = []
        for event in events:
            outcome = await engine.invoke(instance, {"type": "track", **event})
            assert outcome.ok, outcome.problem
            assert outcome.usage.capabilities == int(granted and event.get("name") == "geo.lookup")
            found.append(msgspec.json.decode(outcome.value or b"null"))
        return found


def asking(city: object, name: str = "geo.lookup") -> dict[str, Any]:
    return {"name": name, "argument": {"city": city}}


@pytest.mark.parametrize(("language", "code"), [("javascript", JAVASCRIPT), ("python", PYTHON)])
async def test_a_function_gets_an_answer_or_its_own_error(language: str, code: str) -> None:
    oslo, atlantis, secret, wrong, other = await outcomes_of(
        language,
        code,
        asking("Oslo é"),
        asking("Atlantis"),
        asking("Secretville"),
        asking(1),
        asking("", "geo.other"),
    )
    assert oslo == {"got": {"city": "Oslo é", "of": "f", "unit": "°"}}
    assert atlantis == {
        "name": "CapabilityError", "code": "not_found", "message": "no such city: é", "known": True
    }  # fmt: skip
    assert (secret["code"], secret["message"]) == ("failed", "the capability 'geo.lookup' failed")
    assert wrong["code"] == "invalid_argument"
    assert other["code"] == "not_granted"


@pytest.mark.parametrize(("language", "code"), [("javascript", JAVASCRIPT), ("python", PYTHON)])
async def test_a_function_that_was_granted_nothing_gets_nothing(language: str, code: str) -> None:
    (said,) = await outcomes_of(language, code, asking("Oslo"), granted=False)
    assert said["code"] == "not_granted"


async def test_several_are_used_at_once() -> None:
    code = """
    async function onTrack() {
      return Promise.all(["Oslo", "Bergen"].map((city) => capability("geo.lookup", { city })))
    }
    """
    async with isthmus.open_engine(capabilities={"geo.lookup": lookup}) as engine:
        for language, text in (("javascript", code), ("python", ASYNC_PYTHON)):
            function = isthmus.Function(
                name="f",
                kind=isthmus.Kind.DESTINATION,
                language=language,
                code=text,
                capabilities=("geo.lookup",),
            )
            outcome = await engine.invoke(await engine.load(function), {"type": "track"})
            found = msgspec.json.decode(outcome.value or b"null")
            assert [place["city"] for place in found] == ["Oslo", "Bergen"], outcome.problem


async def test_an_argument_that_json_has_no_form_of() -> None:
    code = """
    async function onTrack() {
      const cycle = {}; cycle.cycle = cycle
      const kinds = []
      for (const argument of [undefined, () => 1, cycle, 1n]) {
        kinds.push(await capability("geo.lookup", argument).catch((error) => error.code ?? error.name))
      }
      return kinds
    }
    """
    async with isthmus.open_engine(capabilities={"geo.lookup": lookup}) as engine:
        function = isthmus.Function(
            name="f",
            kind=isthmus.Kind.DESTINATION,
            language="javascript",
            code=code,
            capabilities=("geo.lookup",),
        )
        outcome = await engine.invoke(await engine.load(function), {"type": "track"})
        assert msgspec.json.decode(outcome.value or b"null") == [
            "invalid_argument", "invalid_argument", "TypeError", "TypeError"
        ]  # fmt: skip


async def test_it_can_not_be_used_while_the_code_loads() -> None:
    async with isthmus.open_engine(capabilities={"geo.lookup": lookup}) as engine:
        function = isthmus.Function(
            name="f",
            kind=isthmus.Kind.DESTINATION,
            language="javascript",
            code='capability("geo.lookup", {})',
        )
        with pytest.raises(isthmus.LoadError, match="can't be used while the code loads"):
            await engine.load(function)


async def test_a_taped_call_replays_without_the_embedder() -> None:
    from isthmus.tapes import Recording, Tape

    tapes: list[Tape] = []

    def keep(tape: Tape, data: bytes) -> str:
        tapes.append(tape)
        return ""

    async with isthmus.open_engine(
        capabilities={"geo.lookup": lookup}, record=Recording(keep=keep)
    ) as engine:
        for language, code in (("javascript", JAVASCRIPT), ("python", PYTHON)):
            function = isthmus.Function(
                name="f",
                kind=isthmus.Kind.DESTINATION,
                language=language,
                code=code,
                capabilities=("geo.lookup",),
            )
            instance = await engine.load(function)
            for city in ("Oslo", "Atlantis", "Secretville"):
                await engine.invoke(instance, {"type": "track", **asking(city)})
    assert len(tapes) == 6
    async with isthmus.open_engine() as engine:  # offers nothing
        for tape in tapes:
            replayed = await engine.replay(tape)
            assert replayed.divergence is None
            if tape.definition.language == "javascript":
                assert replayed.identical, replayed.differences
