"""The bundles that this machine has: those of the installed package, else those of the user's cache."""

from __future__ import annotations

import gzip
from functools import cached_property
from pathlib import Path
from typing import final

import msgspec

from .assembly import DIST, kept_bundles

__all__ = ["Bundles", "Manifest", "Package", "Part", "Table"]


@final
class Part(msgspec.Struct, frozen=True):
    """A bundle: how large it is, and which packages are in it."""

    bytes: int
    packages: tuple[str, ...]


@final
class Table(msgspec.Struct, frozen=True):
    """Texts that stay with the host."""

    bytes: int


@final
class Package(msgspec.Struct, frozen=True):
    """A package that is in a bundle."""

    name: str
    version: str
    license: str


@final
class Manifest(msgspec.Struct, frozen=True):
    """What a build has made, and of what."""

    parts: dict[str, Part]
    tables: dict[str, Table]
    packages: tuple[Package, ...]


@final
class Bundles:
    """Bundled libraries in a directory.

    Attributes:
        directory: where, None where this machine has none.
    """

    def __init__(self, directory: Path | None) -> None:
        self.directory = directory
        self._tables: dict[str, dict[str, str]] = {}

    @classmethod
    def find(cls) -> Bundles:
        """Those of this machine."""
        if (DIST / "manifest.json").is_file():
            return cls(DIST)
        kept = kept_bundles()
        return cls(kept if (kept / "manifest.json").is_file() else None)

    @cached_property
    def manifest(self) -> Manifest:
        """What there is; nothing where this machine has no bundles."""
        if self.directory is None:
            return Manifest({}, {}, ())
        return msgspec.json.decode((self.directory / "manifest.json").read_bytes(), type=Manifest)

    def script(self, part: str) -> str:
        """The source text of a part.

        Raises:
            KeyError: there is no such part.
        """
        return self._read(part, self.manifest.parts, ".js").decode()

    def look_up(self, table: str, key: str) -> str | None:
        """A text of a table, None where it has none under this key.

        Raises:
            KeyError: there is no such table.
        """
        if table not in self._tables:
            content = gzip.decompress(self._read(table, self.manifest.tables, ".json.gz"))
            self._tables[table] = msgspec.json.decode(content, type=dict[str, str])
        return self._tables[table].get(key)

    def _read(self, name: str, known: dict[str, Part] | dict[str, Table], suffix: str) -> bytes:
        if self.directory is None or name not in known:  # a guest's word: it names no file but these
            raise KeyError(name)
        return (self.directory / f"{name}{suffix}").read_bytes()
