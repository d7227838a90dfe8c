"""Time zones: the names there are, in any case, and the one that each goes by."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Final

from isthmus_quickjs._asks import Refusal

from . import icu, locales

__all__ = ["known_zones", "offset_id", "zone_named"]

LONGEST: Final = 64
UTC: Final = frozenset({"Etc/UTC", "Etc/GMT", "GMT"})
NONE: Final = frozenset({"Etc/Unknown", "Factory"})
OFFSET: Final = re.compile(r"([+-])([01]\d|2[0-3])(?::?([0-5]\d))?", re.ASCII)


@cache
def _names() -> dict[str, str]:
    opened = icu.open_handle("ucal_openTimeZones", "uenum_close")
    return {name.lower(): name for name in locales.names_of(opened) if name not in NONE}


@lru_cache(maxsize=256)
def zone_named(asked: str) -> str:
    """The name that a time zone goes by: ``US/Eastern`` is ``America/New_York``, all of Greenwich's names are ``UTC``.

    Raises:
        Refusal: there is no such time zone.
    """
    offset = OFFSET.fullmatch(asked)
    if offset is not None:
        minutes = offset[3] or "00"
        return "+00:00" if offset[2] + minutes == "0000" else f"{offset[1]}{offset[2]}:{minutes}"
    name = _names().get(asked.lower()) if len(asked) <= LONGEST else None
    if name is None:
        shown = asked if len(asked) <= LONGEST else f"{asked[:LONGEST]}…"
        raise Refusal(f"Invalid time zone specified: {shown}", name="RangeError")
    text, length = icu.utf16(name)
    canonical = icu.text_of("ucal_getCanonicalTimeZoneID", text, length, after=(None,))
    return "UTC" if canonical in UTC else canonical


def offset_id(name: str) -> str:
    """ICU's name of a time zone."""
    return f"GMT{name}" if name.startswith(("+", "-")) else name


def known_zones() -> list[str]:
    """The names that time zones go by, sorted."""
    names = {zone_named(name) for name in _names()}
    return sorted(
        name for name in names if ("/" in name and not name.startswith(("Etc/", "SystemV/"))) or name == "UTC"
    )
