"""A companion as the run sees it: a process, what it is dealt, and what it says came of it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, final

import trio

from isthmus._cli.slots import Slots
from isthmus._cli.stream import Place, Share
from isthmus.processors import processors

from .messages import Channel, Done, End, FromCompanion, Ready, Setup, Unready

__all__ = ["Beside", "open_companions"]

DEAL: Final = 64
"""Events dealt at once: as many as a runtime runs in one crossing."""

DEAL_BYTES: Final = 1 << 20
"""Bytes of events in one message, unless one event alone has more."""


@final
class Beside:
    """One companion; made by :func:`open_companions`."""

    def __init__(self, channel: Channel[FromCompanion]) -> None:
        self._channel = channel
        self._dealt: set[Place] = set()

    async def prepare(self, setup: Setup) -> str:
        """Let it load a function; "" where it is ready then, else why not."""
        try:
            await self._channel.send(setup)
            said = await self._channel.receive()
        except (trio.BrokenResourceError, ValueError) as exc:
            return str(exc) or "it has gone"
        if isinstance(said, Unready):
            return said.message
        return "" if isinstance(said, Ready) else "it has gone"

    async def share(
        self,
        take: Callable[[int], Awaitable[Share | None]],
        on_done: Callable[[Done], None],
        *,
        concurrency: int,
    ) -> list[Place]:
        """Deal it events until there are no more, and wait until all are done.

        Args:
            take: gives up to so many events, None where there are no more.
            on_done: told of events as they are done.
            concurrency: events it has at once.

        Returns:
            the events whose end is not known, for it has gone.
        """
        async with trio.open_nursery() as nursery:
            slots = Slots(concurrency)
            nursery.start_soon(self._deal, take, slots, nursery.cancel_scope)
            while True:
                try:
                    said = await self._channel.receive()
                except ValueError:
                    said = None
                if not isinstance(said, Done):
                    break
                self._dealt.difference_update(said.places)
                slots.free(len(said.places))
                on_done(said)
            nursery.cancel_scope.cancel()
        return sorted(self._dealt)

    async def _deal(
        self, take: Callable[[int], Awaitable[Share | None]], slots: Slots, all_: trio.CancelScope
    ) -> None:
        try:
            while True:
                share = await take(await slots.room(DEAL))
                if share is None:
                    break
                slots.take(len(share.numbers))
                self._dealt.update((share.file, number) for number in share.numbers)
                for part in _parts(share):
                    await self._channel.send(part)
            await self._channel.send(End())
        except trio.BrokenResourceError:
            all_.cancel()


def _parts(share: Share) -> list[Share]:
    """A share in messages of a bounded size."""
    if sum(map(len, share.texts)) <= DEAL_BYTES:
        return [share]
    return [
        Share(share.file, [number], [text]) for number, text in zip(share.numbers, share.texts, strict=True)
    ]


@asynccontextmanager
async def open_companions(count: int) -> AsyncIterator[list[Beside]]:
    """Start processes that will run a share of the events, and end them on the way out."""
    # What they and this one have together is not more than there is.
    environment = os.environ | {"ISTHMUS_PROCESSORS": str(max(1, processors() // (count + 1)))}
    processes: list[trio.Process] = []
    channels: list[Channel[FromCompanion]] = []
    try:
        for _ in range(count):
            ours, theirs = socket.socketpair()
            with theirs:
                stream = trio.SocketStream(trio.socket.from_stdlib_socket(ours))
                channels.append(Channel(stream, FromCompanion))  # type: ignore[arg-type]
                processes.append(
                    await trio.lowlevel.open_process(
                        # -P: the directory it is started in holds events, not modules.
                        [sys.executable, "-P", "-m", f"{__package__}.process", str(theirs.fileno())],
                        stdin=subprocess.DEVNULL,
                        env=environment,
                        pass_fds=(theirs.fileno(),),
                        process_group=0,  # Ctrl-C is told to the run, and by the run to them
                    )
                )
        yield [Beside(channel) for channel in channels]
    finally:
        with trio.CancelScope(shield=True):
            for channel in channels:
                await channel.aclose()
            for process in processes:
                process.kill()
                await process.wait()
