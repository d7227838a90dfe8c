"""Lists in pages: a cursor is the base64 of how many entries come before it, and opaque to clients."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Final, final

import msgspec

from isthmus_server.store import FieldProblem, Page

from .problems import unfit

__all__ = ["PaginationInput", "PaginationOutput", "cursor_of", "page_of", "pagination_of"]

DEFAULT_COUNT: Final = 200
MOST: Final = 1000
FURTHEST: Final = 10**12
"""Entries before a cursor; beyond that no list goes."""


@final
class PaginationInput(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a list is wanted.

    Attributes:
        cursor: as an answer gave it; the beginning by default.
        count: entries at the most.
    """

    cursor: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    count: Annotated[int, msgspec.Meta(ge=1, le=MOST)] = DEFAULT_COUNT


@final
class PaginationOutput(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Which part of a list it is.

    Attributes:
        current: its cursor.
        next: cursor of the part after it, null at the end.
        previous: cursor of the part before it, null at the beginning.
        total_entries: of the whole list.
    """

    current: str
    next: str | None
    previous: str | None
    total_entries: int


def cursor_of(offset: int) -> str:
    """The cursor of what begins after so many entries."""
    return base64.b64encode(str(offset).encode()).decode()


def page_of(given: PaginationInput) -> Page:
    """The part of a list that is wanted.

    Raises:
        Problem: 422, the cursor is none.
    """
    if not given.cursor:
        return Page(0, given.count)
    try:
        text = base64.b64decode(given.cursor, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        text = ""
    if not text.isdigit() or len(text) > len(str(FURTHEST)) or int(text) > FURTHEST:
        raise unfit([FieldProblem("pagination.cursor", '"pagination.cursor" is not a cursor of this API')])
    return Page(int(text), given.count)


def pagination_of(page: Page, total: int) -> PaginationOutput:
    """What an answer says of the part of a list that it holds."""
    after = page.offset + page.count
    return PaginationOutput(
        current=cursor_of(page.offset),
        next=cursor_of(after) if after < total else None,
        previous=cursor_of(max(0, page.offset - page.count)) if page.offset else None,
        total_entries=total,
    )
