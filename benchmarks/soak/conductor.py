"""Runs a soak: the two processes, what is done to them, and what is seen of them."""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, final

import msgspec
import trio

from .child import Child, Ended, descendants, running
from .endpoint import Endpoint
from .functions import MEMBERS
from .laws import Seen
from .wave import Wave

__all__ = ["hold"]

LEAST: Final = 3
"""Waves, however long they take."""
FAILING: Final = 0.2
"""The part of deliveries that meet a fault."""
BATCH: Final = 20
"""Events of one ``accept``."""
PACE: Final = 0.2
"""Seconds between two of them."""
LIFE: Final = 300
"""Deliveries after which the process that delivers is killed, at the most; their number is drawn anew for each, from none."""
LONGEST: Final = 60.0
"""Seconds after which it is killed even so: what it was at when the one before died has to wait for its lease."""
PEACE: Final = (1.0, 3.0)
"""Seconds between two kills of processes of Python guests."""
DRAIN: Final = 120.0
"""Seconds without any arrival after which what has not arrived by then is lost."""


@final
class _Soak:
    """One soak, on its way."""

    def __init__(self, minutes: float, seed: int, directory: Path, say: Callable[[str], None]) -> None:
        self._minutes = minutes
        self._over = trio.Event()
        self._chance = random.Random(seed)
        self._seed = seed
        self._queue = str(directory / "deliveries.db")
        self._say = say
        self._endpoint = Endpoint(seed, FAILING)
        self._began = time.monotonic()
        self.seen = Seen(rounds={member.name: [] for member in MEMBERS})

    async def run(self) -> Seen:
        """Hold it."""
        async with trio.open_nursery() as nursery:
            await nursery.start(self._endpoint.serve)
            async with trio.open_nursery() as both:
                both.start_soon(self._call)
                both.start_soon(self._deliver)
            nursery.cancel_scope.cancel()
        seen = self.seen
        seen.seconds = time.monotonic() - self._began
        seen.arrivals, seen.requests, seen.faults = (
            self._endpoint.arrivals,
            self._endpoint.requests,
            self._endpoint.faults,
        )
        return seen

    async def _call(self) -> None:
        """Wave after wave, Python's processes being killed meanwhile."""
        async with running("calls", str(self._endpoint.port), str(self._seed)) as child:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._kill_guests, child.pid)
                until = trio.current_time() + self._minutes * 60
                while trio.current_time() < until or len(self.seen.at) < LEAST:
                    self._take(msgspec.json.decode(await child.ask(b""), type=Wave))
                nursery.cancel_scope.cancel()
            self._over.set()
            if status := await child.leave():
                self.seen.wrong.append(f"the process that calls ended with {status}")

    def _take(self, wave: Wave) -> None:
        seen = self.seen
        seen.at.append(time.monotonic() - self._began)
        seen.rss.append(wave.rss)
        seen.descriptors.append(wave.descriptors)
        seen.threads.append(wave.threads)
        for name, seconds in wave.seconds.items():
            seen.rounds[name].append(seconds)
        seen.expected += sum(member.weight for member in MEMBERS)
        seen.ended += wave.ended
        seen.crashed += wave.crashed
        seen.wrong += wave.wrong
        if len(seen.at) % 20 == 1:
            self._say(
                f"{seen.at[-1]:.0f} s: {seen.ended} calls, {wave.rss >> 20} MiB, {wave.descriptors} descriptors, "
                f"{len(self._endpoint.arrivals)} deliveries, {len(seen.kills)} kills"
            )

    async def _kill_guests(self, pid: int) -> None:
        while True:
            await trio.sleep(self._chance.uniform(*PEACE))
            if guests := descendants(pid):
                with suppress(ProcessLookupError):  # it has ended meanwhile
                    os.kill(self._chance.choice(guests), signal.SIGKILL)
                    self.seen.guests_killed += 1

    async def _deliver(self) -> None:
        """One life after the other of the process that delivers; the last may end in peace."""
        number = 0
        while not self._over.is_set():
            async with running("deliveries", self._queue, str(self._endpoint.port)) as child:
                number = await self._one_life(child, number)
        async with running("deliveries", self._queue, str(self._endpoint.port)) as child:
            await self._drained()
            if status := await child.leave():
                self.seen.wrong.append(f"the process that delivers ended with {status}")

    async def _drained(self) -> None:
        """Wait until all that was accepted has arrived, or nothing more does."""
        arrivals, since = self._endpoint.arrivals, trio.current_time()
        count = len(arrivals)
        while not self.seen.promised <= {identity for _, identity in arrivals}:
            if len(arrivals) > count:
                count, since = len(arrivals), trio.current_time()
            elif trio.current_time() > since + DRAIN:
                return
            await trio.sleep(0.2)

    async def _one_life(self, child: Child, number: int) -> int:
        """Have events taken in until it is killed, in whatever it is doing; the number of the next event."""
        enough = len(self._endpoint.arrivals) + self._chance.randrange(LIFE)
        with trio.move_on_after(LONGEST):
            while not self._over.is_set():
                # One that has not answered when it is killed has promised nothing, and its ids are not used again.
                ids, number = [f"event-{number + each}" for each in range(BATCH)], number + BATCH
                await child.ask(msgspec.json.encode(ids))
                self.seen.promised.update(ids)
                await trio.sleep(PACE)
                if len(self._endpoint.arrivals) >= enough:
                    break
        self.seen.kills.append(trio.current_time())
        child.kill()
        return number


async def hold(minutes: float, seed: int, say: Callable[[str], None]) -> Seen:
    """Hold a soak.

    Args:
        minutes: that it lasts; what was accepted by then is waited for.
        seed: of all that is drawn by chance.
        say: told from time to time how it goes.

    Raises:
        Ended: a process ended that nobody had killed.
    """
    with tempfile.TemporaryDirectory() as directory:
        try:
            return await _Soak(minutes, seed, Path(directory), say).run()
        except* Ended as gone:
            raise gone.exceptions[0] from None
