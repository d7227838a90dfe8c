"""``isthmus queue`` and ``isthmus dead``, over a storage in memory."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
import trio

from isthmus import hookimpl
from isthmus._cli.queue import watch
from isthmus.queues import Entry, OpenQueue, Queue
from isthmus.testing import MemoryQueue

from .conftest import Isthmus, Ran
from .test_progress import drawn, terminal

Call = Callable[..., Ran]
URL = "mine:storage"


@pytest.fixture
def queue() -> MemoryQueue:
    """Three queues: deliveries that wait, are claimed and delayed; three that were given up; nothing."""
    queue = MemoryQueue(clock=lambda: 1000.0)

    async def fill() -> None:
        for name in ("destination:crm", "destination:mail", "empty"):
            await queue.declare(name)
        await queue.publish(
            [Entry(queue="destination:crm", message_id=f"c{n}", body=b'{"n":%d}' % n) for n in range(5)]
        )
        first, second, third = await queue.claim("destination:crm", 3)
        await queue.retry([(first, 60.0)])
        await queue.dead_letter([(second, "BadRequest: no such\x1b[31m user")])
        bodies = {"m0": b'{"type":"track","text":"\xc3\xa9"}', "m1": b"\xff\x00no JSON"}
        await queue.publish(
            [Entry(queue="destination:mail", message_id=key, body=body) for key, body in bodies.items()]
        )
        await queue.dead_letter([(claim, "window") for claim in await queue.claim("destination:mail", 2)])
        assert third.message_id == "c2"

    trio.run(fill)
    return queue


@pytest.fixture
def call(isthmus: Isthmus, queue: MemoryQueue) -> Call:
    @asynccontextmanager
    async def opened(_url: str, _options: Mapping[str, str]) -> AsyncIterator[Queue]:
        yield queue

    @hookimpl
    def isthmus_queues() -> Mapping[str, OpenQueue]:
        return {"mine": opened}

    plugin = SimpleNamespace(__name__="mine", isthmus_queues=isthmus_queues)
    return lambda *argv: isthmus(*argv, plugins=[plugin])


def ids_of(queue: MemoryQueue) -> list[str]:
    async def dead() -> list[str]:
        return [letter.id for letter in await queue.dead()]

    return trio.run(dead)


def test_each_queue_is_counted(call: Call) -> None:
    ran = call("queue", URL)
    rows = {line.split()[0]: line.split()[1:5] for line in ran.out.splitlines()[1:]}
    assert rows == {
        "destination:crm": ["2", "1", "1", "1"],
        "destination:mail": ["0", "0", "0", "2"],
        "empty": ["0", "0", "0", "0"],
    }
    lines = [json.loads(line) for line in call("queue", URL, "--json").out.splitlines()]
    assert [(line["queue"], line["waiting"], line["dead"]) for line in lines] == [
        ("destination:crm", 2, 1),
        ("destination:mail", 0, 2),
        ("empty", 0, 0),
    ]


def test_dead_letters_are_listed_with_their_reason(call: Call) -> None:
    out = call("dead", "list", URL).out
    assert [line.split()[2] for line in out.splitlines()[1:]] == ["c1", "m0", "m1"]
    assert "BadRequest: no such\\x1b[31m user" in out
    mail = call("dead", "list", URL, "--queue", "destination:mail", "--limit", "1").out
    assert [line.split()[2] for line in mail.splitlines()[1:]] == ["m0"]
    assert call("dead", "list", URL, "--queue", "empty").out == "there are no dead letters\n"


def test_letters_are_chosen_by_reason_and_time(call: Call, queue: MemoryQueue) -> None:
    def shown(*options: str) -> list[str]:
        return [line.split()[2] for line in call("dead", "list", URL, *options).out.splitlines()[1:]]

    assert shown("--reason", "no such") == ["c1"]
    assert shown("--since", "1970-01-01T00:16:40") == ["c1", "m0", "m1"]
    assert shown("--until", "1970-01-01T00:16:40") == []
    assert call("dead", "retry", URL, "--all", "--reason", "window").out.startswith("2 dead letters put back")
    assert shown() == ["c1"]


async def test_on_a_terminal_counts_are_drawn_over_themselves_with_how_fast_they_change(
    queue: MemoryQueue, monkeypatch: pytest.MonkeyPatch, autojump_clock: object
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    await queue.declare("q" * 60)
    with terminal() as (screen, drawn_to):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch, queue, screen, 2.0)
            await trio.sleep(1.0)
            await queue.publish([Entry(queue="empty", message_id=f"e{n}", body=b"{}") for n in range(10)])
            await trio.sleep(2.0)
            nursery.cancel_scope.cancel()
        text = drawn(drawn_to).decode()
    first, again = text.split("\x1b[6A\x1b[J")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", again)
    assert max(map(len, plain.splitlines())) <= 80
    rows = {line.split()[0]: line.split()[1:] for line in plain.splitlines()[1:-1]}
    assert rows["empty"][0] == "10"
    assert rows["empty"][-1] == "+5"
    assert rows["destination:crm"][-1] == "+0"
    assert "every 2.0 s; Ctrl-C ends it" in first


def test_one_is_shown_in_full(call: Call, queue: MemoryQueue) -> None:
    ran = call("dead", "show", URL, ids_of(queue)[1], "999")
    assert ran.status == 1
    assert '  "type": "track",\n  "text": "é"' in ran.out
    assert "after 1 attempt\n" in ran.out
    assert "there is no dead letter 999\n" in ran.out


def test_all_can_be_exported_whatever_they_hold(call: Call) -> None:
    letters = [json.loads(line) for line in call("dead", "export", URL).out.splitlines()]
    assert [letter.get("body") for letter in letters] == [{"n": 1}, {"type": "track", "text": "é"}, None]
    assert letters[2]["body_base64"] == "/wBubyBKU09O"
    assert [letter["reason"] for letter in letters[1:]] == ["window", "window"]


def test_letters_go_back_into_their_queues(call: Call, queue: MemoryQueue) -> None:
    first, second, third = ids_of(queue)
    ran = call("dead", "retry", URL, first, third)
    assert (ran.status, ran.out) == (0, "2 dead letters put back into their queues\n")
    assert ids_of(queue) == [second]

    async def waiting() -> list[str]:
        return [claim.message_id for claim in await queue.claim("destination:mail", 9)]

    assert trio.run(waiting) == ["m1"]


def test_those_of_a_queue_are_let_go(call: Call, queue: MemoryQueue) -> None:
    ran = call("dead", "discard", URL, "--all", "--queue", "destination:mail")
    assert (ran.status, ran.out) == (0, "2 dead letters let go for good\n")
    assert len(ids_of(queue)) == 1
    assert call("dead", "discard", URL, "no-such").status == 1


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("retry", URL), "dead retry takes ids of letters, or --all"),
        (("discard", URL, "1", "--all"), "dead discard takes ids of letters, or --all"),
        (("show", URL), "dead show takes ids of letters"),
        (("bury", URL), "invalid choice: 'bury'"),
        (("list", "theirs:x"), "no plugin offers queues for theirs:"),
    ],
)
def test_a_wrong_call_is_said(argv: tuple[str, ...], said: str, call: Call) -> None:
    ran = call("dead", *argv)
    assert ran.status == 2
    assert said in ran.err
