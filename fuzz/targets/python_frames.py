"""Whatever the process of a Python function writes, each call comes to one outcome, within its limits, whose JSON is JSON."""

from __future__ import annotations

import logging
import socket
import struct
from collections.abc import Iterable

import trio
import trio.testing

from fuzz.hostile import answer
from fuzz.oracles import hold_outcome
from isthmus import open_engine
from isthmus.abc import Call, Host, Program, Reply, Runtime
from isthmus.events import Request
from isthmus.functions import Function, Kind
from isthmus.hookspecs import hookimpl
from isthmus.limits import Limits
from isthmus.outcomes import Outcome
from isthmus.testing import MockFetcher
from isthmus_cpython._endings import of_silence
from isthmus_cpython._messages import parse_fault, parse_loaded
from isthmus_cpython._pool import call_caps
from isthmus_cpython._process import Exit, Process
from isthmus_cpython._talk import Told, hold
from isthmus_cpython._wire import ARMED, ASK, CONFINED, END, FAULT, LOADED, LOG, METERED, Connection, Nonsense

EVENT = b'{"type":"track","messageId":"m-1","event":"Fuzzed"}'
LIMITS = Limits(wall=2.0, log_bytes=64, fetches=3, operations=4, output_bytes=512, fetch_request_bytes=256)
KINDS = {kind.value.encode(): kind for kind in Kind}
FRAMES = {
    b"armed": ARMED,
    b"ask": ASK,
    b"log": LOG,
    b"end": END,
    b"fault": FAULT,
    b"loaded": LOADED,
    b"confined": CONFINED,
    b"metered": METERED,
}
MOST = 100_000
"""Bytes that a socket takes while nobody reads from it yet."""

logging.getLogger("isthmus").setLevel(logging.CRITICAL)  # it tells of every fault, and here is nothing else


def check(data: bytes) -> None:
    """The first line is a kind of function; each other a frame, ``end {...}``, or what it is, after ``raw ``.

    What comes before the first frame, that the process is confined, comes by itself, but after ``unconfined``.
    """
    for parse in (parse_loaded, parse_fault):
        try:
            parse(data)
        except Nonsense:
            continue
    kind, _, rest = data.partition(b"\n")
    if kind not in KINDS:
        kind, rest = b"destination", data
    first, _, after = rest.partition(b"\n")
    confined, rest = (b"", after) if first == b"unconfined" else (_written(b"confined"), rest)
    written = (confined + b"".join(map(_written, rest.split(b"\n"))))[:MOST]
    clock = trio.testing.MockClock(autojump_threshold=0)
    hold_outcome(trio.run(_outcome, KINDS[kind], written, clock=clock), LIMITS)


def _written(line: bytes) -> bytes:
    word, _, payload = line.partition(b" ")
    if word in FRAMES:
        return struct.pack("<IB", len(payload), FRAMES[word]) + payload
    return payload if word == b"raw" else line


async def _outcome(kind: Kind, written: bytes) -> Outcome:
    function = Function(name="hostile", kind=kind, language="hostile", code="")
    plugins = [_Runtime(written), MockFetcher(answer)]
    async with open_engine(plugins=plugins, load_entry_points=False, limits=LIMITS) as engine:
        instance = await engine.load(function)
        return await engine.invoke(instance, Request(body=b"{}") if kind is Kind.SOURCE else EVENT)


class _Runtime(Runtime):
    """Has processes that have written what they will before anybody listens, and then hang up."""

    language = "hostile"

    def __init__(self, written: bytes) -> None:
        self._written = written

    @hookimpl
    def isthmus_runtimes(self) -> Iterable[Runtime]:
        return [self]

    async def load(self, function: Function, limits: Limits) -> Program:
        return _Program(self._written, limits)


class _Program(Program):
    handlers = frozenset({"onTrack", "onRequest"})

    def __init__(self, written: bytes, limits: Limits) -> None:
        self._written = written
        self._limits = limits

    async def run(self, call: Call, host: Host) -> Reply:
        limits, started = self._limits, trio.current_time()
        caps = call_caps(request_bytes=limits.fetch_request_bytes, output_bytes=limits.output_bytes)
        here, there = socket.socketpair()
        with there:
            there.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * MOST)
            there.sendall(self._written)
            there.shutdown(socket.SHUT_WR)
            process = Process(Connection(here, caps), -1, lambda: None)
            try:
                told = await hold(process, call, host, limits, 0.0) or Told(
                    of_silence(Exit(), limits, killed=True)
                )
            finally:
                process.release()
        return Reply(told.ending, told.messages, 0.0, 0, started)

    async def aclose(self) -> None:
        pass
