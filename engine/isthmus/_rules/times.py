"""The times of an event (Segment, spec, common fields)."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

__all__ = ["stamped", "times"]


class _Said(msgspec.Struct, frozen=True, rename="camel"):
    """What an event says of its times; each may be of any type."""

    timestamp: object = None
    original_timestamp: object = None


_SAID = msgspec.json.Decoder(_Said)
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def stamped(text: bytes, received: float) -> bytes:
    """Give a message of a source function its four times, as those have that come in by the tracking API.

    Args:
        text: its JSON; one that is no object is given back as it is.
        received: seconds since the epoch.
    """
    try:
        fields: dict[str, object] = {**_FIELDS.decode(text)}
        said = _SAID.decode(text)
    except msgspec.DecodeError:
        return text
    fields.update(times(said.original_timestamp or said.timestamp, None, None, received))
    return msgspec.json.encode(fields)


def times(
    original_at: object, event_sent_at: object, batch_sent_at: object, received: float
) -> dict[str, str]:
    """Make the four times of an event; a device's clock is corrected by when it says it sent the event.

    Args:
        original_at: when the event happened, by its sender.
        event_sent_at: when it was sent, by its sender.
        batch_sent_at: the same, of its batch.
        received: seconds since the epoch.

    Returns:
        ``receivedAt``, ``sentAt``, ``originalTimestamp`` and ``timestamp``, in UTC.
    """
    at = datetime.fromtimestamp(received, UTC)
    original = _moment(original_at)
    sent = _moment(event_sent_at) or _moment(batch_sent_at)
    try:
        happened = at if original is None else original if sent is None else at - (sent - original)
    except OverflowError:
        happened = at
    written = _written(at)
    sent_written = _written(sent) if sent else written
    original_written = _written(original) if original else sent_written
    if happened is not at and happened is not original:
        happened_written = _written(happened)
    else:
        happened_written = written if happened is at else original_written
    return {
        "receivedAt": written,
        "sentAt": sent_written,
        "originalTimestamp": original_written,
        "timestamp": happened_written,
    }


def _moment(value: object) -> datetime | None:
    """A time as clients write it, ISO 8601; without a zone it is UTC; None for anything else."""
    if not isinstance(value, str) or not 10 <= len(value) <= 40:
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
