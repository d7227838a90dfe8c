"""Texts in graphemes, words and sentences: Intl.Segmenter."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from isthmus_quickjs._asks import Ask, Refusal

from . import icu, locales
from .locales import Tags

__all__ = ["Segments", "resolve_segmenter", "segments"]

LONGEST: Final = 256 * 1024
"""Bytes of a text: nothing stops this half way."""
TYPES: Final = {"grapheme": 0, "word": 1, "sentence": 3}
WORDS: Final = 100
"""The least status of a segment that is a word."""
DONE: Final = -1


class Segments(Ask):
    """What is asked: whose rules; then, where a text is to be segmented, the text."""

    locales: Tags
    granularity: Literal["grapheme", "word", "sentence"]


def resolve_segmenter(ask: Segments) -> bytes:
    """The locale, as JSON."""
    return msgspec.json.encode({"locale": locales.resolve(ask.locales, "general", {}, {}).tag})


def segments(ask: Segments, text: bytes) -> bytes:
    """Where segments end, in code units, and whether each is a word: a JSON array of pairs.

    Raises:
        Refusal: the text is too long.
    """
    if len(text) > LONGEST:
        raise Refusal(f"Texts of more than {LONGEST} bytes can't be segmented at once", name="RangeError")
    encoded, length = icu.utf16(text.decode(errors="replace"))
    resolved = locales.resolve(ask.locales, "general", {}, {})
    breaks = icu.open_handle(
        "ubrk_open", "ubrk_close", TYPES[ask.granularity], resolved.id, encoded, length, keeps=encoded
    )
    icu.call("ubrk_first", breaks)
    found = []
    while (end := icu.call("ubrk_next", breaks)) != DONE:
        found.append((end, ask.granularity == "word" and icu.call("ubrk_getRuleStatus", breaks) >= WORDS))
    return msgspec.json.encode(found)
