"""What becomes of a claim: its consumer is told, in the subject that says which delivery is meant."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import final

import msgspec

from isthmus.errors import EngineError
from isthmus.queues import Claim

from ._connection import Connection, answer_of
from ._layout import nanoseconds
from ._marks import Marks

__all__ = ["Lease", "Leases", "lease_of", "nak"]


@final
class Lease(msgspec.Struct, frozen=True, gc=False):
    """The token of a claim.

    Attributes:
        reply: where it is acknowledged.
        stream: that the message is kept in.
        sequence: its number there.
        until: when the lease is out, on the monotonic clock.
        marked: it is written down when it was first claimed.
    """

    reply: str
    stream: str
    sequence: int
    until: float
    marked: bool

    @property
    def consumer(self) -> str:
        """That leased it: all up to the count of deliveries."""
        return _consumer(self.reply)

    @property
    def out(self) -> bool:
        """Whether somebody else may have it by now."""
        return time.monotonic() >= self.until


@final
class Leases:
    """The claims that are out.

    Args:
        connection: to the cluster.
        marks: of single deliveries.
    """

    def __init__(self, connection: Connection, marks: Marks) -> None:
        self._connection = connection
        self._marks = marks

    async def ack(self, claims: Sequence[Claim]) -> None:
        """See :meth:`isthmus.queues.Queue.ack`."""
        leases = [lease_of(claim) for claim in claims]
        # The server takes a late one for the newer claim of the same message: within a lane the next of the key would be
        # handed out while that claim is still being worked on.
        await self.say(
            [(lease.reply, b"+ACK") for lease in leases if not ("~" in lease.consumer and lease.out)]
        )

    async def retry(self, retries: Sequence[tuple[Claim, float]]) -> None:
        """See :meth:`isthmus.queues.Queue.retry`; what has no lease any more is back already."""
        current = [(claim, lease_of(claim), seconds) for claim, seconds in retries if not lease_of(claim).out]
        by_stream: dict[str, dict[int, float]] = {}
        for claim, lease, _ in current:
            if not lease.marked:
                by_stream.setdefault(lease.stream, {})[lease.sequence] = claim.first_at
        for stream, times in by_stream.items():
            await self._marks.write("first", stream, times)
        await self.say([(lease.reply, nak(seconds)) for _, lease, seconds in current])

    async def extend(self, claims: Sequence[Claim]) -> None:
        """See :meth:`isthmus.queues.Queue.extend`."""
        await self.say([(lease_of(claim).reply, b"+WPI") for claim in claims])

    async def say(self, sayings: Sequence[tuple[str, bytes]]) -> None:
        """Tell consumers what becomes of deliveries.

        A connection's sayings are taken in order, so that the answer to the last one to a consumer is that to all before it.
        Where that is lost they are said again; hearing one twice does a server no harm.
        """

        async def once() -> None:
            last = {_consumer(reply): place for place, (reply, _) in enumerate(sayings)}
            final = set(last.values())
            expected = []
            for place, (reply, word) in enumerate(sayings):
                answer = ""
                if place in final:
                    answer, future = self._connection.expect()
                    expected.append(future)
                await self._connection.send(reply, word, reply=answer)
            for future in expected:
                await answer_of(future)

        if sayings:
            await self._connection.patiently(once)


def _consumer(reply: str) -> str:
    tokens = reply.split(".")
    return ".".join(tokens[: 6 if len(tokens) >= 11 else 4])


def lease_of(claim: Claim) -> Lease:
    if not isinstance(claim.token, Lease):
        raise EngineError("the claim is not of this queue")
    return claim.token


def nak(seconds: float) -> bytes:
    delay = max(0.0, seconds)
    return b"-NAK " + msgspec.json.encode({"delay": nanoseconds(delay)}) if delay else b"-NAK"
