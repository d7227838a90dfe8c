"""The contest: each contender in processes of its own, in turns, so that what else the machine does hits all alike."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final, final

import msgspec

from benchmarks._subject import API_KEY, EVENT

from .contenders import Contender
from .conversation import Conversation, Silent
from .handlers import EXPECTED, PROBES
from .installing import Absent, Packages

__all__ = ["LIMIT", "MEMORY", "Probed", "Result", "Sizes", "hold"]

LIMIT: Final = 0.2
"""Seconds that a hostile call may take."""
MEMORY: Final = 64 * 1024 * 1024
"""Bytes that a world may have."""
GENEROUS: Final = 30.0
"""Seconds that a handler may take while nothing is hostile."""
PATIENCE: Final = 180.0
"""Seconds that a driver gets for an answer."""
GIVEN_UP: Final = 4.0
"""Seconds that a hostile call gets: twenty times its limit. Who has no limits is given up after as long, for each call of the dozen."""


@final
class Probed(msgspec.Struct, frozen=True, kw_only=True):
    """How a hostile call ended.

    Attributes:
        seconds: until it was stopped; None where it had to be killed from outside.
        how: what was said.
    """

    seconds: float | None
    how: str


@final
class Result(msgspec.Struct, kw_only=True):
    """What was measured of a contender; all times in seconds.

    Attributes:
        contender: its name.
        absent: why it did not take part, or "".
        first: from the start of its process to the result of its first event.
        fresh: of each event in a world of its own.
        kept: of each event in the world of the one before.
        throughput: events a second in fresh worlds, on as many processes or threads as there are processors.
        live: bytes of memory that a live world takes, None where not measured.
        probes: by name.
    """

    contender: str
    absent: str = ""
    first: float = 0.0
    fresh: list[float] = []
    kept: list[float] = []
    throughput: float = 0.0
    live: float | None = None
    probes: dict[str, Probed] = {}


@final
class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """How much is measured: events a turn, turns, events of the throughput, probes."""

    turn: int = 200
    turns: int = 5
    stream: int = 4000
    probes: int = 99

    def events(self, contender: Contender) -> int:
        """In one turn of a contender."""
        return max(self.turn // 20, 2) if contender.slow else self.turn


def hold(
    contenders: tuple[Contender, ...], sizes: Sizes, say: Callable[[str], None], named: Collection[str] = ()
) -> list[Result]:
    """Measure all of them; those that can't take part say why.

    Args:
        contenders: who takes part.
        sizes: how much is measured.
        say: told how it goes.
        named: those that were asked for by name, and are installed whatever that takes.
    """
    packages = Packages(named)
    results = [Result(contender=contender.name) for contender in contenders]
    with ExitStack() as stack:
        running: list[tuple[Contender, Result, Conversation]] = []
        for contender, result in zip(contenders, results, strict=True):
            say(f"{contender.name}: the first event")
            with _or_absent(result, say):
                conversation = stack.enter_context(_opened(packages, contender))
                result.first = time.perf_counter() - conversation.began
                running.append((contender, result, conversation))
        for turn in range(sizes.turns + 1):
            say(f"turn {turn} of {sizes.turns}")
            for contender, result, conversation in running if turn % 2 else running[::-1]:
                if not result.absent:
                    with _or_absent(result, say):
                        _turn(contender, result, conversation, sizes, counts=turn > 0)
    for contender, result, _ in running:
        if not result.absent:
            say(f"{contender.name}: many, memory, probes")
            with _or_absent(result, say):
                _alone(packages, contender, result, sizes)
    return results


@contextmanager
def _or_absent(result: Result, say: Callable[[str], None]) -> Iterator[None]:
    """One that can't begin, or can't go on, says why in the table, and the others go on."""
    try:
        yield
    except (Absent, Silent) as reason:
        result.absent = str(reason)
        say(f"{result.contender}: {reason}")


def _alone(packages: Packages, contender: Contender, result: Result, sizes: Sizes) -> None:
    """What is not measured in turns."""
    result.throughput = _throughput(packages, contender, sizes)
    if contender.live:
        with _opened(packages, contender) as conversation:
            result.live = conversation.ask("live", PATIENCE, count=contender.live)["bytes"]
    probes = list(PROBES[contender.language].items())[: sizes.probes]
    result.probes = {name: _probe(packages, contender, code) for name, code in probes}


@contextmanager
def _opened(packages: Packages, contender: Contender) -> Iterator[Conversation]:
    """A driver that has run its first event.

    Raises:
        Absent: it can't be had.
        Silent: it does not run the handler.
    """
    code = packages.code(contender)
    with Conversation(*packages.command(contender)) as conversation:
        opened = conversation.ask(
            "open",
            PATIENCE,
            code=code,
            event=msgspec.json.decode(EVENT),
            settings={"apiKey": API_KEY},
            seconds=GENEROUS,
            memory=MEMORY,
        )
        _check(opened)
        yield conversation


def _turn(
    contender: Contender, result: Result, conversation: Conversation, sizes: Sizes, *, counts: bool
) -> None:
    for world, times in (("fresh", result.fresh), ("kept", result.kept)):
        answer = conversation.ask("sample", PATIENCE, world=world, count=sizes.events(contender))
        _check(answer)
        if counts:
            times.extend(nanoseconds / 1e9 for nanoseconds in answer["ns"])


def _throughput(packages: Packages, contender: Contender, sizes: Sizes) -> float:
    """Events a second: of one process that takes many at a time, or of a process a processor."""
    if contender.many:
        with _opened(packages, contender) as conversation:
            count = sizes.stream // 10 if contender.slow else sizes.stream * 5
            conversation.ask("many", PATIENCE, count=count)
            answer = conversation.ask("many", PATIENCE, count=count)
            _check(answer)
            return float(count / answer["seconds"])
    count = max(sizes.stream // (100 if contender.slow else 1), 4)
    with ExitStack() as stack:
        both = [stack.enter_context(_opened(packages, contender)) for _ in range(os.cpu_count() or 1)]
        began = time.perf_counter()
        for conversation in both:
            conversation.tell("sample", world="fresh", count=count)
        for conversation in both:
            _check(conversation.answer(PATIENCE))
        return len(both) * count / (time.perf_counter() - began)


def _probe(packages: Packages, contender: Contender, code: str) -> Probed:
    """A hostile call in a process that runs nothing else."""
    try:
        with _opened(packages, contender) as conversation:
            answer = conversation.ask("probe", GIVEN_UP, code=code, seconds=LIMIT)
    except Silent as reason:
        return Probed(seconds=None, how=str(reason))
    return Probed(seconds=answer["seconds"], how=str(answer.get("how"))[:200])


def _check(answer: dict[str, Any]) -> None:
    if answer["value"] != EXPECTED:
        raise Silent(f"it gave {answer['value']!r:.200}")
