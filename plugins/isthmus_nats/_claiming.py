"""Deliveries on their way out: asked for, looked at, leased."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Iterable, Sequence
from typing import Final, final

from isthmus.queues import Claim

from ._connection import Away, Connection
from ._directory import Declared, Directory
from ._leases import Lease, Leases, lease_of, nak
from ._marks import Marks
from ._pulling import Delivered, Lane, give_back, pull
from ._subjects import Names

__all__ = ["Claiming"]

_AT_ONCE: Final = 0.025  # seconds a server is given to send what it has
_LONGEST: Final = 0.4  # seconds for one group of lanes, where there are several
_EARLY: Final = 0.05  # seconds by which a clock may be ahead without a delivery being held for it


@final
class Claiming:
    """Claims deliveries.

    Args:
        connection: to the cluster.
        names: of the installation.
        directory: of its queues.
        leases: that are out.
        marks: of single deliveries.
    """

    def __init__(
        self, connection: Connection, names: Names, directory: Directory, leases: Leases, marks: Marks
    ) -> None:
        self._connection = connection
        self._names = names
        self._directory = directory
        self._leases = leases
        self._marks = marks
        self._turns: dict[str, int] = {}

    async def claim(self, name: str, count: int, wait: float) -> list[Claim]:
        """See :meth:`isthmus.queues.Queue.claim`."""
        queue = await self._directory.find(name)
        end = time.monotonic() + wait
        turn = 0.0
        while True:
            left = max(end - time.monotonic(), 0.0)
            claims = await self._claim_once(queue, count, left, min(left, turn))
            if claims or end <= time.monotonic():
                return claims
            # Another claimer's request may have been answered in place of ours, and ours refused at once.
            await asyncio.sleep(min(_AT_ONCE, max(0.0, end - time.monotonic())))
            turn = min(2 * turn or 2 * _AT_ONCE, _LONGEST)

    async def _claim_once(self, queue: Declared, count: int, left: float, turn: float) -> list[Claim]:
        """Ask each group of lanes once, waiting ``turn`` for each; where there is one group, for all that is left."""
        groups = self._groups(queue, count)
        span = max(_AT_ONCE, left if len(groups) == 1 else turn)
        claims: list[Claim] = []
        try:
            for group in groups:
                wanted = count - len(claims)
                lanes = [Lane(lane.consumer, min(lane.count, wanted)) for lane in group[:wanted]]
                # Whoever has something already does not wait for more.
                seconds = _AT_ONCE if claims else span
                with self._connection.waits.fetch():
                    messages = await self._connection.patiently(
                        functools.partial(pull, self._connection, lanes, wanted, seconds)
                    )
                claims += await self._leased(queue, messages)
                if len(claims) >= count:
                    break
        except BaseException:
            await asyncio.shield(self._give_up(claims))
            raise
        return claims

    def _groups(self, queue: Declared, count: int) -> list[list[Lane]]:
        """The lanes in the order in which they are asked, together those that together give no more than is wanted."""
        stream = self._names.stream(queue.shard)
        free = [Lane(f"{stream}.{queue.token}", count)]
        if not queue.lanes:
            return [free]
        turn = self._turns[queue.name] = self._turns.get(queue.name, 0) + 1
        order = [1 + (turn + place) % queue.lanes for place in range(queue.lanes)]
        keyed = [Lane(f"{stream}.{self._names.consumer(queue.token, lane)}", 1) for lane in order]
        groups = [keyed[place : place + count] for place in range(0, len(keyed), count)]
        return [free, *groups] if turn % 2 else [*groups, free]

    async def _give_up(self, claims: Iterable[Claim]) -> None:
        try:
            for claim in claims:
                await self._connection.send(lease_of(claim).reply, nak(0.0))
        except Away:
            return

    async def _leased(self, queue: Declared, messages: Sequence[Delivered]) -> list[Claim]:
        if not messages:
            return []
        now, until = time.time(), time.monotonic() + queue.lease
        try:
            ready = await self._hold(messages, now)
            stream = messages[0].stream
            again = [message.sequence for message in ready if message.delivered > 1]
            firsts = await self._marks.read("first", stream, again) if again else {}
            missing = {sequence: now for sequence in again if sequence not in firsts}
            self._connection.waits.expired += len(missing)  # nobody put them back
            await self._marks.write("first", stream, missing)
            waited = [message.sequence for message in ready if message.delivered > 1 and message.due]
            held = await self._marks.read("held", stream, waited) if waited else {}
        except BaseException:
            await asyncio.shield(give_back(self._connection, messages))
            raise
        return [
            Claim(
                queue=queue.name,
                message_id=message.message_id,
                body=message.body,
                key=message.key,
                attempt=message.delivered - (message.sequence in held),
                published_at=message.published_at,
                first_at=min(now, firsts.get(message.sequence, now)),
                token=Lease(message.reply, stream, message.sequence, until, message.delivered > 1),
            )
            for message in ready
        ]

    async def _hold(self, messages: Sequence[Delivered], now: float) -> list[Delivered]:
        """Put back what is not yet due, and say what is left.

        The server's own delayed messages can't be had together with its refusing what is new when it is full.
        """
        ready: list[tuple[Delivered, float]] = []
        early: list[tuple[Delivered, float]] = []
        for message in messages:
            (early if message.due > now + _EARLY else ready).append((message, message.due - now))
        if early:
            stream = early[0][0].stream
            await self._marks.write("held", stream, {message.sequence: now for message, _ in early})
            await self._leases.say([(message.reply, nak(seconds)) for message, seconds in early])
        return [message for message, _ in ready]
