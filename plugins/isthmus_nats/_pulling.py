"""Has a consumer send what it has: one request of JetStream's pull protocol to each lane, in an inbox of its own.

``no_wait`` with ``expires`` means: what there is now, at once and without the rest of the count, or else the first that
comes before ``expires``.  With ``max_bytes`` every request ends in a status, which says how many messages were left to send;
it may overtake messages that are still being replicated, so that the number is what is waited for.

The inbox is drained, not dropped: after the server has confirmed that it sends nothing there any more, everything it sent has
been seen, and is given back if nobody wants it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Final, final

import msgspec
import nats.errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from ._connection import Away, Connection, status_of
from ._subjects import unpacked

__all__ = ["Delivered", "Lane", "give_back", "pull"]

_BYTES: Final = 64 * 2**20  # of one request; a server cuts off a client that has as much unread
_STILL: Final = (
    0.25  # seconds without another message after which a request that has not ended has met max_unacked
)
_SLACK: Final = 2.0  # seconds beyond the expiry after which an answer is not coming
_NAK: Final = b"-NAK"


@final
class Lane(msgspec.Struct, frozen=True):
    """A consumer that is asked.

    Attributes:
        consumer: ``stream.consumer``.
        count: messages at the most.
    """

    consumer: str
    count: int


@final
class Delivered(msgspec.Struct, frozen=True, gc=False):
    """A message as it was delivered.

    Attributes:
        body: of the message.
        headers: of the message.
        reply: where it is acknowledged; says which delivery of which message it is.
        stream: it is kept in.
        sequence: its number in there.
        delivered: how often, this time included.
        published_at: seconds since the epoch.
    """

    body: bytes
    headers: dict[str, str]
    reply: str
    stream: str
    sequence: int
    delivered: int
    published_at: float

    @property
    def message_id(self) -> str:
        """As it was published; of what somebody else published into the queue's subject, its place in the stream."""
        parts = self.headers.get("Nats-Msg-Id", "").split("/")
        return unpacked(parts[1]) if len(parts) > 1 and parts[1] else f"{self.stream}-{self.sequence}"

    @property
    def key(self) -> str | None:
        """As it was published."""
        return unpacked(self.headers["Isthmus-Key"]) if "Isthmus-Key" in self.headers else None

    @property
    def due(self) -> float:
        """Seconds since the epoch before which it may not be claimed; 0.0 where it was not delayed."""
        try:
            return float(self.headers.get("Isthmus-Due", "0"))
        except ValueError:
            return 0.0

    @classmethod
    def read(cls, message: Msg) -> Delivered:
        """Read what the server put into the subject for the acknowledgement.

        ``$JS.ACK.<stream>.<consumer>.<delivered>.<sequence>.<...>.<nanoseconds>.<pending>``, of twelve tokens where there
        are a domain and an account in front.
        """
        tokens = message.reply.split(".")
        if len(tokens) >= 11:
            del tokens[2:4]
        return cls(
            message.data,
            message.headers or {},
            message.reply,
            tokens[2],
            int(tokens[5]),
            int(tokens[4]),
            int(tokens[7]) / 1e9,
        )


async def pull(connection: Connection, lanes: Sequence[Lane], count: int, wait: float) -> list[Delivered]:
    """Ask consumers for up to ``count`` messages in all, waiting for the first one; cancelled, give back what came.

    Raises:
        Away: a consumer's leader is not there, or the connection was lost before anything came.
    """
    got: list[Delivered] = []
    statuses: dict[str, Msg] = {}
    stirred = asyncio.Event()

    async def hear(message: Msg) -> None:
        if status_of(message):
            statuses[message.subject] = message
        else:
            got.append(Delivered.read(message))
        stirred.set()

    inbox, subscription = await connection.subscribe(hear)
    asked: dict[str, int] = {}
    try:
        for number, lane in enumerate(lanes):
            asked[f"{inbox}.{number}"] = lane.count
            await connection.send(
                f"$JS.API.CONSUMER.MSG.NEXT.{lane.consumer}",
                msgspec.json.encode(
                    {
                        "batch": lane.count,
                        "no_wait": True,
                        "expires": max(1, round(wait * 1e9)),
                        "max_bytes": _BYTES,
                    }
                ),
                reply=f"{inbox}.{number}",
            )
        end = time.monotonic() + wait + _SLACK
        while not (ended := len(statuses) == len(asked)) or len(got) < _owed(asked, statuses):
            left = end - time.monotonic()
            stirred.clear()
            try:
                async with asyncio.timeout(max(0.0, min(left, _STILL) if got and not ended else left)):
                    await stirred.wait()
            except TimeoutError:
                break
        await _end(subscription, drain=not ended)
    except BaseException:
        await asyncio.shield(_abandon(connection, subscription, got))
        raise
    if got:
        await give_back(connection, got[count:])
        return got[:count]
    if any(status_of(message) == "503" for message in statuses.values()):
        raise Away("a consumer has no leader")
    if not statuses:
        raise Away("a consumer did not answer")
    return []


def _owed(asked: Mapping[str, int], statuses: Mapping[str, Msg]) -> int:
    """Messages that ended requests were sent, arrived or not."""
    return sum(
        asked[subject] - int((message.headers or {}).get("Nats-Pending-Messages", asked[subject]))
        for subject, message in statuses.items()
    )


async def _end(subscription: Subscription, *, drain: bool) -> None:
    try:
        async with asyncio.timeout(_SLACK):
            if drain:
                await subscription.drain()  # type: ignore[no-untyped-call]
            else:
                await subscription.unsubscribe()
    except (TimeoutError, nats.errors.Error, OSError):
        return  # a lost connection has no interest registered; what it was sent comes back when the lease is out


async def _abandon(connection: Connection, subscription: Subscription, got: list[Delivered]) -> None:
    await _end(subscription, drain=True)
    await give_back(connection, got)


async def give_back(connection: Connection, messages: Sequence[Delivered]) -> None:
    """Have messages delivered again at once; a lost connection leaves them to their lease."""
    try:
        for message in messages:
            await connection.send(message.reply, _NAK)
    except Away:
        return
