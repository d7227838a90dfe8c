"""The process under soak that runs the mix: ``python -m benchmarks.soak.calls PORT SEED`` writes a line of JSON a wave.

A wave is the same number of calls of each function in an order of its own, so many of them under way at a time. Between two
waves nothing is under way, which is when memory and descriptors are looked at. A line on its standard input asks for the
next wave; without one it ends.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import random
import sys
import time
from pathlib import Path
from typing import Final, final

import msgspec
import trio

from benchmarks.soak.functions import MEMBERS, Member
from benchmarks.soak.wave import Wave
from isthmus import Engine, Instance, open_engine
from isthmus.abc import Egress
from isthmus.outcomes import Outcome, Status

AT_ONCE: Final = 16
LONG: Final = 30.0
"""Seconds after which one hears of a call."""
STUCK: Final = 90.0
"""Seconds of a wave after which one sees what its threads are at."""
LOST: Final = frozenset({"Crash", "RuntimeFault"})
"""A call's own process was killed; or the one that forks them, on which calls wait."""


@final
class _Mix:
    """The functions, loaded; runs waves of them."""

    def __init__(self, engine: Engine, loaded: list[tuple[Member, Instance]], port: int, seed: int) -> None:
        self._engine = engine
        self._loaded = loaded
        self._port = port
        self._chance = random.Random(seed)
        self._number = 0
        self._under_way: dict[str, float] = {}

    async def wave(self) -> Wave:
        """Run one, and look at the process after it."""
        found = Wave(seconds={member.name: [] for member, _ in self._loaded})
        waiting = [each for each in self._loaded for _ in range(each[0].weight)]
        self._chance.shuffle(waiting)

        async def take() -> None:
            while waiting:
                await self._call(*waiting.pop(), found)

        # Where the Trio thread itself stands still nobody else could say so.
        faulthandler.dump_traceback_later(STUCK)
        async with trio.open_nursery() as watched:
            watched.start_soon(self._watch)
            async with trio.open_nursery() as nursery:
                for _ in range(AT_ONCE):
                    nursery.start_soon(take)
            watched.cancel_scope.cancel()
        faulthandler.cancel_dump_traceback_later()
        found.rss, found.descriptors, found.threads = _held()
        return found

    async def _watch(self) -> None:
        """Say which calls take very long: where one never ends, that is what one wants to know."""
        while True:
            await trio.sleep(LONG)
            for name, began in self._under_way.items():
                if (seconds := time.perf_counter() - began) > LONG:
                    print(f"{name}: under way for {seconds:.0f} s", file=sys.stderr, flush=True)

    async def _call(self, member: Member, instance: Instance, found: Wave) -> None:
        self._number += 1
        identity = f"call {self._number}"
        event = member.event(identity, self._port)
        name = f"{identity}, {member.name}"
        self._under_way[name] = time.perf_counter()
        outcome = await self._engine.invoke(instance, event)
        seconds = time.perf_counter() - self._under_way.pop(name)
        found.ended += 1
        if member.killed and _crashed(outcome):
            found.crashed += 1
        elif wrong := member.verdict(outcome, identity):
            found.wrong.append(f"{member.name}: {wrong}")
        else:
            found.seconds[member.name].append(seconds)


def _crashed(outcome: Outcome) -> bool:
    """Whether it says that a process was killed, and that the event is to be tried again."""
    return outcome.status is Status.RETRY and outcome.problem is not None and outcome.problem.name in LOST


def _held() -> tuple[int, int, int]:
    """Bytes in memory, descriptors and threads of this process."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return (
        pages * os.sysconf("SC_PAGE_SIZE"),
        len(os.listdir("/proc/self/fd")),
        len(os.listdir("/proc/self/task")),
    )


async def main(port: int, seed: int) -> None:
    """Run waves as long as they are asked for."""
    logging.getLogger("isthmus").setLevel(logging.CRITICAL)  # each kill is in an outcome
    async with open_engine() as engine:
        loaded = [
            (
                member,
                await engine.load(member.function, limits=member.limits, egress=Egress(allow_private=True)),
            )
            for member in MEMBERS
        ]
        mix = _Mix(engine, loaded, port, seed)
        print(flush=True)
        while await trio.to_thread.run_sync(sys.stdin.readline):
            print(msgspec.json.encode(await mix.wave()).decode(), flush=True)


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]), int(sys.argv[2]))
