"""Language tags: which are well formed (UTS 35), and the one way in which each is written."""

from __future__ import annotations

import ctypes
import re
from functools import cache, lru_cache
from typing import Annotated, Final

import msgspec

from isthmus_quickjs._asks import Ask, Refusal

from . import icu

__all__ = [
    "LONGEST_TAG",
    "Canonical",
    "Tag",
    "canonical",
    "canonical_tags",
    "keywords_of",
    "likely",
    "locale_id",
]

LONGEST_TAG: Final = 156
"""ICU takes no longer ones."""
ALIASES: Final = b"metadata"
STRICT: Final = 1
INCORRECT: Final = "Incorrect locale information provided"

_LANGUAGE: Final = (
    r"(?:[a-z]{2,3}|[a-z]{5,8})(?:-[a-z]{4})?(?:-(?:[a-z]{2}|\d{3}))?((?:-(?:[a-z\d]{5,8}|\d[a-z\d]{3}))*)"
)
_EXTENSIONS: Final = (
    r"(?:-u(?:(?:-[a-z\d]{3,8})+(?:-[a-z\d][a-z](?:-[a-z\d]{3,8})*)*|(?:-[a-z\d][a-z](?:-[a-z\d]{3,8})*)+)"
    r"|-t(?:-(?:[a-z]{2,3}|[a-z]{5,8})(?:-[a-z]{4})?(?:-(?:[a-z]{2}|\d{3}))?(?:-(?:[a-z\d]{5,8}|\d[a-z\d]{3}))*"
    r"(?:-[a-z]\d(?:-[a-z\d]{3,8})+)*|(?:-[a-z]\d(?:-[a-z\d]{3,8})+)+)"
    r"|-(?:[0-9a-svwyz])(?:-[a-z\d]{2,8})+)"
)
_FORM: Final = re.compile(rf"{_LANGUAGE}((?:{_EXTENSIONS})*)(?:-x(?:-[a-z\d]{{1,8}})+)?", re.ASCII)
_SINGLETON: Final = re.compile(r"-([a-z\d])(?=-)")
_BASE: Final = re.compile(
    r"([a-z]+)(?:-([A-Z][a-z]{3}))?(?:-([A-Z]{2}|\d{3})(?![a-z\d]))?((?:-[a-z\d]{4,})*)", re.ASCII
)

Tag = Annotated[str, msgspec.Meta(max_length=LONGEST_TAG)]


class Canonical(Ask):
    """Tags as an author writes them."""

    tags: Annotated[list[Annotated[str, msgspec.Meta(max_length=4096)]], msgspec.Meta(max_length=256)]


def canonical_tags(ask: Canonical) -> bytes:
    """Their canonical forms, a JSON array.

    Raises:
        Refusal: one is no language tag.
    """
    return msgspec.json.encode([canonical(tag) for tag in ask.tags])


@lru_cache(maxsize=256)
def canonical(tag: str) -> str:
    """The canonical form of a language tag.

    Raises:
        Refusal: it is none.
    """
    lowered = tag.lower() if tag.isascii() else ""
    form = _FORM.fullmatch(lowered) if len(tag) <= LONGEST_TAG else None
    if form is None:
        raise Refusal(INCORRECT, name="RangeError")
    if _repeats(form):
        raise Refusal(f"Invalid language tag: {tag}", name="RangeError")
    try:
        written = icu.ascii_of("uloc_toLanguageTag", locale_id(lowered), after=(STRICT,))
    except icu.Fault as fault:
        raise Refusal(INCORRECT, name="RangeError") from fault
    return _unaliased(written)


def locale_id(tag: str) -> bytes:
    """ICU's name of a locale, from a language tag."""
    parsed = ctypes.c_int32(0)
    name = icu.ascii_of("uloc_forLanguageTag", tag.encode(), after=(ctypes.byref(parsed),))
    if parsed.value != len(tag):
        raise Refusal(INCORRECT, name="RangeError")
    return name.encode()


def likely(tag: str) -> str:
    """A language tag with the script and the region that its language most likely stands for."""
    full = icu.ascii_of("uloc_addLikelySubtags", locale_id(tag))
    return icu.ascii_of("uloc_toLanguageTag", full.encode(), after=(0,))


def keywords_of(tag: str) -> tuple[str, dict[str, str]]:
    """A canonical tag without its Unicode extension, and the keywords in that."""
    plain, private, rest = tag.partition("-x-")
    start = plain.find("-u-")
    if start < 0:
        return tag, {}
    end = re.compile(r"-[a-z\d]-").search(plain, start + 3)
    inside = plain[start + 3 : end.start() if end else len(plain)]
    words: dict[str, list[str]] = {}
    key = ""
    for part in inside.split("-"):
        if len(part) == 2:
            key = part
            words.setdefault(key, [])
        elif key:
            words[key].append(part)
    without = plain[:start] + (plain[end.start() :] if end else "") + private + rest
    return without, {key: "-".join(parts) for key, parts in words.items()}


def _repeats(form: re.Match[str]) -> bool:
    variants = form[1].split("-")[1:]
    singletons = _SINGLETON.findall(form[2])
    return len(set(variants)) < len(variants) or len(set(singletons)) < len(singletons)


@cache
def _aliases(kind: bytes) -> icu.Handle:
    whole = icu.open_handle("ures_openDirect", "ures_close", None, ALIASES)
    table = icu.open_handle("ures_getByKey", "ures_close", whole, b"alias", None)
    return icu.open_handle("ures_getByKey", "ures_close", table, kind, None)


def _alias(kind: bytes, *names: str) -> list[str]:
    """The subtags that the first of these names that is outdated has become."""
    for name in filter(None, names):
        try:
            entry = icu.open_handle("ures_getByKey", "ures_close", _aliases(kind), name.encode(), None)
        except icu.Fault:
            continue
        length = ctypes.c_int32(0)
        at = icu.call("ures_getStringByKey", entry, b"replacement", ctypes.byref(length))
        return icu.decoded(ctypes.string_at(at, 2 * length.value)).replace("_", "-").split(" ")
    return []


def _unaliased(tag: str) -> str:
    """What its outdated subtags have become."""
    base = _BASE.match(tag)
    if base is None:
        return tag
    language, script, region, variants = base[1], base[2] or "", base[3] or "", base[4]
    found = _alias(b"language", region and f"{language}_{region}", language)
    if found:
        newer = _BASE.fullmatch(found[0])
        if newer is not None:
            dropped = region and _alias(b"language", f"{language}_{region}")
            language, script = newer[1], script or newer[2] or ""
            region = (newer[3] or "") if dropped else region or newer[3] or ""
    regions = _alias(b"territory", region)
    if regions:
        region = _region_of(language, script, regions)
    if script:
        script = (_alias(b"script", script) or [script])[0]
    renamed = sorted((_alias(b"variant", variant) or [variant])[0] for variant in variants.split("-")[1:])
    return "-".join(filter(None, [language, script, region, *renamed])) + tag[base.end() :]


def _region_of(language: str, script: str, regions: list[str]) -> str:
    """Of the regions that one has become, that in which the language is most likely spoken."""
    if len(regions) == 1:
        return regions[0]
    parts = likely("-".join(filter(None, [language, script]))).split("-")
    return next((part for part in parts[1:] if part in regions), regions[0])
