"""Python on tape: effects, their order and chance are replayed; clocks are the machine's, and that is said."""

from __future__ import annotations

import pytest
from tests.python import Functions

from isthmus import Outcome
from isthmus.tapes import Answered, Fetch, Recording, Replayed, Tape, decode

BODIES = {
    "one after the other": """
        from isthmus_guest import cache, fetch
        import random, secrets, uuid

        def on_track(event, settings):
            first = fetch("https://api.example/a", method="POST", body=str(random.random())).json()
            kept = cache.load("key", 60, lambda: {"id": str(uuid.uuid4())})
            print(first["body"], kept)
            try:
                fetch("https://api.example/broken/" + secrets.token_hex(4))
            except Exception as error:
                print(type(error).__name__, error)
            return [first, kept, random.random(), uuid.uuid4().hex]
    """,
    "several at once": """
        import asyncio, random
        from isthmus_guest import afetch

        async def on_track(event, settings):
            async def one(n):
                answer = await afetch(f"https://api.example/{'slow' if n % 2 else 'quick'}/{n}")
                order.append(n)
                return answer.json()["url"]
            order = []
            urls = await asyncio.gather(*(one(n) for n in range(5)))
            return [urls, order, random.random()]
    """,
    "thrown": """
        import random
        from isthmus_guest import RetryError

        def on_track(event, settings):
            raise RetryError(f"not with {random.random()}")
    """,
}


async def record(functions: Functions, code: str) -> tuple[Outcome, Tape]:
    tapes: list[bytes] = []

    def keep(_tape: Tape, data: bytes) -> str:
        tapes.append(data)
        return "kept"

    instance = await functions.load(code, wall=60, cpu=60)
    outcome = await functions.engine.invoke(instance, {"type": "track"}, record=Recording(keep=keep))
    return outcome, decode(tapes[0])


async def replay(functions: Functions, tape: Tape) -> Replayed:
    """A replay, and that nothing has gone out for it."""
    before = len(functions.fetcher.requests)
    again = await functions.engine.replay(tape)
    assert len(functions.fetcher.requests) == before
    return again


@pytest.mark.parametrize("body", BODIES)
async def test_effects_and_chance_are_as_on_the_tape(functions: Functions, body: str) -> None:
    outcome, tape = await record(functions, BODIES[body])
    assert (outcome.problem is None) == (body != "thrown"), outcome.problem
    again = await replay(functions, tape)
    assert again.identical, (again.divergence, again.differences)
    assert bytes(again.outcome.value or b"") == bytes(outcome.value or b"")


async def test_what_is_asked_at_once_is_on_the_tape_in_the_order_of_the_asking(functions: Functions) -> None:
    _, tape = await record(functions, BODIES["several at once"])
    asked = [effect.request.url[-1] for effect in tape.effects if isinstance(effect, Fetch)]
    assert asked == ["0", "1", "2", "3", "4"]
    assert len([effect for effect in tape.effects if isinstance(effect, Answered)]) == 5


async def test_a_clock_begins_where_it_did_and_is_said_to_differ(functions: Functions) -> None:
    code = """
        import time
        def on_track(event, settings):
            return time.time()
    """
    outcome, tape = await record(functions, code)
    again = await replay(functions, tape)
    assert abs(float(bytes(again.outcome.value or b"0")) - tape.head.at) < 60
    assert [difference.part for difference in again.differences if difference.part == "value"] == ["value"]
    assert outcome.problem is None
