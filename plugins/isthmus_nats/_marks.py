"""What has to be remembered of single deliveries, for the server does not: when one was first claimed, and that it was held.

JetStream counts the deliveries of a message and keeps the time of its publishing, but not that of its first delivery; yet
retries end a while after it, and an event that waited for hours unclaimed still has all of them to come.  So the time is written
down once, when a delivery is put back or is seen a second time: one that succeeds at once, as most do, costs nothing.

The first mark of a subject stays, and others are refused: two machines that write one at a time agree on the earlier.  A
mark that is lost, or not yet there, makes the window begin at the next claim, never end too early.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import Final, Literal, final

import msgspec
from nats.aio.msg import Msg

from isthmus.errors import QueueError

from ._answers import Published, Refused, decode
from ._connection import ANSWER, Away, Connection, answer_of, status_of
from ._subjects import Names

__all__ = ["Kind", "Marks"]

logger = logging.getLogger("isthmus.nats")

Kind = Literal["first", "held"]

_MOST: Final = 1000  # subjects of one question, of the 1,024 a server takes


@final
class Marks:
    """Marks of deliveries, by their kind and the number of the message in its stream.

    Args:
        connection: to the cluster.
        names: of the installation.
    """

    def __init__(self, connection: Connection, names: Names) -> None:
        self._connection = connection
        self._names = names

    async def write(self, kind: Kind, stream: str, times: Mapping[int, float]) -> None:
        """Write a time for each message, where none is written yet; without success this is logged, and harmless."""
        if not times:
            return

        async def once() -> None:
            expected = []
            for sequence, at in times.items():
                reply, future = self._connection.expect()
                expected.append(future)
                subject = self._names.mark(kind, stream, sequence)
                await self._connection.send(subject, repr(at).encode(), reply=reply)
            for future in expected:
                try:
                    decode(await answer_of(future), Published, doing="marking deliveries")
                except Refused as exc:
                    if exc.passing:
                        raise
                    logger.debug("a mark is there already, or finds no room: %s", exc)

        try:
            await self._connection.patiently(once)
        except QueueError as exc:
            logger.warning(
                "deliveries are not marked as claimed, their retries may go on for longer: %s", exc
            )

    async def read(self, kind: Kind, stream: str, sequences: Iterable[int]) -> dict[int, float]:
        """The times that are written for messages.

        Raises:
            QueueError: the cluster is away.
        """
        wanted = list(sequences)
        found: dict[int, float] = {}
        for begin in range(0, len(wanted), _MOST):
            subjects = [
                self._names.mark(kind, stream, sequence) for sequence in wanted[begin : begin + _MOST]
            ]
            for message in await self._connection.patiently(lambda some=subjects: self._ask(some)):  # type: ignore[misc]
                subject = (message.headers or {}).get("Nats-Subject", "")
                try:
                    found[int(subject.rpartition(".")[2])] = float(message.data)
                except ValueError:
                    logger.warning("the mark %s holds no time", subject)
        return found

    async def _ask(self, subjects: list[str]) -> list[Msg]:
        messages: list[Msg] = []
        ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def hear(message: Msg) -> None:
            status = status_of(message)
            if not status:
                messages.append(message)
            elif not ended.done():
                ended.set_result(status)

        reply = self._connection.on_answer(hear)
        try:
            question = msgspec.json.encode({"multi_last": subjects})
            await self._connection.send(f"$JS.API.DIRECT.GET.{self._names.marks}", question, reply=reply)
            async with asyncio.timeout(ANSWER):
                status = await ended
        except TimeoutError:
            raise Away("no answer about marks") from None
        finally:
            self._connection.forget(reply)
        if status not in {"204", "404"}:
            raise Away(f"the marks can't be read now: {status}")
        return messages
