"""Inserts that make several events of one: each gets an id of its own, and they go on together or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from isthmus.errors import InvalidInput
from isthmus.outcomes import Outcome, Status

from .attempts import attempt_of, refused
from .items import Item, Settle

if TYPE_CHECKING:
    from isthmus._engine import Engine
    from isthmus._instances import Instance

__all__ = ["pass_spreading", "spread"]

_ARRAY = msgspec.json.Decoder(list[dict[str, Any]])


async def pass_spreading(
    engine: Engine,
    insert: Instance,
    items: Sequence[Item],
    settle: Settle,
    now: float,
    id_of: Callable[[Item], str],
) -> list[Item]:
    """Send all events of each item through an insert, and give the items that go on.

    Where one event of an item fails, the item does: it is tried again with all its events, which have the ids that they
    had before.  Events that are left out are missing from it, and where all are, it is.

    Args:
        engine: of the insert.
        insert: the function.
        items: deliveries, each with the events that earlier inserts made of it.
        settle: ends those that do not go on.
        now: seconds since the epoch.
        id_of: the message id of the event that a delivery began with.
    """
    events = [(item, text) for item in items for text in item.texts]
    outcomes: dict[int, Outcome | InvalidInput] = {}
    await engine.invoke_each(
        insert, [text for _, text in events], outcomes.__setitem__, concurrency=len(events)
    )
    ended: dict[int, list[Outcome | InvalidInput]] = {id(item): [] for item in items}
    for index, (item, _) in enumerate(events):
        ended[id(item)].append(outcomes[index])
    return [item for item in items if _goes_on(item, ended[id(item)], insert, settle, now, id_of)]


def _goes_on(
    item: Item,
    outcomes: Sequence[Outcome | InvalidInput],
    insert: Instance,
    settle: Settle,
    now: float,
    id_of: Callable[[Item], str],
) -> bool:
    texts: list[bytes] = []
    dropped: Outcome | None = None
    failed: Outcome | None = None
    for outcome in outcomes:
        if isinstance(outcome, InvalidInput):
            settle(item, refused(outcome))
            return False
        if outcome.status is Status.DELIVERED and outcome.value is not None:
            texts.append(bytes(outcome.value))
        elif outcome.status is Status.DROPPED:
            dropped = outcome
        elif failed is None or outcome.status is Status.RETRY:
            failed = outcome
    if failed is not None:
        settle(item, attempt_of(failed, now))
        return False
    if insert.function.fan_out:
        message_id = id_of(item)
        texts = [each for text in texts for each in spread(text, message_id)]
    if not texts:
        assert dropped is not None  # noqa: S101 -- an empty array is judged as dropped
        settle(item, attempt_of(dropped, now))
        return False
    item.texts = texts
    return True


def spread(text: bytes, message_id: str) -> list[bytes]:
    """The events of an array, each with an id that no other has; of an event alone, that.

    An event keeps an id of its own making.  Of those that have the id of the event they were made of, or none, the
    first gets that id, and later ones that with a number: the same at every attempt.

    Args:
        text: as the insert returned it: an object, or an array of objects.
        message_id: of the event that it was given, where what it returned says nothing else.
    """
    if text.lstrip()[:1] != b"[":
        return [text]
    spread: list[bytes] = []
    taken: set[str] = set()
    for place, event in enumerate(_ARRAY.decode(text)):
        own = event.get("messageId")
        own = own if isinstance(own, str) and own else message_id
        given = own
        while given in taken:
            given, place = f"{own}.{place}", place + 1
        taken.add(given)
        event["messageId"] = given
        spread.append(msgspec.json.encode(event))
    return spread
