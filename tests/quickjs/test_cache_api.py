"""cache.load and cache.delete."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from hypothesis import given, settings, strategies as st
from tests.javascript import FakeHost, Scripts, call_of

from isthmus.abc import CacheEntry


class Cache(FakeHost):
    """Notes what is asked of the cache."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[object] = []

    async def cache_load(self, key: str) -> CacheEntry:
        self.asked.append(("load", key))
        return await super().cache_load(key)

    def cache_store(self, key: str, value: bytes, ttl: float | None) -> None:
        self.asked.append(("store", key, value, ttl))
        super().cache_store(key, value, ttl)

    def cache_fail(self, key: str) -> None:
        self.asked.append(("fail", key))

    def cache_delete(self, key: str) -> None:
        self.asked.append(("delete", key))
        super().cache_delete(key)


async def test_a_value_is_loaded_once_and_found_by_the_next_call(scripts: Scripts) -> None:
    script = await scripts.body(
        "let loaded = 0; const v = await cache.load('k', 1500, async () => { loaded++; return { token: 't' } }); return [v, loaded]"
    )
    host = Cache()
    assert await script.value(host=host) == [{"token": "t"}, 1]
    assert await script.value(host=host) == [{"token": "t"}, 0]
    assert host.asked == [("load", "k"), ("store", "k", b'{"token":"t"}', 1.5), ("load", "k")]


TTL = {
    "cache.load('k', -1, f)": None,
    "cache.load('k', f)": None,
    "cache.load('k', undefined, f)": None,
    "cache.load('k', null, f)": None,
    "cache.load('k', NaN, f)": None,
    "cache.load('k', Infinity, f)": None,
    "cache.load('k', '250', f)": 0.25,
    "cache.load('k', 0, f)": 0.0,
    "cache.load(42, 60000, f)": 60.0,
}


@pytest.mark.parametrize(("call", "ttl"), TTL.items())
async def test_a_time_to_live_in_milliseconds_or_none(scripts: Scripts, call: str, ttl: float | None) -> None:
    host = Cache()
    assert await (await scripts.body(f"const f = () => 7; return {call}")).value(host=host) == 7
    assert host.asked[-1] == ("store", "42" if "42" in call else "k", b"7", ttl)


async def test_choice_12_loads_of_one_key_at_the_same_time_share_one_call(scripts: Scripts) -> None:
    body = """
        let loaded = 0;
        const load = () => cache.load('k', async () => { loaded++; await null; return loaded });
        const both = await Promise.all([load(), load(), cache.load('other', () => 'o')]);
        return [both, loaded, load() === load()];
    """
    assert await (await scripts.body(body)).value(host=Cache()) == [[1, 1, "o"], 1, True]


async def test_choice_12_a_loader_that_throws_caches_nothing(scripts: Scripts) -> None:
    body = """
        let tries = 0;
        const load = () => cache.load('k', async () => { if (!tries++) throw new RetryError('first'); return 'second' });
        try { await load() } catch (error) { return [error.name, await load(), tries] }
    """
    host = Cache()
    assert await (await scripts.body(body)).value(host=host) == ["RetryError", "second", 2]
    assert host.asked == [("load", "k"), ("fail", "k"), ("load", "k"), ("store", "k", b'"second"', None)]


NOT_KEPT = {
    "undefined": "undefined",
    "a Date": "new Date(0)",
    "a Map": "new Map()",
    "an instance of a class": "new (class Client { x = 1 })()",
    "a function": "() => 1",
    "a function within": "({ get: () => 1 })",
    "NaN": "NaN",
    "a BigInt": "1n",
    "a cycle": "(() => { const o = {}; o.o = o; return o })()",
    "a hole": "[undefined]",
    "a toJSON": "({ toJSON() { return 1 } })",
}


@pytest.mark.parametrize("value", NOT_KEPT.values(), ids=NOT_KEPT.keys())
async def test_what_json_would_change_is_handed_over_and_not_kept(scripts: Scripts, value: str) -> None:
    host = Cache()
    body = f"const v = {value}; return Object.is(await cache.load('k', () => v), v)"
    assert await (await scripts.body(body)).value(host=host) is True
    assert host.asked == [("load", "k"), ("fail", "k")]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=40)
@given(key=st.text(max_size=10), value=json_values)
async def test_what_json_can_hold_comes_back_as_it_was(scripts: Scripts, key: str, value: object) -> None:
    script = await scripts.body("return [await cache.load(event.key, 5000, () => event.value)]")
    host = Cache()
    assert await script.value(call_of({"key": key, "value": value}), host) == [value]
    assert await script.value(call_of({"key": key, "value": "another"}), host) == [value]
    assert list(host.cache) == [key]


async def test_a_key_is_forgotten(scripts: Scripts) -> None:
    host = Cache()
    body = "await cache.load('k', () => 1); const nothing = cache.delete('k'); return [nothing === undefined, await cache.load('k', () => 2)]"
    assert await (await scripts.body(body)).value(host=host) == [True, 2]
    assert ("delete", "k") in host.asked


async def test_something_to_load_with_is_needed(scripts: Scripts) -> None:
    thrown = await (await scripts.body("await cache.load('k', 5)")).thrown()
    assert thrown.name == "TypeError"
    assert "a function" in thrown.message


async def test_a_kept_world_asks_again_for_what_an_earlier_call_left_loading(scripts: Scripts) -> None:
    code = "async function onTrack(event) { const p = cache.load('k', () => 'v'); return event.wait ? await p : 'left' }"
    script = await scripts(code, isolation="instance")

    class Slow(Cache):
        async def cache_load(self, key: str) -> CacheEntry:
            await trio.sleep_forever()
            raise AssertionError

    assert await script.value(call_of({"wait": False}), Slow()) == "left"
    found: Any = await script.value(call_of({"wait": True}), Cache())
    assert found == "v"
