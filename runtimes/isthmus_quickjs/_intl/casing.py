"""Upper and lower case where a language has its own."""

from __future__ import annotations

from typing import Final, Literal

from isthmus_quickjs._asks import Ask, Refusal

from . import icu

__all__ = ["Case", "change_case"]

LONGEST: Final = 4 * 1024 * 1024


class Case(Ask):
    """Which case; then the text."""

    language: Literal["az", "el", "lt", "tr"]
    to: Literal["Upper", "Lower"]


def change_case(ask: Case, text: bytes) -> bytes:
    """The text in that case.

    Raises:
        Refusal: it is too long.
    """
    if len(text) > LONGEST:
        raise Refusal(
            f"Texts of more than {LONGEST} bytes can't be changed in case at once", name="RangeError"
        )
    encoded, length = icu.utf16(text.decode(errors="replace"))
    return icu.text_of(f"u_strTo{ask.to}", after=(encoded, length, ask.language.encode())).encode()
