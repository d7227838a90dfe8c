"""Which libraries a function's source text names, and which of them it will surely use."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from typing import Final, final

import msgspec

from .bundles import Bundles
from .catalogue import Library, catalogue

__all__ = ["Named", "libraries_named_in"]

WORD: Final = re.compile(r"[A-Za-z_$][\w$]*")
ASIDE: Final = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'""", re.DOTALL
)  # comments and plain strings
ABSENT: Final = "{name} ({package}) is not installed here: run `isthmus libraries install`, for which node and npm are needed"
REFUSED: Final = "{name} ({package}) can't be used here: {why}"


@final
class Named(msgspec.Struct, frozen=True):
    """What the prelude is told of libraries.

    Attributes:
        places: for each library under a global that the code names: its name, its part or "", why it is refused or "".
        wanted: names of those that the code will surely use, and of classes in them: better in its image than made in
            every call.
        parts: their parts that it will use as well, as far as its words tell.
    """

    places: list[tuple[str, str, str]]
    wanted: list[str]
    parts: list[str]


def libraries_named_in(code: str, bundles: Bundles) -> Named:
    """The libraries under every global that the source text names, wherever it does.

    What it only seems to name (in a comment, as a variable of its own) costs little: a library is made when it is first
    read, or at once where the text has it outside comments and strings and not as a name of its own.
    """
    words = set(WORD.findall(code))
    named = [library for library in catalogue() if library.root in words]
    if not named:
        return Named([], [], [])
    bare = ASIDE.sub(" ", code)
    used = {root for root in {library.root for library in named} if _is_used(root, bare)}
    there = bundles.manifest.parts
    wanted = [
        library
        for library in named
        if library.part in there and library.root in used and words.issuperset(library.name.split("."))
    ]
    return Named(
        places=[_place(library, there) for library in named],
        wanted=[path for library in wanted for path in (library.name, *_classes_of(library.name, bare))],
        parts=_parts_named([library.part for library in wanted], words, there),
    )


def _parts_named(parts: Sequence[str], words: Container[str], there: Iterable[str]) -> list[str]:
    """Parts below these whose last word the code has: ``hubspot/discovery/crm/contacts``."""
    heads = tuple(f"{part}/" for part in parts)
    return [part for part in there if part.startswith(heads) and part.rpartition("/")[2] in words]


def _classes_of(name: str, bare: str) -> list[str]:
    """What the code names as a class of a library: ``AWS.S3``."""
    return sorted(
        {f"{name}.{found}" for found in re.findall(rf"(?<![\w$.]){re.escape(name)}\.([A-Z]\w*)", bare)}
    )


def _place(library: Library, there: Container[str]) -> tuple[str, str, str]:
    if library.why:
        return library.name, "", REFUSED.format(name=library.name, package=library.package, why=library.why)
    if library.part not in there:
        return library.name, "", ABSENT.format(name=library.name, package=library.package)
    return library.name, library.part, ""


def _is_used(name: str, bare: str) -> bool:
    """The code reads the global: a member, a call, an element, or it is handed on; and declares no such name itself."""
    word = re.escape(name)
    if re.search(rf"\b(?:const|let|var|function|class|import)\s+{word}(?![\w$])", bare):
        return False
    return bool(
        re.search(rf"(?<![\w$.]){word}\s*(?:\?\.|\.(?!\.)|\[|\()|(?:=|return|new)\s*{word}\s*[;,)\n(]", bare)
    )
