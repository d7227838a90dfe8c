"""Sending deliveries again: those given up out of their queue's dead letters, the others out of the archive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, final

import msgspec
import trio

from isthmus.queues import Queue

from .deliverylog import event_in, message_of
from .live import Live

__all__ = ["Replayed", "replay"]

LETTERS: Final = 1_000
"""Dead letters that are looked at in one go."""
MOST: Final = 50_000
"""Dead letters of a queue that are looked at in all."""


@final
class Replayed(msgspec.Struct, frozen=True):
    """What was sent again, and what could not be: by its delivery's id."""

    sent: tuple[str, ...]
    left: tuple[str, ...]


async def replay(live: Live, destination: str, deliveries: Sequence[str]) -> Replayed:
    """Send deliveries to a destination again.

    One that was given up goes back into its queue as it was; of another the event is taken out of the archive, and passes
    the destination's filter anew.

    Args:
        live: what runs.
        destination: its name in the pipeline.
        deliveries: their ids.

    Raises:
        QueueError: not all of it was kept.
    """
    sent: list[str] = []
    if live.queue is not None:
        letters = await _letters(live.queue, f"destination:{destination}", set(deliveries))
        if letters:
            await live.queue.revive(list(letters.values()))
        sent = list(letters)
    for id_ in deliveries:
        if id_ not in sent and await _from_archive(live, destination, id_):
            sent.append(id_)
    return Replayed(tuple(sent), tuple(id_ for id_ in deliveries if id_ not in sent))


async def _letters(queue: Queue, name: str, wanted: set[str]) -> dict[str, str]:
    """Ids of the dead letters, by the ids of their deliveries."""
    found: dict[str, str] = {}
    after = ""
    for _ in range(MOST // LETTERS):
        letters = await queue.dead(name, after=after, count=LETTERS)
        found |= {letter.message_id: letter.id for letter in letters if letter.message_id in wanted}
        if len(letters) < LETTERS or len(found) == len(wanted):
            break
        after = letters[-1].id
    return found


async def _from_archive(live: Live, destination: str, id_: str) -> bool:
    if live.archive is None or live.running is None or live.running.current is None:
        return False
    directory, source = live.archive, message_of(id_)[0]
    event = await trio.to_thread.run_sync(event_in, directory, id_)
    if event is None:
        return False
    pipeline = live.running.current.pipeline
    return bool(await pipeline.replay(source, [dict(event)], to=[destination], shown=True))
