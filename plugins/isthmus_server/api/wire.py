"""What the types of requests and answers are made of."""

from __future__ import annotations

from typing import Annotated, Final, Literal, final

import msgspec

from .pagination import PaginationInput

__all__ = ["Identifier", "ListQuery", "NamedText", "StatusOutput", "Text", "Wire"]

NAME: Final = 120
"""Characters of a displayed name."""

NamedText = Annotated[str, msgspec.Meta(min_length=1, max_length=NAME)]
Text = Annotated[str, msgspec.Meta(max_length=2048)]
Identifier = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Wire(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Something that is read or written as JSON."""


@final
class StatusOutput(Wire, frozen=True, kw_only=True):
    """It is done."""

    status: Literal["SUCCESS"] = "SUCCESS"


@final
class ListQuery(Wire, frozen=True, kw_only=True):
    """Which part of a list is wanted."""

    pagination: PaginationInput = PaginationInput()
