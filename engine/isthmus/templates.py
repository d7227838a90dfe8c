"""What ``isthmus new`` makes functions from; offered through the hook ``isthmus_templates``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, final

import msgspec

from .functions import Kind

__all__ = ["MANIFEST", "PLAIN", "SAMPLES", "Template", "offered_templates", "templates_in"]

MANIFEST: Final = "function.toml"
PLAIN: Final = "plain"
"""The template of each kind that has its handlers and does nothing else."""

SAMPLES: Final = Path(__file__).parent / "samples"
"""For each kind a directory with events, and what the plain template in any language is to make of them."""

_WORD: Final = re.compile(r"[a-z][a-z0-9_-]*")
_LEFT_BEHIND: Final = frozenset({"__pycache__"})


@final
class Template(msgspec.Struct, frozen=True, kw_only=True):
    """A function to begin with: its code, its definition, its sample and what should become of that.

    In the files that are copied ``{{name}}`` becomes the function's name and ``{{build}}`` the command below.

    Attributes:
        kind: of the function.
        language: as ``--language`` names it, which need not be the name of a runtime: ``rust``.
        name: as ``--template`` names it; there is one :data:`PLAIN` for each kind and language.
        parts: directories that are copied with all that is in them, later ones over earlier; one holds a
            ``function.toml``.
        build: command that makes the code of the sources, within the function's directory; "" where they are the code.
        notes: what a file is, in a few words, by its path within the function's directory.

    Raises:
        ValueError: a name is not lower-case letters, digits, hyphens and underscores, or no part holds a ``function.toml``.
    """

    kind: Kind
    language: str
    parts: tuple[Path, ...]
    name: str = PLAIN
    build: str = ""
    notes: Mapping[str, str] = {}

    def __post_init__(self) -> None:
        for what, word in (("language", self.language), ("name", self.name)):
            if not _WORD.fullmatch(word):
                raise ValueError(
                    f"a template's {what} is lower-case letters, digits, hyphens and underscores, not {word!r}"
                )
        if not any((part / MANIFEST).is_file() for part in self.parts):
            raise ValueError(
                f"the template {self.name!r} in {self.language} has no {MANIFEST} in {', '.join(map(str, self.parts))}"
            )

    def files(self) -> dict[str, Path]:
        """What is copied: where each file is, by its path within the function's directory, in its order."""
        found = {str(path.relative_to(part).as_posix()): path for part in self.parts for path in _below(part)}
        return dict(sorted(found.items()))


def templates_in(
    directory: Path,
    *,
    language: str,
    beside: tuple[Path, ...] = (),
    build: str = "",
    notes: Mapping[str, str] | None = None,
) -> list[Template]:
    """The templates of a directory that has one for each kind, with one for each template in it: ``insert/plain/``.

    A plain one that expects nothing of its own has its sample from :data:`SAMPLES`.

    Args:
        directory: where they are.
        language: of them all.
        beside: directories that every one of them gets as well.
        build: see :class:`Template`.
        notes: see :class:`Template`.
    """
    return [
        Template(
            kind=kind,
            language=language,
            name=path.name,
            parts=(*_sample(kind, path), *beside, path),
            build=build,
            notes=notes or {},
        )
        for kind in Kind
        for path in sorted((directory / kind.value).glob("*"))
        if path.is_dir() and path.name not in _LEFT_BEHIND
    ]


def offered_templates(plugins: Sequence[object] = ()) -> tuple[Template, ...]:
    """Every template that plugins offer, by kind, JavaScript's first, then by language and name.

    Args:
        plugins: beside the installed ones.

    Raises:
        PluginError: what was handed in is no plugin, or two offer the same template.
    """
    from ._cli.offered import OfferedTemplates  # not for those who only want the values above

    return OfferedTemplates(plugins).all


def _sample(kind: Kind, path: Path) -> tuple[Path, ...]:
    own = path.name != PLAIN or (path / "expected.ndjson").exists()
    return () if own else (SAMPLES / kind.value,)


def _below(directory: Path) -> Iterator[Path]:
    for path in sorted(directory.rglob("*")):
        if path.is_file() and _LEFT_BEHIND.isdisjoint(path.parts):
            yield path
