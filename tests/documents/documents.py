"""The repository's documents, taken apart: their links, headings and blocks of code."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path
from typing import Final

import msgspec

__all__ = [
    "DOCUMENTS",
    "ROOT",
    "Block",
    "Link",
    "anchors_of",
    "blocks_of",
    "links_of",
    "names_of_tests",
    "text_of",
]

ROOT: Final = Path(__file__).parents[2]
PLACES: Final = (
    "*.md",
    "*/*.md",
    "runtimes/isthmus_quickjs/libraries/*.md",
    "tests/*/*.md",
    "tests/plugins/*/*.md",
)
DOCUMENTS: Final = tuple(
    sorted({path.relative_to(ROOT).as_posix() for place in PLACES for path in ROOT.glob(place)})
)
"""Every document, by its path from the root."""

_FENCE: Final = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
_LINK: Final = re.compile(r"\[([^\]\[]+)\]\((?!https?:)([^)\s#]*)(?:#([^)\s]+))?\)")
_HEADING: Final = re.compile(r"^#+ +(.+)$", re.MULTILINE)


class Block(msgspec.Struct, frozen=True):
    """A fenced block.

    Attributes:
        document: it stands in, from the root.
        line: of its fence.
        language: that the fence names, or "".
        code: what stands within.
    """

    document: str
    line: int
    language: str
    code: str


class Link(msgspec.Struct, frozen=True):
    """A link to something in the repository.

    Attributes:
        document: it stands in, from the root.
        text: that is shown.
        target: the path as it is written, "" for the document itself.
        anchor: after ``#``, or "".
    """

    document: str
    text: str
    target: str
    anchor: str

    @property
    def path(self) -> Path:
        """Where it leads."""
        return (ROOT / self.document).parent / self.target if self.target else ROOT / self.document


def text_of(document: str) -> str:
    """What a document says."""
    return (ROOT / document).read_text("utf-8")


def blocks_of(document: str) -> list[Block]:
    """Its fenced blocks, from the first to the last."""
    text = text_of(document)
    return [
        Block(document, text.count("\n", 0, found.start()) + 1, found[1], found[2])
        for found in _FENCE.finditer(text)
    ]


def links_of(document: str) -> list[Link]:
    """Its links to what is in the repository; what stands in blocks of code is none."""
    prose = _FENCE.sub("", text_of(document))
    return [Link(document, found[1], found[2], found[3] or "") for found in _LINK.finditer(prose)]


@functools.cache
def anchors_of(path: Path) -> frozenset[str]:
    """What links to headings of a document are called."""
    prose = _FENCE.sub("", path.read_text("utf-8"))
    titles = (re.sub(r"[^\w\- ]", "", found[1].lower()) for found in _HEADING.finditer(prose))
    return frozenset(title.replace(" ", "-") for title in titles)


@functools.cache
def names_of_tests(path: Path) -> frozenset[str]:
    """Names of the tests in a file, without running it."""
    tree = ast.parse(path.read_text("utf-8"))
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    )
