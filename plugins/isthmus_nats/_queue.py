"""The queue, as Trio sees it: each call goes over the bridge into the client's thread."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar, final

import trio

from isthmus.errors import EngineError, QueueError
from isthmus.queues import Claim, DeadLetter, Entry, Finding, Measure, Queue, QueueOptions, QueueStats
from isthmus.rules import REASON_LENGTH, check_retries

from ._address import Address, read_address
from ._answers import Refused
from ._bridge import Bridge
from ._claiming import Claiming
from ._connection import Connection
from ._directory import Directory
from ._installation import installed, set_up
from ._intake import Intake
from ._leases import Leases, lease_of
from ._letters import Letters
from ._marks import Marks
from ._measuring import Measuring
from ._safety import ask_servers, judge
from ._stock import stats_of
from ._subjects import Names

__all__ = ["open_queue"]

T = TypeVar("T")

_HEADERS: Final = (
    48 * 1024
)  # bytes beside the body: names, id, key and reason at their longest, twelve bytes a character
_DEFAULTS: Final = QueueOptions()


@asynccontextmanager
async def open_queue(url: str, options: Mapping[str, str]) -> AsyncIterator[Queue]:
    """Open the queues of a cluster; see :func:`isthmus_nats.open_nats_queue`."""
    address = read_address(url, options)
    async with Bridge() as bridge:
        connection = await bridge.run(Connection.open, address)
        try:
            queue = NatsQueue(address, bridge, connection)
            await queue.prepare()
            yield queue
        finally:
            with trio.CancelScope(shield=True):
                await bridge.run(connection.close)


@final
class NatsQueue(Queue):
    """Queues kept by a cluster; see :class:`isthmus.queues.Queue`.

    Args:
        address: of the cluster.
        bridge: to the thread of the connection.
        connection: which is open.
    """

    def __init__(self, address: Address, bridge: Bridge, connection: Connection) -> None:
        self._address = address
        self._bridge = bridge
        self._connection = connection
        self._names = Names(address.prefix)
        marks = Marks(connection, self._names)
        self._directory = Directory(connection, address, self._names)
        self._intake = Intake(connection, address, self._names, self._directory)
        self._leases = Leases(connection, marks)
        self._claiming = Claiming(connection, self._names, self._directory, self._leases, marks)
        self._letters = Letters(connection, self._names)
        self._measuring = Measuring(connection, address, self._names)
        self.max_body = int(connection.server.get("max_payload", 2**20)) - _HEADERS

    async def prepare(self) -> None:
        """Make the streams, on a cluster that is safe.

        Raises:
            QueueError: it is not safe, or does not do what is needed.
        """
        await self._refuse({})  # before anything is made
        await self._run("making the streams", set_up, self._connection, self._address)
        await self._refuse(
            await self._run("looking at the streams", installed, self._connection, self._address)
        )

    async def _refuse(self, streams: Mapping[str, int]) -> None:
        if self._address.unsafe:
            return
        unsafe = [finding for finding in await self._look(streams) if finding.level == "unsafe"]
        if unsafe:
            raise QueueError(
                "the cluster could lose what it accepts, so it is not used:\n"
                + "\n".join(f"- {finding.what}: {finding.remedy}" for finding in unsafe)
                + "\n(the option unsafe=1 uses it all the same)"
            )

    async def _look(self, streams: Mapping[str, int]) -> list[Finding]:
        servers = await ask_servers(self._address.monitor)
        version = str(self._connection.server.get("version", ""))
        return judge(self._address, version, servers, streams)

    async def findings(self) -> list[Finding]:
        """See :meth:`isthmus.queues.Queue.findings`."""
        return await self._look(
            await self._run("looking at the streams", installed, self._connection, self._address)
        )

    async def measures(self) -> list[Measure]:
        """See :meth:`isthmus.queues.Queue.measures`; a cluster that is away leaves out its streams only."""
        return await self._run("measuring", self._measuring.measure)

    # ------------------------------------------------------------ deliveries

    async def declare(self, name: str, options: QueueOptions = _DEFAULTS) -> None:
        """See :meth:`isthmus.queues.Queue.declare`."""
        await self._run(f"declaring {name}", self._directory.declare, name, options)

    async def publish(self, entries: Sequence[Entry]) -> None:
        """See :meth:`isthmus.queues.Queue.publish`."""
        await self._run("publishing", self._intake.publish, entries, self.max_body, self.max_batch)

    async def claim(self, name: str, count: int, *, wait: float = 0.0) -> list[Claim]:
        """See :meth:`isthmus.queues.Queue.claim`."""
        if count < 1:
            raise EngineError(f"a call claims at least one delivery, not {count}")
        return await self._run(
            f"claiming of {name}", self._claiming.claim, name, min(count, self.max_batch), wait
        )

    async def ack(self, claims: Sequence[Claim]) -> None:
        """See :meth:`isthmus.queues.Queue.ack`."""
        await self._run("acknowledging", self._leases.ack, claims)

    async def retry(self, retries: Sequence[tuple[Claim, float]]) -> None:
        """See :meth:`isthmus.queues.Queue.retry`."""
        check_retries(retries)
        await self._run("putting back", self._leases.retry, retries)

    async def extend(self, claims: Sequence[Claim]) -> None:
        """See :meth:`isthmus.queues.Queue.extend`."""
        await self._run("extending leases", self._leases.extend, claims)

    async def stats(self, name: str) -> QueueStats:
        """See :meth:`isthmus.queues.Queue.stats`."""
        return await self._run(
            f"counting {name}",
            stats_of,
            self._connection,
            self._names,
            self._directory,
            self._letters,
            name,
        )

    async def names(self) -> list[str]:
        """See :meth:`isthmus.queues.Queue.names`."""
        return await self._run("listing the queues", self._directory.names)

    # ------------------------------------------------------------ dead letters

    async def dead_letter(self, buried: Sequence[tuple[Claim, str]]) -> None:
        """See :meth:`isthmus.queues.Queue.dead_letter`.

        The letter is kept first and the delivery acknowledged then: who falls between the two leaves a letter whose
        delivery comes back, and finds it written when it is buried again.
        """
        await self._run("burying", self._bury, buried)

    async def _bury(self, buried: Sequence[tuple[Claim, str]]) -> None:
        held = []
        for claim, reason in buried:
            lease = lease_of(claim)
            if not lease.out:
                held.append((claim, reason[:REASON_LENGTH], f"{lease.stream}/{lease.sequence}"))
        if held:
            await self._letters.write(held)
            await self._leases.ack([claim for claim, _, _ in held])

    async def dead(self, name: str | None = None, *, after: str = "", count: int = 100) -> list[DeadLetter]:
        """See :meth:`isthmus.queues.Queue.dead`."""

        async def page() -> list[DeadLetter]:
            return await self._letters.page(name, after=after, count=count)

        return await self._run("listing dead letters", page)

    async def revive(self, ids: Sequence[str]) -> int:
        """See :meth:`isthmus.queues.Queue.revive`."""
        return await self._run("reviving dead letters", self._revive, ids)

    async def _revive(self, ids: Sequence[str]) -> int:
        revived = 0
        for ident in ids:
            letter = await self._letters.get(ident)
            if letter is None:
                continue
            entry = Entry(queue=letter.queue, message_id=letter.message_id, body=letter.body, key=letter.key)
            await self._intake.publish_again(letter.queue, entry, ident)
            revived += await self._letters.delete(ident)
        return revived

    async def discard(self, ids: Sequence[str]) -> int:
        """See :meth:`isthmus.queues.Queue.discard`."""
        return await self._run("discarding dead letters", self._discard, ids)

    async def _discard(self, ids: Sequence[str]) -> int:
        return sum([await self._letters.delete(ident) for ident in ids])

    async def _run(self, doing: str, function: Callable[..., Coroutine[Any, Any, T]], *args: Any) -> T:
        try:
            return await self._bridge.run(function, *args)
        except Refused as exc:
            raise exc.told(doing) from exc
