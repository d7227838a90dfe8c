"""Two instances of one function share processes, one after the other: what hostile code of one call leaves for the next."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pytest
from tests.python import Functions, value_of

from isthmus_cpython_wasm.inside.world import Trespass, World
from isthmus_guest._channel import ANSWER, ARMED, ASK, CALL, END, FAULT, LOG, METERED, Channel

UNREAD = """
import json, time, wit_world
from isthmus_cpython_wasm.guest.frames import connection
EARLIER = []
CALL, ANSWER = chr(34), chr(35)

def look():
    while frame := wit_world.receive(0.0):
        if frame[0] == CALL:
            connection._held.append(frame)
            return
        EARLIER.append(frame)

look()

def on_track(event, settings):
    if event.get("asks"):
        wit_world.send(2, '{"op":"fetch","id":7,"url":"https://example.com/slow/secret"}')
        time.sleep(0.3)  # its answer comes, and nobody reads it
    return EARLIER
"""
EARLY = """
import json, sys, time, wit_world
from isthmus_cpython_wasm.guest.frames import connection
ARMED, END = 1, 4
EMPTY = b'{"handler":"onTrack","now":0,"seed":"","settings":{},"argument":{}}'

def is_called():
    frame = sys._getframe()
    while frame is not None and frame.f_code.co_name != "taken_up":
        frame = frame.f_back
    return frame is not None

def end(value):
    wit_world.send(END, json.dumps({"ok": True, "value": value}))

def act():
    wit_world.send(ARMED, "")
    if time.monotonic_ns() >> 10 & 1:
        end("before it was called")
    else:
        end(wit_world.receive(-1.0))
    # What follows is to return, so that the process goes on to its next instance.
    connection.wait = lambda seconds: False
    connection.send = lambda kind, payload: None
    connection.receive = lambda: (34, EMPTY)

if is_called():
    act()

def on_track(event, settings):
    return None
"""


async def test_an_answer_that_nobody_read_is_not_the_next_calls(functions: Functions) -> None:
    instance = await functions.load(UNREAD, wall=60.0)
    engine = functions.engine
    assert value_of(await engine.invoke(instance, {"type": "track", "asks": True})) == []
    for _ in range(4):
        assert value_of(await engine.invoke(instance, {"type": "track"})) == []


async def test_a_call_that_nobody_read_is_not_the_next_ones(functions: Functions) -> None:
    one = await functions.load(EARLY, wall=60.0, settings={"key": "secret"})
    other = await functions.load(EARLY, wall=60.0, settings={"key": "its own"})
    for _ in range(12):
        for instance, absent in ((one, "its own"), (other, "secret")):
            outcome = await functions.engine.invoke(instance, {"type": "track"})
            assert absent.encode() not in bytes(outcome.value or b"")


@contextmanager
def opened(*frames: tuple[int, bytes], keep: bool = False) -> Iterator[tuple[World, socket.socket]]:
    """A world whose host has sent frames, and the host's end."""
    here, there = socket.socketpair()
    with here, there:
        for kind, payload in frames:
            here.sendall(struct.pack("<IB", len(payload), kind) + payload)
        yield World(Channel(there.fileno()), keep=keep), here


@pytest.mark.parametrize(
    ("acts", "held"),
    [
        ([ARMED, "receive", ASK, LOG, END], True),
        (["receive", END], True),
        ([LOG, ARMED, LOG, "receive", END], True),
        ([ARMED, ARMED], False),
        ([END], False),
        ([ARMED, END], False),
        ([ARMED, ASK], False),
        (["receive", END, END], False),
        (["receive", END, ARMED], False),
        (["receive", END, LOG], False),
        (["receive", END, "receive"], False),
        (["receive", FAULT], False),
        (["receive", METERED], False),
        (["receive", 200], False),
    ],
)
def test_an_instance_has_one_call_in_its_order(acts: list[int | str], *, held: bool) -> None:
    with opened((ANSWER, b"of an earlier call"), (CALL, b"call")) as (world, _):
        with nullcontext() if held else pytest.raises(Trespass):
            for act in acts:
                if isinstance(act, int):
                    world._send(None, act, "{}")
                else:
                    assert world._receive(None, 0.0) == f"{chr(CALL)}call"
        assert world.called == (END not in acts and "receive" in acts)


def test_an_instance_that_is_kept_has_call_after_call_and_no_answers_of_earlier_ones() -> None:
    frames = ((CALL, b"1"), (ANSWER, b"of 1"), (CALL, b"2"), (ANSWER, b"of 2"))
    with opened(*frames, keep=True) as (world, _):
        assert world._receive(None, 0.0) == f"{chr(CALL)}1"
        world._send(None, END, "{}")
        assert world._receive(None, -1.0) == f"{chr(CALL)}2"
        assert world._receive(None, -1.0) == f"{chr(ANSWER)}of 2"
        assert world._receive(None, 0.0) == ""


def test_the_end_of_a_call_comes_with_the_time_of_its_process() -> None:
    with opened((CALL, b"call")) as (world, host):
        world._receive(None, 0.0)
        before = time.thread_time_ns()
        world._send(None, END, '{"ok":true}')
        size, kind = struct.unpack("<IB", host.recv(5))
        told = host.recv(size)
        assert (kind, told[8:]) == (METERED, b'{"ok":true}')
        assert before <= int.from_bytes(told[:8], "little") <= time.thread_time_ns()
