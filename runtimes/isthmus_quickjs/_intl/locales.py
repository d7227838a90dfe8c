"""Which locales there are data for, and which of them a request comes to (ECMA-402, 9.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Annotated, Final, Literal, NamedTuple

import msgspec

from isthmus_quickjs._asks import Ask

from . import icu
from .tags import Tag, keywords_of, locale_id

__all__ = [
    "DEFAULT", "Keyword", "Resolved", "Service", "Supported", "Tags", "calendar_of", "calendars", "collation_of", "collations", "names_of",
    "numbering_of", "numbering_systems", "resolve", "supported",
]  # fmt: skip

DEFAULT: Final = "en-US"
WITH_ALIASES: Final = 2

Service = Literal["general", "collation", "plural"]
Tags = Annotated[list[Tag], msgspec.Meta(max_length=256)]
Keyword = Annotated[str, msgspec.Meta(max_length=64, pattern="^[a-z0-9]{3,8}(-[a-z0-9]{3,8})*$")]


class Resolved(NamedTuple):
    """What a request came to.

    Attributes:
        tag: the locale, with those keywords of the request's extension that are in force.
        base: the locale without keywords.
        values: the keyword that is in force of each relevant key, None for the locale's default.
    """

    tag: str
    base: str
    values: Mapping[str, str | None]

    @property
    def id(self) -> bytes:
        """ICU's name of the locale with all that is in force but the hour cycle, which patterns say."""
        return self.id_with({})

    def id_with(self, more: Mapping[str, str | None]) -> bytes:
        """The same with other keywords in force, too."""
        values = {key: value for key, value in self.values.items() if key != "hc"} | dict(more)
        words = "".join(f"-{key}-{value}" for key, value in sorted(values.items()) if value)
        return locale_id(f"{self.base}-u{words}" if words else self.base)


def names_of(opened: icu.Handle) -> Iterator[str]:
    """The names that an enumeration of ICU's goes through."""
    while (name := icu.call("uenum_next", opened, None)) is not None:
        yield name.decode("ascii")


def _keys(*path: bytes) -> Iterator[str]:
    """The names in a table of ICU's data."""
    table = icu.open_handle("ures_openDirect", "ures_close", None, path[0])
    for name in path[1:]:
        table = icu.open_handle("ures_getByKey", "ures_close", table, name, None)
    for index in range(icu.call("ures_getSize", table)):
        entry = icu.open_handle("ures_getByIndex", "ures_close", table, index, None)
        yield icu.call("ures_getKey", entry).decode("ascii")


@cache
def _available(service: Service) -> frozenset[str]:
    if service == "plural":
        names = _keys(b"plurals", b"locales")
    elif service == "collation":
        names = names_of(icu.open_handle("ucol_openAvailableLocales", "uenum_close"))
    else:
        names = names_of(icu.open_handle("uloc_openAvailableByType", "uenum_close", WITH_ALIASES))
    tags = set()
    for name in names:
        parts = name.split("_")
        tags.add("-".join(parts))
        if len(parts) == 3 and len(parts[1]) == 4:  # the script goes without saying
            tags.add(f"{parts[0]}-{parts[2]}")
    return frozenset(tags - {"root", "und"})


def _best(tag: str, service: Service) -> str | None:
    available = _available(service)
    while tag not in available:
        tag, dash, _ = tag.rpartition("-")
        if not dash:
            return None
        if len(tag) > 2 and tag[-2] == "-":  # a singleton says nothing without what follows
            tag = tag[:-2]
    return tag


def resolve(
    requested: list[str],
    service: Service,
    options: Mapping[str, str | None],
    supports: Mapping[str, Callable[[str, str], bool]],
) -> Resolved:
    """The locale that a request comes to.

    Args:
        requested: canonical tags, the best first.
        service: whose locales.
        options: what options say of the keys; None where they say nothing.
        supports: for each key, whether a locale has a value of it.
    """
    base, asked = DEFAULT, dict[str, str]()
    for tag in requested:
        plain, keywords = keywords_of(tag)
        if (found := _best(plain, service)) is not None:
            base, asked = found, keywords
            break
    values: dict[str, str | None] = {}
    kept = ""
    for key in sorted(supports):
        value = None
        if key in asked and supports[key](base, asked[key] or "true"):
            value = asked[key] or "true"
        chosen = options.get(key)
        if chosen is not None and chosen != value and supports[key](base, chosen):
            value = chosen
        elif value is not None:
            kept += f"-{key}" + (f"-{value}" if value != "true" else "")
        values[key] = value
    return Resolved(base + (f"-u{kept}" if kept else ""), base, values)


class Supported(Ask):
    """Tags, and whose locales."""

    locales: Tags
    service: Service = "general"


def supported(ask: Supported) -> bytes:
    """Those of the tags that there are data for, a JSON array."""
    return msgspec.json.encode(
        [tag for tag in ask.locales if _best(keywords_of(tag)[0], ask.service) is not None]
    )


@cache
def numbering_systems() -> frozenset[str]:
    """Those that are digits for digits."""
    names = set()
    for name in names_of(icu.open_handle("unumsys_openAvailableNames", "uenum_close")):
        system = icu.open_handle("unumsys_openByName", "unumsys_close", name.encode())
        if not icu.call("unumsys_isAlgorithmic", system):
            names.add(name)
    return frozenset(names)


@lru_cache(maxsize=64)
def numbering_of(locale: bytes) -> str:
    """The numbering system that a locale, by ICU's name, writes numbers in."""
    system = icu.open_handle("unumsys_open", "unumsys_close", locale)
    name: bytes = icu.call("unumsys_getName", system)
    return name.decode("ascii")


@cache
def calendars() -> frozenset[str]:
    """The calendars there are, by the names that language tags have for them."""
    opened = icu.open_handle("ucal_getKeywordValuesForLocale", "uenum_close", b"calendar", b"und", 0)
    return frozenset(calendar_of(name) for name in names_of(opened))


def calendar_of(name: str) -> str:
    """What a language tag calls a calendar of ICU's."""
    return _type_of(b"ca", name)


@lru_cache(maxsize=64)
def collations(base: str) -> frozenset[str]:
    """The orders that a locale has beside the usual one."""
    opened = icu.open_handle(
        "ucol_getKeywordValuesForLocale", "uenum_close", b"collation", locale_id(base), 0
    )
    return frozenset(collation_of(name) for name in names_of(opened)) - {"search", "standard"}


def collation_of(name: str) -> str:
    """What a language tag calls an order of ICU's."""
    return _type_of(b"co", name)


def _type_of(key: bytes, name: str) -> str:
    found = icu.call("uloc_toUnicodeLocaleType", key, name.encode())
    return found.decode("ascii") if found is not None else name
