"""A cache within its bounds, each key loaded by one at a time."""

from __future__ import annotations

import math

import pytest
import trio
import trio.testing
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from isthmus._cache import ENTRY_OVERHEAD, Cache, Flight


async def loader_of(cache: Cache, key: str) -> Flight:
    flight = await cache.load(key)
    assert isinstance(flight, Flight)
    return flight


async def test_what_was_stored_is_found_until_it_expires(autojump_clock: trio.abc.Clock) -> None:
    cache = Cache()
    (await loader_of(cache, "k")).store(b"1", 10.0)
    await trio.sleep(9.9)
    assert await cache.load("k") == b"1"
    await trio.sleep(0.1)
    (await loader_of(cache, "k")).store(b"2", None)
    await trio.sleep(80_000)
    assert await cache.load("k") == b"2"


@pytest.mark.parametrize("ttl", [0.0, -1.0, -math.inf, math.nan])
async def test_what_expires_at_once_is_not_kept(ttl: float) -> None:
    cache = Cache()
    cache.put("k", b"1", ttl)
    assert len(cache) == 0
    assert isinstance(await cache.load("k"), Flight)


async def test_the_least_recently_used_goes_first() -> None:
    cache = Cache(max_entries=2)
    cache.put("a", b"1", None)
    cache.put("b", b"2", None)
    assert await cache.load("a") == b"1"
    cache.put("c", b"3", None)
    assert isinstance(await cache.load("b"), Flight)
    assert await cache.load("a") == b"1"


async def test_bytes_are_bounded_and_what_can_never_fit_evicts_nothing() -> None:
    cache = Cache(max_bytes=2 * (ENTRY_OVERHEAD + 11))
    cache.put("a", b"x" * 10, None)
    cache.put("b", b"x" * 10, None)
    cache.put("c", b"x" * 1000, None)
    assert len(cache) == 2
    cache.put("d", b"x" * 11, None)
    assert await cache.load("d") == b"x" * 11
    assert len(cache) == 1
    assert cache.size == ENTRY_OVERHEAD + 12


async def test_choice_12_concurrent_loads_of_one_key_share_one_loader(autojump_clock: trio.abc.Clock) -> None:
    cache = Cache()
    answers: list[bytes | Flight] = []

    async def load() -> None:
        answers.append(await cache.load("k"))

    flight = await loader_of(cache, "k")
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(load)
        await trio.testing.wait_all_tasks_blocked()
        assert answers == []
        flight.store(b"1", 0.0)  # reaches those who wait though it has expired at once
    assert answers == [b"1"] * 3
    assert isinstance(await cache.load("k"), Flight)


async def test_choice_12_a_loader_that_throws_caches_nothing_and_the_next_loads() -> None:
    cache = Cache()
    answers: list[tuple[str, bytes | Flight]] = []

    async def load(name: str) -> None:
        answers.append((name, await cache.load("k")))

    flight = await loader_of(cache, "k")
    async with trio.open_nursery() as nursery:
        for name in ("first", "second"):
            nursery.start_soon(load, name)
            await trio.testing.wait_all_tasks_blocked()
        flight.fail()
        await trio.testing.wait_all_tasks_blocked()
        ((name, handed),) = answers
        assert (name, isinstance(handed, Flight)) == ("first", True)
        assert isinstance(handed, Flight)
        handed.store(b"1", None)
    assert answers[1:] == [("second", b"1")]


async def test_a_waiter_that_is_cancelled_takes_no_flight_with_it() -> None:
    cache = Cache()
    flight = await loader_of(cache, "k")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(cache.load, "k")
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    flight.fail()
    assert isinstance(await cache.load("k"), Flight)


async def test_deleting_a_key_while_it_is_loaded_keeps_the_stale_value_out() -> None:
    cache = Cache()
    answers: list[bytes | Flight] = []

    async def load() -> None:
        answers.append(await cache.load("k"))

    stale = await loader_of(cache, "k")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(load)
        await trio.testing.wait_all_tasks_blocked()
        cache.delete("k")
        fresh = await loader_of(cache, "k")
        stale.store(b"stale", None)
        await trio.testing.wait_all_tasks_blocked()
        assert answers == [b"stale"]
    fresh.store(b"fresh", None)
    assert await cache.load("k") == b"fresh"


class CacheMachine(RuleBasedStateMachine):
    """One cache against a plain list of what it must hold, in the order of use."""

    keys = st.sampled_from("abcdef")

    @initialize(max_entries=st.integers(1, 4), room=st.sampled_from([1.0, 2.5, 100.0]))
    def start(self, max_entries: int, room: float) -> None:
        self.max_entries = max_entries
        self.max_bytes = int(room * (ENTRY_OVERHEAD + 20))
        self.clock = trio.testing.MockClock()
        self.cache = Cache(max_entries=max_entries, max_bytes=self.max_bytes)
        self.kept: dict[str, tuple[bytes, float]] = {}  # in the order of use
        self.now = 0.0

    def run(self, act: object) -> object:
        async def main() -> object:
            self.clock.jump(self.now - trio.current_time())
            return await act() if callable(act) else None

        self.clock = trio.testing.MockClock()
        return trio.run(main, clock=self.clock)

    @rule(key=keys, size=st.integers(0, 60), ttl=st.sampled_from([None, 1.0, 5.0, 0.0]))
    def put(self, key: str, size: int, ttl: float | None) -> None:
        value = b"x" * size

        async def act() -> None:
            self.cache.put(key, value, ttl)

        self.run(act)
        self.kept.pop(key, None)
        if ttl == 0.0 or self.cost(key, value) > self.max_bytes:
            return
        self.kept[key] = (value, math.inf if ttl is None else self.now + ttl)
        while len(self.kept) > self.max_entries or self.total() > self.max_bytes:
            del self.kept[next(iter(self.kept))]

    @rule(key=keys)
    def load(self, key: str) -> None:
        async def act() -> bytes | Flight:
            return await self.cache.load(key)

        found = self.run(act)
        value, expires = self.kept.pop(key, (b"", -math.inf))
        if self.now < expires:
            assert found == value
            self.kept[key] = (value, expires)
        else:
            assert isinstance(found, Flight)
            found.fail()

    @rule(key=keys)
    def delete(self, key: str) -> None:
        self.cache.delete(key)
        self.kept.pop(key, None)

    @precondition(lambda self: self.now < 100)
    @rule(seconds=st.sampled_from([0.5, 1.0, 4.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def is_within_its_bounds_and_counts_right(self) -> None:
        if not hasattr(self, "cache"):
            return
        assert len(self.cache) == len(self.kept) <= self.max_entries
        assert self.cache.size == self.total() <= self.max_bytes

    def total(self) -> int:
        return sum(self.cost(key, value) for key, (value, _) in self.kept.items())

    @staticmethod
    def cost(key: str, value: bytes) -> int:
        return ENTRY_OVERHEAD + len(key) + len(value)


TestCacheMachine = CacheMachine.TestCase
