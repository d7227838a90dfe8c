"""Counts what is in a queue."""

from __future__ import annotations

import time

from isthmus.queues import QueueStats

from ._answers import NO_MESSAGE, Refused, Stored, StreamInfo, fault_of
from ._connection import Connection
from ._directory import Declared, Directory
from ._letters import Letters
from ._subjects import Names

__all__ = ["stats_of"]


async def stats_of(
    connection: Connection, names: Names, directory: Directory, letters: Letters, name: str
) -> QueueStats:
    """Count what is in a queue.

    The server does not tell what waits for its retry from what is claimed; bytes are the stream's, shared out by the number
    of messages.

    Raises:
        InvalidInput: it has not been declared.
        QueueError: the cluster is away.
    """
    queue = await directory.find(name)
    infos = await directory.infos(queue)
    waiting = sum(info.num_pending for info in infos)
    in_flight = sum(info.num_ack_pending for info in infos)
    return QueueStats(
        waiting=waiting,
        in_flight=in_flight,
        dead=await letters.count(name),
        oldest=await _oldest(connection, names, queue) if waiting + in_flight else None,
        bytes=await _bytes(connection, names, queue, waiting + in_flight),
    )


async def _oldest(connection: Connection, names: Names, queue: Declared) -> float | None:
    subject = names.subject(queue.shard, queue.token, "*")
    try:
        stored = await connection.api(
            f"STREAM.MSG.GET.{names.stream(queue.shard)}", Stored, {"seq": 1, "next_by_subj": subject}
        )
    except Refused as exc:
        if fault_of(exc) == NO_MESSAGE:
            return None
        raise
    return None if stored.message is None else max(0.0, time.time() - stored.message.time.timestamp())


async def _bytes(connection: Connection, names: Names, queue: Declared, count: int) -> int:
    state = (await connection.api(f"STREAM.INFO.{names.stream(queue.shard)}", StreamInfo)).state
    return state.bytes * min(count, state.messages) // state.messages if state.messages else 0
