"""Processes on this machine that carry parts; one that is killed is replaced, and its parts are done by another."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import final

import msgspec
import trio

from isthmus.commands import Channel, UsageFault
from isthmus.processors import processors

from ._messages import Drain, Failed, Finished, FromCarrier, Progress, Ready, Setup, Unready, Want
from ._plan import Place
from ._todo import DEATHS, Todo

__all__ = ["carry_here"]

Tell = Callable[[Finished | Failed | Progress | str, object], None]
"""Told of what happens, with whose word it is; text is for people."""


async def carry_here(setup: Setup, todo: Todo, count: int, tell: Tell) -> None:
    """Let processes carry parts until there are no more.

    Args:
        setup: where they go.
        todo: the parts.
        count: of processes.
        tell: told of what happens.

    Raises:
        UsageFault: the destination can't be loaded, in the words of the process that tried.
    """
    count = max(1, min(count, len(todo)))
    setup = msgspec.structs.replace(setup, sharing=count)
    async with trio.open_nursery() as nursery:
        for number in range(count):
            nursery.start_soon(_seat, setup, todo, count, tell, number)


async def _seat(setup: Setup, todo: Todo, count: int, tell: Tell, number: int) -> None:
    """Have a process at work, and another after one that was killed."""
    stillborn = 0
    while True:
        async with _process(count) as (process, channel):
            try:
                dealt = await _serve(setup, todo, channel, tell, number)
            except _Stillborn:
                stillborn += 1
                if stillborn < DEATHS:
                    continue
                raise UsageFault("processes that should carry parts end before they are ready") from None
        stillborn = 0
        tell(Progress([]), number)  # what it told of last does not count any more
        if dealt is None:
            return
        again = [place for place in sorted(dealt, reverse=True) if todo.lost(place)]
        for place in dealt - set(again):
            tell(Failed(place, "the processes that carried it have died, three of them"), number)
        tell(
            f"a process has died (exit status {process.returncode}): what it carried is carried again", number
        )


@final
class _Stillborn(Exception):
    """A process ended before it was ready, and did not say why: somebody may have killed it."""


async def _serve(
    setup: Setup, todo: Todo, channel: Channel[FromCarrier], tell: Tell, number: int
) -> set[Place] | None:
    """Deal a process parts; None where it has done them all, else those it had when it went."""
    dealt: set[Place] = set()
    drained = ready = False

    async def deal() -> None:
        nonlocal drained
        work = await todo.take()
        if work is not None:
            dealt.add(work.place)
        drained = work is None
        with suppress(trio.BrokenResourceError):  # receive() hears of it as well
            await channel.send(Drain() if work is None else work)

    with suppress(trio.BrokenResourceError):
        await channel.send(setup)
    async with trio.open_nursery() as nursery:
        while (said := await channel.receive()) is not None:
            if isinstance(said, Want):
                nursery.start_soon(deal)
            elif isinstance(said, Progress):
                tell(said, number)
            elif isinstance(said, Finished | Failed):
                dealt.discard(said.place)
                todo.done(said.place)
                tell(said, number)
            elif isinstance(said, Unready):
                raise said.error
            elif isinstance(said, Ready):
                ready = True
        nursery.cancel_scope.cancel()
    if not ready:
        raise _Stillborn
    return None if drained and not dealt else dealt


@asynccontextmanager
async def _process(count: int) -> AsyncIterator[tuple[trio.Process, Channel[FromCarrier]]]:
    """Start a process, and end it on the way out."""
    # What they have together is not more than there is.
    environment = os.environ | {"ISTHMUS_PROCESSORS": str(max(1, processors() // count))}
    ours, theirs = socket.socketpair()
    with theirs:
        stream = trio.SocketStream(trio.socket.from_stdlib_socket(ours))
        channel: Channel[FromCarrier] = Channel(stream, FromCarrier)  # type: ignore[arg-type]
        process = await trio.lowlevel.open_process(
            # -P: the directory it is started in holds events, not modules.
            [sys.executable, "-P", "-m", f"{__package__}._process", str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            env=environment,
            pass_fds=(theirs.fileno(),),
            process_group=0,  # Ctrl-C is told to the backfill, and by it to them
        )
    try:
        yield process, channel
    finally:
        with trio.CancelScope(shield=True):
            await channel.aclose()
            process.kill()
            await process.wait()
