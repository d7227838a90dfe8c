"""Whatever a world says, crossing by crossing, each call comes to one outcome, within its limits, whose JSON is JSON."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import trio
import trio.testing

from fuzz.generators import crossings
from fuzz.hostile import HostileRuntime, answer
from fuzz.oracles import hold_outcome
from isthmus import open_engine
from isthmus.errors import InvalidInput
from isthmus.events import Request
from isthmus.functions import Function, Kind
from isthmus.limits import Limits
from isthmus.outcomes import Outcome
from isthmus.testing import MockFetcher

EVENT = b'{"type":"track","messageId":"m-1","event":"Fuzzed"}'
REQUEST = Request(body=b'{"messageId":"m-1"}')
KINDS = {kind.value.encode(): kind for kind in Kind}
LIMITS = Limits(wall=2.0, log_bytes=64, fetches=3, operations=4, output_bytes=512, fetch_request_bytes=256)

logging.getLogger("isthmus").setLevel(logging.CRITICAL)  # it tells of every fault, and here is nothing else


def check(data: bytes) -> None:
    """The first line says how the call is made: a kind, ``batch``, ``each`` or ``instance``."""
    mode, _, rest = data.partition(b"\n")
    if mode not in {*KINDS, b"batch", b"each", b"instance"}:
        mode, rest = b"destination", data
    for outcome in trio.run(
        _outcomes, mode, crossings(rest), clock=trio.testing.MockClock(autojump_threshold=0)
    ):
        hold_outcome(outcome, LIMITS)


async def _outcomes(mode: bytes, world: Iterator[tuple[bytes, bytes] | None]) -> list[Outcome]:
    function = Function(
        name="hostile",
        kind=KINDS.get(mode, Kind.DESTINATION),
        language="hostile",
        code="",
        isolation="instance" if mode == b"instance" else "call",
    )
    plugins = [HostileRuntime(world), MockFetcher(answer)]
    async with open_engine(plugins=plugins, load_entry_points=False, limits=LIMITS) as engine:
        instance = await engine.load(function)
        if mode == b"source":
            return [await engine.invoke(instance, REQUEST)]
        if mode == b"batch":
            return [await engine.invoke_batch(instance, [EVENT, EVENT])]
        if mode == b"each":
            delivered: list[Outcome | InvalidInput] = []
            await engine.invoke_each(instance, [EVENT] * 3, lambda _, outcome: delivered.append(outcome))
            assert len(delivered) == 3
            return [outcome for outcome in delivered if isinstance(outcome, Outcome)]
        return [await engine.invoke(instance, EVENT) for _ in range(2)]
