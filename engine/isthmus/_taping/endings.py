"""Outcomes read back from their JSON; a field of JSON text may be missing there, which no decoder of unions takes."""

from __future__ import annotations

from typing import Final, final

import msgspec

from isthmus.outcomes import Exchange, ItemResult, LogLine, Outcome, Problem, Status, Usage

__all__ = ["outcome_of"]

NOTHING: Final = msgspec.Raw(b"")


@final
class _Item(msgspec.Struct):
    status: Status
    problem: Problem | None = None
    event: msgspec.Raw = NOTHING


@final
class _Ended(msgspec.Struct):
    function: str
    instance: str
    handler: str
    status: Status
    problem: Problem | None = None
    value: msgspec.Raw = NOTHING
    items: tuple[_Item, ...] = ()
    messages: tuple[msgspec.Raw, ...] = ()
    logs: tuple[LogLine, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    usage: Usage = Usage()
    tape: str = ""


_decoder: Final = msgspec.json.Decoder(_Ended)


def outcome_of(text: bytes) -> Outcome:
    """The outcome that was written.

    Raises:
        msgspec.MsgspecError: it is none.
        UnicodeDecodeError: it is no text.
    """
    ended = _decoder.decode(text)
    return Outcome(
        function=ended.function,
        instance=ended.instance,
        handler=ended.handler,
        status=ended.status,
        problem=ended.problem,
        value=_kept(ended.value),
        items=tuple(
            ItemResult(status=item.status, problem=item.problem, event=_kept(item.event))
            for item in ended.items
        ),
        messages=tuple(msgspec.Raw(bytes(text)) for text in ended.messages),
        logs=ended.logs,
        exchanges=ended.exchanges,
        usage=ended.usage,
        tape=ended.tape,
    )


def _kept(text: msgspec.Raw) -> msgspec.Raw | None:
    """JSON text by itself, not as a view of all that was read."""
    return msgspec.Raw(bytes(text)) if bytes(text) else None
