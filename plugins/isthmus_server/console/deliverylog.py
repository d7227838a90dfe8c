"""What the log of deliveries has on one destination, gathered for a page; and one delivery in full."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, final

import msgspec

from isthmus.archive import ArchiveReader
from isthmus.deliveries import AttemptRecord, Delivery, DeliveryReader

__all__ = ["ErrorGroup", "LoggedDeliveries", "delivery_in", "event_in", "logged", "message_of"]

HELD: Final = 20_000
"""Deliveries looked at for one page; of more, those tried last."""
SHOWN: Final = 100
EARLIER: Final = 600.0
"""Seconds that an event may have been archived before its first attempt was logged as having begun."""
_REPLAYED: Final = re.compile(r"~[^~]+$")


@final
class ErrorGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Attempts that failed for one reason.

    Attributes:
        code: of their problems.
        attempts: how many.
        deliveries: of how many deliveries.
        last: the last of them.
    """

    code: str
    attempts: int
    deliveries: int
    last: AttemptRecord


@final
class LoggedDeliveries(msgspec.Struct, frozen=True, kw_only=True):
    """What there is.

    Attributes:
        errors: the most frequent first.
        deliveries: those that were asked for, the one tried last first, no more than a hundred.
        found: how many there were of these.
        damaged: files of the log that could not be read to their end.
    """

    errors: tuple[ErrorGroup, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    found: int = 0
    damaged: int = 0


def logged(
    directory: Path, queue: str, *, since: float, became: str = "", code: str = ""
) -> LoggedDeliveries:
    """Read the log; to be called in a thread.

    Args:
        directory: of the log.
        queue: its name.
        since: seconds since the epoch.
        became: only deliveries of which that came, "" for all.
        code: only those that had this problem once, "" for all.
    """
    reader = DeliveryReader(directory, since=since)
    everything = reader.deliveries(containing=queue, wants=lambda one: one.queue == queue, most=HELD)
    chosen = [
        delivery
        for delivery in everything
        if (not became or delivery.last.became == became)
        and (not code or any(each.problem and each.problem.code == code for each in delivery.attempts))
    ]
    return LoggedDeliveries(
        errors=_errors(everything),
        deliveries=tuple(chosen[:SHOWN]),
        found=len(chosen),
        damaged=len(reader.damaged),
    )


def _errors(deliveries: list[Delivery]) -> tuple[ErrorGroup, ...]:
    groups: dict[str, list[AttemptRecord]] = {}
    for delivery in deliveries:
        for attempt in delivery.attempts:
            if attempt.problem is not None and attempt.became != "dropped":
                groups.setdefault(attempt.problem.code.value, []).append(attempt)
    found = [
        ErrorGroup(
            code=code,
            attempts=len(attempts),
            deliveries=len({each.delivery for each in attempts}),
            last=max(attempts, key=lambda each: each.at),
        )
        for code, attempts in groups.items()
    ]
    return tuple(sorted(found, key=lambda group: -group.attempts))


def delivery_in(directory: Path, queue: str, id_: str) -> Delivery | None:
    """One delivery with all the attempts that were logged, None where there is none; to be called in a thread."""
    reader = DeliveryReader(directory)
    found = reader.deliveries(
        containing=id_, wants=lambda one: one.queue == queue and one.delivery == id_, most=1
    )
    return found[0] if found else None


def message_of(id_: str) -> tuple[str, str]:
    """The source, and the message id, that a delivery's id is of."""
    source, _, message = _REPLAYED.sub("", id_).partition(":")
    return source, message


def event_in(directory: Path, id_: str, *, since: float | None = None) -> Mapping[str, Any] | None:
    """The event of a delivery as it was accepted, None where it is not archived any more; to be called in a thread.

    Args:
        directory: of the archive.
        id_: of the delivery.
        since: seconds since the epoch at which it had been accepted, or later; None for any time.
    """
    source, message = message_of(id_)
    reader = ArchiveReader(directory) if since is None else ArchiveReader(directory, since=since - EARLIER)
    for one in reader.events(containing=[message]):
        if one.source != source:
            continue
        event: dict[str, Any] = msgspec.json.decode(one.event)
        if event.get("messageId") == message:
            return event
    return None
