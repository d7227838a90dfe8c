"""The queues there are: each one is a durable consumer, or one for each lane, and what is written on it."""

from __future__ import annotations

import asyncio
import time
from typing import Final, final

import msgspec

from isthmus.errors import InvalidInput, QueueError
from isthmus.queues import QueueOptions
from isthmus.rules import check_name

from . import _layout
from ._address import Address
from ._answers import NO_CONSUMER, ConsumerInfo, ConsumerNames, Done, Refused, StreamInfo, fault_of
from ._connection import Connection
from ._subjects import Names, name_of, shard_of, token_of

__all__ = ["Declared", "Directory"]

_FRESH: Final = 20.0  # seconds for which what is known of a queue is taken for true


@final
class Declared(msgspec.Struct, frozen=True):
    """A queue there is.

    Attributes:
        name: of the queue.
        token: of its subjects.
        shard: that its stream has.
        lanes: it has had keys go through, 0 for none.
        ordered: whether keys go through them now.
        lease: seconds.
        window: seconds for which ids are remembered at least.
    """

    name: str
    token: str
    shard: int
    lanes: int
    ordered: bool
    lease: float
    window: float


@final
class Directory:
    """The queues of one installation.

    Args:
        connection: to the cluster.
        address: of it.
        called: the names of the installation.
    """

    def __init__(self, connection: Connection, address: Address, called: Names) -> None:
        self._connection = connection
        self._address = address
        self._called = called
        self._known: dict[str, tuple[Declared, float]] = {}

    async def declare(self, name: str, options: QueueOptions) -> None:
        """See :meth:`isthmus.queues.Queue.declare`."""
        check_name(name)
        before = await self._find(name)
        token, shard = token_of(name), shard_of(name, self._address.shards)
        # The lanes there are keep what was published into them, whatever is declared later.
        lanes = before.lanes if before is not None and before.lanes else 0
        if options.ordered and not lanes:
            lanes = self._address.lanes
        await self._widen(shard, options.dedupe_window)
        stream = self._called.stream(shard)

        async def make(lane: int) -> None:
            config = _layout.consumer(
                self._called, shard, token, lane, name=name, lanes=lanes, options=options
            )
            await self._connection.api(
                f"CONSUMER.CREATE.{stream}.{config['name']}.{config['filter_subject']}",
                Done,
                {"stream_name": stream, "config": config},
            )

        # Lane 0 last: it is what makes the queue known, and then all of it is there.
        await asyncio.gather(*(make(lane) for lane in range(1, lanes + 1)))
        await make(0)
        self._remember(
            Declared(name, token, shard, lanes, options.ordered, options.lease, options.dedupe_window)
        )

    def _remember(self, declared: Declared) -> None:
        self._known[declared.name] = declared, time.monotonic()

    async def _widen(self, shard: int, window: float) -> None:
        """Have a shard's stream remember ids for at least that long."""
        stream = self._called.stream(shard)
        info = await self._connection.api(f"STREAM.INFO.{stream}", StreamInfo)
        if info.config.duplicate_window >= _layout.nanoseconds(window):
            return
        await self._connection.api(
            f"STREAM.UPDATE.{stream}", Done, _layout.deliveries(self._address, shard, window)
        )

    async def find(self, name: str) -> Declared:
        """A queue that this process or another has declared.

        Raises:
            InvalidInput: there is none of the name.
        """
        known = await self.look(name)
        if known is None:
            raise InvalidInput(f"there is no queue {name[:220]!r}; it has to be declared first")
        return known

    async def look(self, name: str) -> Declared | None:
        """A queue that this process or another has declared, None where none has.

        What is known is asked for anew now and then: another process may have made the queue one that is ordered, and what
        is in its lanes would be claimed by nobody else.
        """
        known, since = self._known.get(name, (None, 0.0))
        if known is not None and time.monotonic() < since + _FRESH:
            return known
        return await self._find(name)

    async def _find(self, name: str) -> Declared | None:
        token, shard = token_of(name), shard_of(name, self._address.shards)
        info = await self._info(self._called.stream(shard), token)
        if info is None:
            return None
        metadata = info.config.metadata
        try:
            declared = Declared(
                name,
                token,
                shard,
                int(metadata["isthmus.lanes"]),
                metadata["isthmus.ordered"] == "1",
                info.config.ack_wait / 1e9,
                float(metadata["isthmus.window"]),
            )
        except (KeyError, ValueError):
            raise QueueError(f"the consumer {token} was not made by isthmus; use another prefix") from None
        self._remember(declared)
        return declared

    async def _info(self, stream: str, consumer: str) -> ConsumerInfo | None:
        try:
            return await self._connection.api(f"CONSUMER.INFO.{stream}.{consumer}", ConsumerInfo)
        except Refused as exc:
            if fault_of(exc) == NO_CONSUMER:
                return None
            raise

    async def names(self) -> list[str]:
        """The names of all queues, sorted."""
        names: set[str] = set()
        for shard in range(self._address.shards):
            stream, offset = self._called.stream(shard), 0
            while True:
                page = await self._connection.api(
                    f"CONSUMER.NAMES.{stream}", ConsumerNames, {"offset": offset}
                )
                consumers = page.consumers or []
                names.update([await self._name(stream, consumer) for consumer in consumers])
                offset += len(consumers)
                if not consumers or offset >= page.total:
                    break
        return sorted(names - {""})

    async def _name(self, stream: str, consumer: str) -> str:
        if (name := name_of(consumer)) is not None:
            return name
        if consumer.partition("~")[2].isdigit() and len(consumer.partition("~")[2]) < 3:
            return ""  # a lane
        info = await self._info(stream, consumer)
        return info.config.metadata.get("isthmus.name", "") if info is not None else ""

    async def infos(self, queue: Declared) -> list[ConsumerInfo]:
        """The consumers of a queue, as far as they are there."""
        stream = self._called.stream(queue.shard)
        infos = await asyncio.gather(
            *(self._info(stream, self._called.consumer(queue.token, lane)) for lane in range(queue.lanes + 1))
        )
        return [info for info in infos if info is not None]
