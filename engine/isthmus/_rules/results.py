"""What each kind of function may return, and what it comes to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, final

import msgspec

from isthmus.errors import RuntimeFault
from isthmus.functions import Kind
from isthmus.outcomes import Code, ItemResult, Problem, Status

from . import jsontext
from .endings import INSERTS, status_of
from .waits import wait_asked

__all__ = ["Judged", "judge_batch", "judge_single", "same_for_all"]

_ABSENT: Final = msgspec.Raw()


@final
class Judged(msgspec.Struct, frozen=True, gc=False):
    """What a call that returned comes to; the fields are those of an outcome."""

    status: Status
    problem: Problem | None = None
    value: msgspec.Raw | None = None
    items: tuple[ItemResult, ...] = ()


@final
class _Entry(msgspec.Struct, frozen=True):
    """One entry of what a destination's ``onBatch`` returns; both spellings of each are read."""

    status: msgspec.Raw = _ABSENT
    errormessage: msgspec.Raw = _ABSENT
    error_message: msgspec.Raw = msgspec.field(default=_ABSENT, name="errorMessage")
    retry_after: msgspec.Raw = _ABSENT
    retry_after_camel: msgspec.Raw = msgspec.field(default=_ABSENT, name="retryAfter")


@final
class _Identified(msgspec.Struct, frozen=True):
    message_id: object = msgspec.field(default=None, name="messageId")


_RAW = msgspec.json.Decoder(msgspec.Raw)
_ENTRY = msgspec.json.Decoder(_Entry)
_STRING = msgspec.json.Decoder(str)
_IDENTIFIED = msgspec.json.Decoder(_Identified)

_DELIVERED = Judged(Status.DELIVERED)
_ITEM_DELIVERED = ItemResult(status=Status.DELIVERED)
_STATUS_SHOWN = 64  # characters of a status that an error repeats
_NO_VALUE: Final = {"nothing": "undefined", "null": "null"}


def _dropped(message: str) -> Problem:
    return Problem(name="DropEvent", message=message, code=Code.FILTERED)


def _rejected(message: str) -> Problem:
    return Problem(name="InvalidEventPayload", message=message, code=Code.MESSAGE_REJECTED)


_LEFT_OUT = ItemResult(status=Status.DROPPED, problem=_dropped("left out of what onBatch returned"))


def _unreadable(error: jsontext.Unreadable, what: str) -> Problem:
    """Blame the function for depth, and the runtime for text that is not JSON."""
    if error.malformed:
        raise RuntimeFault(f"the runtime handed over {what} that is not JSON") from error
    return _rejected(f"{what} is nested too deeply to be read")


def same_for_all(status: Status, problem: Problem | None, count: int) -> tuple[ItemResult, ...]:
    """Give every event of a batch the same result, as where ``onBatch`` threw."""
    return (ItemResult(status=status, problem=problem),) * count


# ---------------------------------------------------------------- one event


def judge_single(kind: Kind, value: bytes, note: str, *, fan_out: bool = False) -> Judged:
    """Judge what a single handler returned.

    What a destination returns is for display and a source's return is not looked at, so neither
    is decoded here and neither can be wrong.  An insert returns the event that goes on; undefined
    and null drop it, as ``DropEvent`` does, and anything that is not an object is refused.

    Args:
        kind: of the function.
        value: JSON text of what it returned, ``b""`` for undefined.
        note: why that could not be encoded, else "".
        fan_out: an insert may return an array of the events that go on; nulls in it are left out.

    Raises:
        RuntimeFault: an insert's value is not JSON.
    """
    if kind not in INSERTS:
        return Judged(Status.DELIVERED, value=msgspec.Raw(value)) if value else _DELIVERED
    if note:
        return Judged(Status.REFUSED, _rejected(f"the returned event cannot be passed on: {note}"))
    came = jsontext.kind_of(value)
    if came == "an object":
        try:
            return Judged(Status.DELIVERED, value=jsontext.decode(_RAW, value))
        except jsontext.Unreadable as error:
            return Judged(Status.REFUSED, _unreadable(error, "the returned event"))
    if came in _NO_VALUE:
        return Judged(Status.DROPPED, _dropped(f"the handler returned {_NO_VALUE[came]}"))
    if fan_out and came == "an array":
        return _judge_spread(value)
    return Judged(
        Status.REFUSED, _rejected(f"an insert function returns one event, an object, but {came} came")
    )


def _judge_spread(value: bytes) -> Judged:
    try:
        returned = jsontext.array_of(value)
    except jsontext.Unreadable as error:
        return Judged(Status.REFUSED, _unreadable(error, "the returned array"))
    events = [event for event in returned if jsontext.kind_of(event) != "null"]
    for event in events:
        came = jsontext.kind_of(event)
        if came != "an object":
            return Judged(Status.REFUSED, _rejected(f"the handler returned {came} among its events"))
    if not events:
        return Judged(Status.DROPPED, _dropped("the handler returned no events"))
    return Judged(Status.DELIVERED, value=msgspec.Raw(b"[" + b",".join(events) + b"]"))


# ---------------------------------------------------------------- a batch


def judge_batch(kind: Kind, value: bytes, note: str, events: Sequence[bytes], *, at: float = 0.0) -> Judged:
    """Judge what ``onBatch`` returned, with one result for each event, in the batch's order.

    A destination may return an array of ``{status, errormessage, retryAfter}``, paired with the events by
    index.  Anything that is no array says nothing of single events: the batch is delivered.  An
    insert returns the events that go on; see `_pair`.

    Args:
        kind: of the function.
        value: JSON text of what it returned, ``b""`` for undefined.
        note: why that could not be encoded, else "".
        events: JSON text of each event handed in.
        at: seconds since the epoch, when the call began: a date to wait for is counted from then.

    Raises:
        RuntimeFault: an array came that is not JSON.
    """
    inserts = kind in INSERTS
    came = jsontext.kind_of(value)
    problem = None
    if inserts and note:
        problem = _rejected(f"the returned events cannot be passed on: {note}")
    elif inserts and came in _NO_VALUE:
        dropped = _dropped(f"onBatch returned {_NO_VALUE[came]}")
        return Judged(Status.DROPPED, dropped, items=same_for_all(Status.DROPPED, dropped, len(events)))
    elif came != "an array":
        if not inserts:
            raw = msgspec.Raw(value) if value else None
            return Judged(Status.DELIVERED, value=raw, items=(_ITEM_DELIVERED,) * len(events))
        problem = _rejected(f"onBatch of an insert function returns an array of events, but {came} came")
    else:
        try:
            returned = jsontext.array_of(value)
        except jsontext.Unreadable as error:
            problem = _unreadable(error, "what onBatch returned")
        else:
            if len(returned) <= len(events):
                items = _pair(returned, events) if inserts else _statuses(returned, len(events), at)
                return _summary(items, msgspec.Raw(value))
            problem = _rejected(f"onBatch returned {len(returned)} entries for {len(events)} events")
    return Judged(Status.REFUSED, problem, items=same_for_all(Status.REFUSED, problem, len(events)))


def _summary(items: tuple[ItemResult, ...], value: msgspec.Raw) -> Judged:
    """Make one status of many: retry before refused before delivered; dropped where all were."""
    for status in (Status.RETRY, Status.REFUSED):
        of_status = [item.problem for item in items if item.status is status and item.problem]
        if of_status:
            first = of_status[0]
            message = f"{len(of_status)} of {len(items)} events; the first: {first.message}"
            # Not before all of them may be tried again.
            after = max(
                (each.retry_after for each in of_status if each.retry_after is not None), default=None
            )
            problem = msgspec.structs.replace(first, message=message, retry_after=after)
            return Judged(status, problem, value, items)
    if items and all(item.status is Status.DROPPED for item in items):
        return Judged(Status.DROPPED, items[0].problem, value, items)
    return Judged(Status.DELIVERED, None, value, items)


def _statuses(returned: list[msgspec.Raw], count: int, at: float) -> tuple[ItemResult, ...]:
    items = [_status(entry, at) for entry in returned]
    return (*items, *(_ITEM_DELIVERED,) * (count - len(items)))


def _status(text: msgspec.Raw, at: float) -> ItemResult:
    """Read one entry; one without ``status`` or message is as good as missing, so delivered.

    Real code returns ``Promise.all`` of whatever its parts returned.  What does speak of a status
    or an error and cannot be understood is refused aloud rather than taken for success.
    """
    if jsontext.kind_of(text) != "an object":
        return _ITEM_DELIVERED
    entry = _ENTRY.decode(text)
    said = _said(entry.errormessage) or _said(entry.error_message)
    came = jsontext.kind_of(entry.status)
    if came in _NO_VALUE:
        return _failed("BadRequest", said, Code.BAD_REQUEST) if said else _ITEM_DELIVERED
    shown = bytes(entry.status)[:_STATUS_SHOWN].decode(errors="replace")
    if came != "a number":
        return _failed(
            "InvalidEventPayload", f"its status should be a number, but is {shown}", Code.MESSAGE_REJECTED
        )
    status = float(bytes(entry.status))
    if 200 <= status < 300:
        return _ITEM_DELIVERED
    message = f"status {shown}: {said}" if said else f"status {shown}"
    if status == 429 or 500 <= status < 600:
        after = _after(entry.retry_after_camel, at)
        after = _after(entry.retry_after, at) if after is None else after
        return _failed("RetryError", message, Code.RETRY, after)
    return _failed("BadRequest", message, Code.BAD_REQUEST)


def _failed(name: str, message: str, code: Code, after: float | None = None) -> ItemResult:
    problem = Problem(name=name, message=message, code=code, retry_after=after)
    return ItemResult(status=status_of(code), problem=problem)


def _after(text: msgspec.Raw, at: float) -> float | None:
    """Read how long to wait: a number or a string; None for anything else."""
    came = jsontext.kind_of(text)
    if came == "a number":
        return wait_asked(float(bytes(text)), at)
    return wait_asked(_STRING.decode(text), at) if came == "a string" else None


def _said(text: msgspec.Raw) -> str:
    """Read an error message: a string as it is, anything else as its JSON; "" for none."""
    came = jsontext.kind_of(text)
    if came in _NO_VALUE:
        return ""
    return _STRING.decode(text) if came == "a string" else bytes(text).decode()


def _pair(returned: list[msgspec.Raw], events: Sequence[bytes]) -> tuple[ItemResult, ...]:
    """Pair what an insert's ``onBatch`` returned with what it was given.

    By ``messageId`` where every returned event has one that the batch has too, no more often than
    the batch has it; so a function may filter and reorder.  Else by index, as Segment documents.
    A null is an event left out, and what is left out is dropped.
    """
    by_id = _places_by_id([event for event in returned if jsontext.kind_of(event) != "null"], events)
    items = [_LEFT_OUT] * len(events)
    for place, event in enumerate(returned) if by_id is None else by_id:
        came = jsontext.kind_of(event)
        if came == "an object":
            items[place] = ItemResult(status=Status.DELIVERED, event=event)
        elif came != "null":
            message = f"onBatch returned {came} in place of an event"
            items[place] = _failed("InvalidEventPayload", message, Code.MESSAGE_REJECTED)
    return tuple(items)


def _places_by_id(
    returned: Sequence[msgspec.Raw], events: Sequence[bytes]
) -> list[tuple[int, msgspec.Raw]] | None:
    """Find each returned event's index in the batch, or None where the ids do not tell all of them."""
    free: dict[str, list[int]] = {}
    for index in reversed(range(len(events))):
        if message_id := _message_id(events[index]):
            free.setdefault(message_id, []).append(index)
    places = []
    for event in returned:
        indices = free.get(_message_id(event))
        if not indices:
            return None
        places.append((indices.pop(), event))
    return places


def _message_id(event: bytes | msgspec.Raw) -> str:
    """Read an event's id, "" where it has none that is text."""
    if jsontext.kind_of(event) != "an object":
        return ""
    try:
        message_id = jsontext.decode(_IDENTIFIED, bytes(event)).message_id
    except (msgspec.ValidationError, jsontext.Unreadable):
        return ""
    return message_id if isinstance(message_id, str) else ""
