"""Inserts of a destination that make several events of one: each becomes a delivery of its own, in the same queue.

Such a part is told by how its id begins, has passed all inserts, and has its own attempts and its own end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Final

from isthmus.errors import InvalidInput
from isthmus.outcomes import Code, Problem, Status
from isthmus.pipelines import PART, Attempt
from isthmus.queues import Claim, Entry

from .events import taken

__all__ = ["in_parts", "is_part", "own_id", "parts_of"]

_NO_EVENT: Final = "what was kept is no event of a source"


def is_part(claim: Claim) -> bool:
    """Whether it was made of another delivery to its destination."""
    return claim.message_id.startswith(PART)


def own_id(claim: Claim) -> str:
    """The ``messageId`` of the event as it was kept, "" where it has none."""
    return taken(claim.body, most=len(claim.body), default_id=str).message_id


def parts_of(claim: Claim, texts: Sequence[bytes], *, most: int) -> list[Entry]:
    """The deliveries that take the place of one; the same whenever they are made anew.

    Args:
        claim: the delivery.
        texts: JSON of the events that the inserts made of it, each with an id of its own; one that a later insert took
            the id of is given another.
        most: bytes of JSON that one may have.

    Raises:
        InvalidInput: one is too large, or none; or the delivery is none of a source's.
    """
    own = own_id(claim)
    # SOURCE:ID, and behind it the mark of a replay; a source's id may have a colon in it.
    known = re.fullmatch(f"(.*:){re.escape(own)}(~[A-Za-z0-9]+)?", claim.message_id, re.DOTALL)
    if not own or known is None:
        raise InvalidInput(_NO_EVENT)
    source, mark = known[1], known[2] or ""
    entries: list[Entry] = []
    for place, text in enumerate(texts):
        given = f"{own}.{place}" if place else own
        event = taken(text, most=most, default_id=partial(str, given))
        entries.append(
            Entry(queue=claim.queue, message_id=f"{PART}{source}{event.message_id}{mark}", body=event.text)
        )
    return entries


def in_parts(count: int) -> Attempt:
    """How a delivery ends whose parts are kept."""
    said = f"its inserts made {count} events of it, each of which is a delivery of its own now"
    return Attempt(status=Status.DROPPED, problem=Problem(name="InParts", message=said, code=Code.FILTERED))
