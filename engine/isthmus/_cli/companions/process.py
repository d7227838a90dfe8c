"""The companion itself: opens an engine, loads what it is told, and runs the events it is dealt.

Started with the number of the descriptor that leads to the run.  It ends when the run does, however that ends:
its end of the descriptor then reads empty.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from typing import final

import msgspec
import trio

from isthmus import Engine, Instance, IsthmusError, open_engine
from isthmus._cli.outlet import Lines
from isthmus._cli.results import Results
from isthmus._cli.run import SWITCH_INTERVAL
from isthmus._cli.stream import Place, Share
from isthmus._cli.webhooks import webhook
from isthmus.errors import InvalidInput
from isthmus.events import Event, Request
from isthmus.functions import Kind
from isthmus.outcomes import Outcome

from .messages import Channel, Done, End, Ready, Setup, ToCompanion, Unready

__all__ = ["main"]


@final
class Companion:
    """Runs what it is dealt, and says what became of it.

    Args:
        channel: to the run.
        setup: what to run.
    """

    def __init__(self, channel: Channel[ToCompanion], setup: Setup) -> None:
        self._channel = channel
        self._setup = setup
        self._lines = Lines()
        self._results = Results(setup.heads, self._lines.put if setup.lines else None)
        self._told: tuple[Place, Outcome] | None = None  # of failing outcomes, the last one
        self._places: dict[int, Place] = {}
        self._done: list[Place] = []
        self._flaws: list[tuple[Place, str]] = []
        self._something = trio.Event()
        self._ended = False

    async def run(self, engine: Engine, instance: Instance) -> None:
        """Run events until no more come."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._tell)
            await engine.invoke_each(
                instance, self._events(), self._deliver, concurrency=self._setup.concurrency
            )
            self._ended = True
            self._something.set()

    async def _events(self) -> AsyncIterator[Event | Request]:
        index = 0
        convert = webhook if self._setup.function.kind is Kind.SOURCE else None
        while type(share := await self._channel.receive()) is Share:
            for number, text in zip(share.numbers, share.texts, strict=True):
                place = (share.file, number)
                try:
                    event = text if convert is None else convert(text)
                except InvalidInput as exc:
                    self._no_event(place, exc)
                    continue
                self._places[index] = place
                index += 1
                yield event
        if type(share) is not End:
            os._exit(1)  # the run has gone, and nobody is there to be told anything

    def _deliver(self, index: int, outcome: Outcome | InvalidInput) -> None:
        place = self._places.pop(index)
        if type(outcome) is InvalidInput:
            self._no_event(place, outcome)
            return
        self._results.add(place, outcome)
        self._done.append(place)
        self._something.set()

    def _no_event(self, place: Place, error: InvalidInput) -> None:
        self._flaws.append((place, str(error)))
        self._done.append(place)
        self._something.set()

    async def _tell(self) -> None:
        while True:
            await self._something.wait()
            if not self._done:
                if self._ended:
                    return
                self._something = trio.Event()
                continue
            done, self._done = self._done, []
            flaws, self._flaws = self._flaws, []
            failing = None
            if self._results.failing is not self._told and self._results.failing is not None:
                place, outcome = self._told = self._results.failing
                failing = place, msgspec.json.encode(outcome)
            await self._channel.send(
                Done(
                    places=done,
                    lines=bytes(self._lines.take()),
                    counted=self._results.tally.take(),
                    flaws=flaws,
                    failing=failing,
                )
            )


async def main(descriptor: int) -> None:
    """Be a companion until the run ends."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    end = trio.socket.from_stdlib_socket(socket.socket(fileno=descriptor))
    channel: Channel[ToCompanion] = Channel(trio.SocketStream(end), ToCompanion)  # type: ignore[arg-type]
    async with open_engine() as engine:
        setup = await channel.receive()
        if type(setup) is not Setup:
            return  # it is not needed
        try:
            instance = await engine.load(
                setup.function,
                settings=msgspec.json.decode(setup.settings),
                limits=setup.limits,
                egress=setup.egress,
            )
        except IsthmusError as exc:
            await channel.send(Unready(str(exc)))
            return
        await channel.send(Ready())
        await Companion(channel, setup).run(engine, instance)
    await channel.aclose()


if __name__ == "__main__":
    # What interrupts a run tells its companions by the run itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    trio.run(main, int(sys.argv[1]))
