"""A process that carries parts for a backfill on its own machine.

Started with the number of the descriptor that leads to the backfill.  It ends when that does, however it ends: its end of the
descriptor then reads empty.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from typing import Final, final

import trio

from isthmus import IsthmusError
from isthmus.commands import Channel, UsageFault

from ._carrier import Carrier, open_carrier
from ._messages import Carry, Ready, Setup, ToCarrier, Unready, Want

__all__ = ["main"]

TOLD: Final = 0.2
"""Seconds between two words on how far it has come."""

SWITCH_INTERVAL: Final = 0.0005
"""Seconds after which a thread of Python lets another have its turn, as in ``isthmus run``."""


@final
class Process:
    """Asks for parts and carries them.

    Args:
        channel: to the backfill.
        carrier: carries them.
        overlap: parts that may be under way.
    """

    def __init__(self, channel: Channel[ToCarrier], carrier: Carrier, overlap: int) -> None:
        self._channel = channel
        self._carrier = carrier
        self._overlap = overlap
        self._turn = trio.Lock()
        self._under_way = 0
        self._unread = 0  # of those, the ones whose file is not read to its end
        self._asked = False
        self._drained = False
        self._idle = trio.Event()

    async def run(self) -> None:
        """Carry parts until no more come."""
        async with trio.open_nursery() as beside:
            beside.start_soon(self._tell)
            await self._ask()
            async with trio.open_nursery() as nursery:
                while not self._drained:
                    said = await self._channel.receive()
                    if isinstance(said, Carry):
                        self._asked = False
                        self._under_way += 1
                        self._unread += 1
                        nursery.start_soon(self._carry, said)
                    elif said is None:
                        os._exit(1)  # nobody is there to be told anything
                    else:
                        self._drained = True
                nursery.start_soon(self._listen)
                if self._under_way:
                    await self._idle.wait()
                nursery.cancel_scope.cancel()
            beside.cancel_scope.cancel()

    async def _listen(self) -> None:
        await self._channel.receive()
        os._exit(1)

    async def _carry(self, work: Carry) -> None:
        pending = True

        def read() -> None:
            nonlocal pending
            if pending:
                pending = False
                self._unread -= 1
                nursery.start_soon(self._ask)

        async with trio.open_nursery() as nursery:
            said = await self._carrier.carry(work, read=read)
            read()
            await self._send(said)
            self._under_way -= 1
        if self._drained and not self._under_way:
            self._idle.set()
        await self._ask()

    async def _ask(self) -> None:
        """Ask for another part where there is room, and no file is being read."""
        if not (self._drained or self._asked or self._unread) and self._under_way < self._overlap:
            self._asked = True
            await self._send(Want())

    async def _tell(self) -> None:
        while True:
            await trio.sleep(TOLD)
            if self._under_way:
                await self._send(self._carrier.progress())

    async def _send(self, message: object) -> None:
        try:
            async with self._turn:
                await self._channel.send(message)
        except trio.BrokenResourceError:
            os._exit(1)  # as where nothing more comes


async def main(descriptor: int) -> None:
    """Carry parts until the backfill says that there are no more."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    end = trio.socket.from_stdlib_socket(socket.socket(fileno=descriptor))
    channel: Channel[ToCarrier] = Channel(trio.SocketStream(end), ToCarrier)  # type: ignore[arg-type]
    setup = await channel.receive()
    if not isinstance(setup, Setup):
        return
    try:
        async with open_carrier(setup) as carrier:
            await channel.send(Ready())
            await Process(channel, carrier, setup.overlap).run()
    except (UsageFault, IsthmusError) as exc:
        await channel.send(Unready.of(exc))
    await channel.aclose()


if __name__ == "__main__":
    # What interrupts a backfill tells its processes by the backfill itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    trio.run(main, int(sys.argv[1]))
