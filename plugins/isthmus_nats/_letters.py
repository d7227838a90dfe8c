"""Dead letters: a stream of its own, in which they stay until somebody looks at them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final, final

from isthmus.errors import EngineError
from isthmus.queues import Claim, DeadLetter

from ._answers import NO_MESSAGE, Done, Message, Refused, Stored, StreamInfo, fault_of
from ._connection import Connection
from ._publishing import Outgoing, Publisher
from ._subjects import Names, packed, token_of, unpacked

__all__ = ["Letters"]

_GONE: Final = frozenset({NO_MESSAGE, 10057, 10043})  # no such message; deleting one that is not there


@final
class Letters:
    """The stream of dead letters.

    Args:
        connection: to the cluster.
        names: of the installation.
    """

    def __init__(self, connection: Connection, names: Names) -> None:
        self._connection = connection
        self._names = names
        self._publisher = Publisher(connection, names.letters)

    async def write(self, buried: Sequence[tuple[Claim, str, str]]) -> None:
        """Keep letters.

        Args:
            buried: claims, each with a reason and with what tells its message from all others in the installation; so a
                letter that is written twice is there once.

        Raises:
            QueueError: the cluster is away, or has no room.
        """
        now = repr(time.time())
        await self._publisher.publish(
            [
                Outgoing(
                    self._names.letter(token_of(claim.queue)),
                    claim.body,
                    {
                        "Nats-Msg-Id": message,
                        "Isthmus-Queue": packed(claim.queue),
                        "Isthmus-Id": packed(claim.message_id),
                        "Isthmus-Reason": packed(reason),
                        "Isthmus-Attempts": str(claim.attempt),
                        "Isthmus-Published": repr(claim.published_at),
                        "Isthmus-Buried": now,
                    }
                    | ({"Isthmus-Key": packed(claim.key)} if claim.key is not None else {}),
                )
                for claim, reason, message in buried
            ]
        )

    async def count(self, name: str) -> int:
        """How many there are of a queue."""
        subject = self._names.letter(token_of(name))
        info = await self._connection.api(
            f"STREAM.INFO.{self._names.letters}", StreamInfo, {"subjects_filter": subject}
        )
        return sum((info.state.subjects or {}).values())

    async def page(self, name: str | None, *, after: str, count: int) -> list[DeadLetter]:
        """Some of them, oldest first; see :meth:`isthmus.queues.Queue.dead`."""
        subject = self._names.letter(token_of(name) if name is not None else "*")
        found: list[DeadLetter] = []
        place = _number(after) if after else 0
        while len(found) < count:
            message = await self._get({"seq": place + 1, "next_by_subj": subject})
            if message is None:
                break
            place = message.seq
            found.append(_letter(message))
        return found

    async def get(self, ident: str) -> DeadLetter | None:
        """One of them, None where it is gone."""
        message = await self._get({"seq": _number(ident)})
        return None if message is None else _letter(message)

    async def delete(self, ident: str) -> bool:
        """Remove one, and say whether it was there."""
        try:
            await self._connection.api(
                f"STREAM.MSG.DELETE.{self._names.letters}", Done, {"seq": _number(ident)}
            )
        except Refused as exc:
            if fault_of(exc) in _GONE:
                return False
            raise
        return True

    async def _get(self, question: dict[str, object]) -> Message | None:
        try:
            stored = await self._connection.api(f"STREAM.MSG.GET.{self._names.letters}", Stored, question)
        except Refused as exc:
            if fault_of(exc) == NO_MESSAGE:
                return None
            raise
        return stored.message


def _number(ident: str) -> int:
    if not ident.isascii() or not ident.isdigit() or not 0 < int(ident) < 2**63:
        raise EngineError(f"a dead letter of a nats: queue is named by a number, not {ident!r}")
    return int(ident)


def _letter(message: Message) -> DeadLetter:
    headers = message.headers
    return DeadLetter(
        id=str(message.seq),
        queue=unpacked(headers.get("Isthmus-Queue", "")),
        message_id=unpacked(headers.get("Isthmus-Id", "")),
        body=message.data,
        key=unpacked(headers["Isthmus-Key"]) if "Isthmus-Key" in headers else None,
        reason=unpacked(headers.get("Isthmus-Reason", "")),
        attempts=int(headers.get("Isthmus-Attempts", "0")),
        published_at=float(headers.get("Isthmus-Published", "0")),
        buried_at=float(headers.get("Isthmus-Buried", "0")),
    )
