"""Python on tape: effects, their order, chance and the clocks that a function can be given are replayed."""

from __future__ import annotations

import msgspec
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


async def test_clocks_stand_still_and_are_replayed(functions: Functions) -> None:
    code = """
        import asyncio, time
        from isthmus_guest import afetch, asleep

        async def on_track(event, settings):
            looks = [time.time(), time.monotonic(), time.perf_counter(), time.time_ns()]
            await afetch("https://api.example/slow")
            print("after a request", time.time())
            looks.append(time.time())
            await asyncio.sleep(0.02)
            looks.append(time.time())
            await asleep(0.02)
            looks.append(time.monotonic())
            time.sleep(0.01)
            return [*looks, time.time(), time.perf_counter_ns()]
    """
    outcome, tape = await record(functions, code)
    assert outcome.problem is None
    times = msgspec.json.decode(outcome.value or b"", type=list[float])
    assert times[0] - tape.head.at < 1e-4
    assert times[4] - times[0] >= 0.04, "what a request takes is time"
    assert times[5] - times[4] >= 0.02
    assert times[7] - times[5] >= 0.03
    again = await replay(functions, tape)
    assert again.identical, (again.divergence, again.differences)
    assert again.outcome.logs == outcome.logs


async def test_a_call_that_is_not_recorded_has_a_clock_that_goes(functions: Functions) -> None:
    code = """
        import time
        def on_track(event, settings):
            began, looks = time.monotonic(), 1
            while time.monotonic() - began < 0.01:
                looks += 1
            return looks
    """
    plain = await functions.engine.invoke(await functions.load(code, wall=60, cpu=60), {"type": "track"})
    assert plain.problem is None
    still, _ = await record(functions, code)
    assert 9_000 < int(bytes(still.value or b"0")) < 11_000, "a microsecond each look"
