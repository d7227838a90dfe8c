"""Ordinary Python, as people write it, in a confined process: what of the standard library works, and what does not."""

from __future__ import annotations

from typing import Any

import pytest
from tests.python import LEVELS, Functions, handler, open_functions, value_of

from isthmus import Kind, Status

WORKS: dict[str, tuple[str, Any]] = {
    "asyncio": (
        """
        import asyncio
        async def double(n):
            await asyncio.sleep(0)
            return 2 * n
        async def main():
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(double(n)) for n in range(3)]
            queue = asyncio.Queue()
            await queue.put(await asyncio.to_thread(lambda: "thread"))
            try:
                await asyncio.wait_for(asyncio.Event().wait(), 0.01)
            except TimeoutError:
                return [task.result() for task in tasks] + [await queue.get()]
        return asyncio.run(main())
        """,
        [0, 2, 4, "thread"],
    ),
    "os.devnull": (
        """
        import contextlib, os
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            print("unheard")
        return open(os.devnull).read()
        """,
        "",
    ),
    "zoneinfo": (
        """
        from datetime import datetime
        from zoneinfo import ZoneInfo
        there = datetime(2024, 7, 1, 12, tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo("Europe/Zurich"))
        return there.isoformat()
        """,
        "2024-07-01T14:00:00+02:00",
    ),
    "datetime": (
        """
        from datetime import UTC, datetime, timedelta
        parsed = datetime.fromisoformat("2024-02-28T23:30:00+00:00")
        assert datetime.now(UTC) > parsed
        return (parsed + timedelta(days=1)).strftime("%A %d %B %Y")
        """,
        "Thursday 29 February 2024",
    ),
    "sqlite3": (
        """
        import sqlite3
        with sqlite3.connect(":memory:") as base:
            base.execute("create table t (a integer, b text)")
            base.executemany("insert into t values (?, ?)", [(1, "x"), (2, "y")])
            return base.execute("select sum(a), group_concat(b) from t").fetchone()
        """,
        [3, "x,y"],
    ),
    "hashlib": (
        """
        import hashlib, hmac
        return [hashlib.sha256(b"a").hexdigest()[:8], hmac.new(b"k", b"m", "sha1").hexdigest()[:8],
                hashlib.md5(b"a").hexdigest()[:8], hashlib.blake2b(b"a", digest_size=4).hexdigest()]
        """,
        ["ca978112", "772b71c8", "0cc175b9", "ca234c55"],
    ),
    "decimal": (
        "from decimal import Decimal, getcontext\ngetcontext().prec = 30\nreturn str(Decimal(1) / 3)",
        "0." + "3" * 30,
    ),
    "re": ("import re\nreturn re.sub(r'(?P<d>\\d+)', lambda m: str(int(m['d']) * 2), 'a1b22')", "a2b44"),
    "dataclasses": (
        """
        from dataclasses import asdict, dataclass, field, replace
        @dataclass(frozen=True, slots=True)
        class Point:
            x: int
            tags: list[str] = field(default_factory=list)
        return asdict(replace(Point(1), x=2))
        """,
        {"x": 2, "tags": []},
    ),
    "json": ("import json\nreturn json.loads(json.dumps({'a': [1, None, 'ü']}))", {"a": [1, None, "ü"]}),
    "uuid and random": (
        """
        import random, secrets, uuid
        name = str(uuid.uuid5(uuid.NAMESPACE_DNS, "a"))[:8]
        shuffled = sorted(random.sample(range(3), 3))
        return [len(str(uuid.uuid4())), name, 0 <= random.random() < 1, len(secrets.token_hex(4)), shuffled]
        """,
        [36, "4f3f2898", True, 8, [0, 1, 2]],
    ),
    "threads": (
        """
        import threading
        from concurrent.futures import ThreadPoolExecutor
        local, lock, total = threading.local(), threading.Lock(), [0]
        def add(n):
            local.n = n
            with lock:
                total[0] += local.n
            return n
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(add, range(10))) == list(range(10))
        thread = threading.Thread(target=add, args=(5,))
        thread.start()
        thread.join()
        return total[0]
        """,
        50,
    ),
    "logging": (
        """
        import io, logging
        stream = io.StringIO()
        logger = logging.getLogger("mine")
        logger.addHandler(logging.StreamHandler(stream))
        logger.propagate = False
        logger.warning("careful %d", 1)
        return stream.getvalue()
        """,
        "careful 1\n",
    ),
    "text and structure": (
        """
        import collections, csv, difflib, functools, io, itertools, statistics, string, textwrap, urllib.parse
        rows = list(csv.DictReader(io.StringIO("a,b\\n1,2\\n")))
        counted = collections.Counter("banana").most_common(1)
        return [rows, counted, functools.reduce(lambda a, b: a * b, itertools.islice(itertools.count(1), 5)),
                statistics.median([3, 1, 2]), string.Template("$x").substitute(x=1), textwrap.dedent("  a"),
                urllib.parse.parse_qs("a=1&a=2"), difflib.get_close_matches("appel", ["ape", "apple"])]
        """,
        [[{"a": "1", "b": "2"}], [["a", 3]], 120, 2, "1", "a", {"a": ["1", "2"]}, ["apple", "ape"]],
    ),
    "formats": (
        """
        import base64, binascii, configparser, email.message, gzip, html, struct, tomllib, xml.etree.ElementTree as xml, zlib
        message = email.message.EmailMessage()
        message["Subject"] = "hi"
        return [base64.b64encode(b"a").decode(), gzip.decompress(gzip.compress(b"z")).decode(), html.escape("<"),
                struct.pack(">I", 1).hex(), tomllib.loads("a = 1"), xml.fromstring("<a><b>c</b></a>").findtext("b"),
                zlib.crc32(b"a"), message["subject"], binascii.hexlify(b"a").decode()]
        """,
        ["YQ==", "z", "&lt;", "00000001", {"a": 1}, "c", 3904355907, "hi", "61"],
    ),
    "what is imported late": (
        "import importlib\nreturn importlib.import_module('colorsys').rgb_to_hsv(0, 0, 1)[2]",
        1,
    ),
    "signals and alarms": (
        """
        import signal
        fired = []
        signal.signal(signal.SIGALRM, lambda *_: fired.append(1))
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        while not fired:
            pass
        return fired
        """,
        [1],
    ),
    "generators, classes, matching": (
        """
        class Base:
            def __init_subclass__(cls, **keywords):
                cls.named = keywords
        class Kind(Base, name="k"):
            __match_args__ = ("a",)
            def __init__(self, a):
                self.a = a
        def generate():
            yield from range(2)
            return 3
        match Kind(5):
            case Kind(a) if a > 1:
                return [a, Kind.named, list(generate()), [*map(lambda x: x, "ab")]]
        """,
        [5, {"name": "k"}, [0, 1], ["a", "b"]],
    ),
}

FILES = """
import pathlib, tempfile, os
place = pathlib.Path(tempfile.mkdtemp())
(place / "a" / "b").mkdir(parents=True)
(place / "a" / "b" / "c.txt").write_text("text")
(place / "a" / "b" / "c.txt").rename(place / "d.txt")
with tempfile.NamedTemporaryFile("w+", suffix=".csv") as file:
    file.write("1,2")
    file.seek(0)
    read = file.read()
with tempfile.TemporaryDirectory() as directory:
    open(os.path.join(directory, "x"), "wb").write(bytes(1000))
    size = os.stat(os.path.join(directory, "x")).st_size
return [sorted(p.name for p in place.rglob("*")), (place / "d.txt").read_text(), read, size, tempfile.gettempdir(), os.path.samefile(os.getcwd(), "/tmp")]
"""


@pytest.mark.parametrize("name", WORKS)
async def test_it_works(functions: Functions, name: str) -> None:
    body, expected = WORKS[name]
    assert await functions.value(body) == expected


@pytest.mark.parametrize("level", LEVELS)
async def test_most_of_it_works_at_every_level(level: str) -> None:
    async with open_functions(level) as functions:
        for name in ("asyncio", "zoneinfo", "sqlite3", "threads", "what is imported late"):
            body, expected = WORKS[name]
            assert await functions.value(body) == expected, name


async def test_files_in_its_own_tmp(functions: Functions) -> None:
    await functions.load("def on_track(event, settings): pass")
    reached = functions.runtime.reached
    assert reached is not None
    if not reached.scratch:
        pytest.skip("functions have no place to write on this machine")
    assert await functions.value(FILES) == [["a", "b", "d.txt"], "text", "1,2", 1000, "/tmp", True]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("import subprocess; subprocess.run(['true'])", "BlockingIOError PermissionError FileNotFoundError"),
        ("import socket; socket.create_connection(('127.0.0.1', 9))", "PermissionError"),
        ("import urllib.request; urllib.request.urlopen('http://127.0.0.1:9/')", "URLError"),
        (
            "import multiprocessing; multiprocessing.Pool(1)",
            "PermissionError OSError BlockingIOError FileNotFoundError",
        ),
        ("open('/etc/passwd')", "FileNotFoundError PermissionError"),
        ("open('x.txt', 'w').write('x'); open('/x.txt', 'w')", "OSError PermissionError"),
        ("input()", "EOFError"),
        ("import trio", "ModuleNotFoundError"),
    ],
)
async def test_what_cannot_work_fails_with_an_ordinary_error(
    functions: Functions, body: str, error: str
) -> None:
    outcome = await functions.outcome(handler(body))
    assert outcome.problem is not None
    assert outcome.status is Status.REFUSED
    assert outcome.problem.name in error.split(), outcome.problem
    assert 'File "function.py", line 2, in on_track' in outcome.problem.stack


async def test_all_kinds_have_their_handlers_and_both_spellings(functions: Functions) -> None:
    from isthmus import Request

    for kind in Kind:
        for pythonic in (True, False):
            name = (
                ("on_request" if pythonic else "onRequest")
                if kind is Kind.SOURCE
                else ("on_group" if pythonic else "onGroup")
            )
            for start in ("def",) if pythonic else ("async def",):
                instance = await functions.load(
                    f"{start} {name}(given, settings): return {{'type': 'group'}}", kind=kind
                )
                given: Any = Request(body=b"{}") if kind is Kind.SOURCE else {"type": "group"}
                outcome = await functions.engine.invoke(instance, given)
                assert outcome.status is Status.DELIVERED, (kind, name, outcome.problem)
                assert kind is Kind.SOURCE or value_of(outcome) == {"type": "group"}
