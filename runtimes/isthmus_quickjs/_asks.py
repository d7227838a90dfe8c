"""What a guest asks with parameters: a typed head and byte strings in, bytes or a refusal out.

payload  length of the head, 4 bytes little-endian; the head, JSON; the byte strings, whose lengths the head has as ``sizes``
answer   0 and the bytes, or 1 and a JSON object {name, code, message} of the error that the function gets
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Generic, TypeVar

import msgspec

__all__ = ["LARGEST", "Ask", "Handled", "Refusal", "answered", "handles"]

LARGEST: Final = 32 * 1024 * 1024
"""Bytes worked on at once: nothing stops a host call half way, and hashing so much takes a tenth of a second."""
LONGEST_HEAD: Final = 64 * 1024


class Refusal(Exception):
    """What was asked can't be done; the function gets an error that says why.

    Args:
        message: the error's message.
        code: its ``code``, as Node has it; "" for none.
        name: its class, one of JavaScript's, or the name of a DOMException.
    """

    def __init__(self, message: str, code: str = "", name: str = "Error") -> None:
        super().__init__(message)
        self.code = code
        self.name = name


class Ask(msgspec.Struct, forbid_unknown_fields=True):
    """The head of what is asked; operations add their parameters.

    Attributes:
        sizes: lengths of the byte strings behind the head.
    """

    sizes: Annotated[list[Annotated[int, msgspec.Meta(ge=0, le=LARGEST)]], msgspec.Meta(max_length=8)]


_Ask = TypeVar("_Ask", bound=Ask)


class Handled(msgspec.Struct, Generic[_Ask]):
    """An operation: the type of its head, how many byte strings it takes, and what answers it."""

    head: type[_Ask]
    count: int
    answer: Callable[..., bytes]


def handles(head: type[_Ask], count: int, answer: Callable[..., bytes]) -> Handled[_Ask]:
    """An operation whose ``answer`` is called with the head and so many byte strings."""
    return Handled(head, count, answer)


def answered(operations: Mapping[str, Handled[Any]], name: str, payload: bytes) -> bytes:
    """Answer what a guest asks.

    Args:
        operations: those there are.
        name: which of them.
        payload: the head and the byte strings.

    Raises:
        KeyError: no such operation.
        ValueError: the payload is not what the operation takes; no function can make the prelude say so.
    """
    handled = operations[name]
    length = int.from_bytes(payload[:4], "little")
    if length > LONGEST_HEAD:
        raise ValueError(f"a head of {length} bytes, more than {LONGEST_HEAD}")
    head = msgspec.json.decode(payload[4 : 4 + length], type=handled.head)
    parts, at = [], 4 + length
    for size in head.sizes:
        parts.append(payload[at : at + size])
        at += size
    if at != len(payload) or len(parts) != handled.count:
        raise ValueError(f"{name} takes {handled.count} byte strings of {len(payload)} bytes in all")
    try:
        return b"\0" + handled.answer(head, *parts)
    except Refusal as refusal:
        said = {"name": refusal.name, "code": refusal.code, "message": str(refusal)}
        return b"\1" + msgspec.json.encode(said)
