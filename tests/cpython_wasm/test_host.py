"""What Python within WebAssembly asks of its host, and what it has of its own: time, chance, an event loop."""

from __future__ import annotations

import trio
from tests.python import Functions, lines_of, value_of


async def test_fetches_go_to_the_host_one_after_the_other_and_together(functions: Functions) -> None:
    code = """
    import asyncio
    from isthmus_guest import afetch, fetch
    def on_track(event, settings):
        return fetch("https://example.com/a", method="POST", json={"x": 1}).json()["body"]
    async def on_page(event, settings):
        endless = asyncio.create_task(afetch("https://example.com/forever"))
        found = await asyncio.gather(*(afetch(f"https://example.com/slow/{n}") for n in range(20)))
        return [[each.json()["url"][-2:] for each in found], endless.done()]
    """
    instance = await functions.load(code, wall=30.0)
    assert value_of(await functions.engine.invoke(instance, {"type": "track"})) == '{"x": 1}'
    urls, ended = value_of(await functions.engine.invoke(instance, {"type": "page"}))
    assert [int(url.strip("/")) for url in urls] == list(range(20))
    assert not ended


async def test_a_task_that_is_cancelled_gives_its_fetch_up(functions: Functions) -> None:
    code = """
    import asyncio
    from isthmus_guest import afetch, asleep
    async def on_track(event, settings):
        task = asyncio.ensure_future(afetch("https://example.com/forever"))
        await asleep(0.01)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            pass
        try:
            async with asyncio.timeout(0.02):
                await afetch("https://example.com/forever")
        except TimeoutError:
            return "timeout"
    """
    assert value_of(await functions.outcome(code, wall=30.0)) == "timeout"


async def test_the_cache_is_the_instances(functions: Functions) -> None:
    code = """
    from isthmus_guest import cache
    def on_track(event, settings):
        loaded = []
        value = cache.load("key", 60, lambda: loaded.append(1) or {"n": event["n"]})
        return [value, len(loaded)]
    """
    instance = await functions.load(code)
    first = await functions.engine.invoke(instance, {"type": "track", "n": 1})
    second = await functions.engine.invoke(instance, {"type": "track", "n": 2})
    assert [value_of(first), value_of(second)] == [[{"n": 1}, 1], [{"n": 1}, 0]]


async def test_time_and_chance_are_the_calls(functions: Functions) -> None:
    code = """
    import datetime, os, random, secrets, tempfile, time, uuid
    def on_track(event, settings):
        return {
            "times": [time.time(), time.time_ns() / 1e9, datetime.datetime.now().timestamp(), datetime.datetime.now(datetime.UTC).timestamp()],
            "chance": [random.random(), random.Random().random(), os.urandom(4).hex(), str(uuid.uuid4()), secrets.token_hex(4)],
        }
    """
    instance = await functions.load(code)
    functions.engine._calling.wall_clock = lambda: 1_000_000_000.0
    functions.engine._calling.entropy = bytes
    found = [value_of(await functions.engine.invoke(instance, {"type": "track"})) for _ in range(2)]
    for each in found:
        assert all(0 <= moment - 1e9 < 60 for moment in each["times"])
    assert found[0]["chance"] == found[1]["chance"]
    functions.engine._calling.entropy = lambda size: b"\1" * size
    other = value_of(await functions.engine.invoke(instance, {"type": "track"}))
    assert not set(other["chance"]) & set(found[0]["chance"])


async def test_an_event_loop_has_what_one_has(functions: Functions) -> None:
    code = """
    import asyncio
    def on_page(event, settings):
        async def inner():
            await asyncio.sleep(0)
            return "run"
        return asyncio.run(inner())
    async def on_track(event, settings):
        order = []
        loop = asyncio.get_running_loop()
        loop.call_soon(order.append, "soon")
        queue = asyncio.Queue()
        async with asyncio.TaskGroup() as group:
            group.create_task(queue.put("queued"))
            order.append(await queue.get())
        loop.call_later(0.01, order.append, "later")
        await asyncio.sleep(0.03)
        order.append(await asyncio.to_thread(str.upper, "in place"))
        return order
    async def on_screen(event, settings):
        await asyncio.get_running_loop().create_future()
    """
    instance = await functions.load(code, wall=30.0)
    assert value_of(await functions.engine.invoke(instance, {"type": "page"})) == "run"
    order = ["soon", "queued", "later", "IN PLACE"]
    assert value_of(await functions.engine.invoke(instance, {"type": "track"})) == order
    stuck = await functions.engine.invoke(instance, {"type": "screen"})
    assert stuck.problem is not None
    assert stuck.problem.message == "every task waits for another, and nothing is asked of the host"


async def test_the_library_is_there(functions: Functions) -> None:
    code = """
    import base64, collections, csv, dataclasses, decimal, difflib, email.message, fractions, hashlib, hmac, html, io, ipaddress, itertools
    import json, logging, re, sqlite3, statistics, string, struct, textwrap, tomllib, unicodedata, urllib.parse, uuid, zlib, zoneinfo
    import datetime, xml.etree.ElementTree as tree
    def on_track(event, settings):
        return [
            hashlib.sha256(b"a").hexdigest()[:8], hmac.new(b"k", b"m", "sha256").hexdigest()[:8],
            str(decimal.Decimal("0.1") + decimal.Decimal("0.2")), tree.fromstring("<a><b>c</b></a>").find("b").text,
            tomllib.loads("a = 1"), b"\\xe9".decode("latin-1"), "\\u20ac".encode("cp1252").hex(), unicodedata.name("\\xe9"),
            list(csv.reader(["a,b"])), re.sub(r"(?P<x>a)", r"<\\g<x>>", "cat"), statistics.median([3, 1, 2]),
            datetime.datetime(2024, 7, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")).isoformat(), len(zoneinfo.available_timezones()) > 400,
            sqlite3.connect(":memory:").execute("select 1 + 1").fetchone(), zlib.decompress(zlib.compress(b"x")).decode(),
        ]
    """
    assert value_of(await functions.outcome(code)) == [
        "ca978112", "b60090e3", "0.3", "c", {"a": 1}, "é", "80", "LATIN SMALL LETTER E WITH ACUTE",
        [["a", "b"]], "c<a>t", 2, "2024-07-01T00:00:00+02:00", True, [2], "x",
    ]  # fmt: skip


async def test_a_world_is_fresh_but_where_it_is_to_be_kept(functions: Functions) -> None:
    code = """
    import builtins, json
    calls = []
    def on_track(event, settings):
        calls.append(1)
        builtins.left = getattr(builtins, "left", 0) + 1
        json.left = getattr(json, "left", 0) + 1
        return [len(calls), builtins.left, json.left]
    """
    for isolation, expected in (("call", [[1, 1, 1]] * 3), ("instance", [[n, n, n] for n in (1, 2, 3)])):
        instance = await functions.load(code, isolation=isolation)
        found = [value_of(await functions.engine.invoke(instance, {"type": "track"})) for _ in range(3)]
        assert found == expected


async def test_many_calls_at_once_do_not_meet(functions: Functions) -> None:
    code = """
    from isthmus_guest import afetch
    async def on_track(event, settings):
        print(event["n"])
        answer = await afetch(f"https://example.com/slow/{event['n']}")
        return answer.json()["url"].rpartition("/")[2]
    """
    instance = await functions.load(code, wall=60.0)
    found: dict[int, object] = {}

    async def call(number: int) -> None:
        outcome = await functions.engine.invoke(instance, {"type": "track", "n": number})
        found[number] = (value_of(outcome), lines_of(outcome))

    async with trio.open_nursery() as nursery:
        for number in range(40):
            nursery.start_soon(call, number)
    assert found == {number: (str(number), [("log", str(number))]) for number in range(40)}
