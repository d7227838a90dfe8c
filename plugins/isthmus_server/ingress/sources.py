"""What the ingress asks for: whose key this is, and where to put what came with it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol, final

from isthmus.errors import EngineError
from isthmus.pipelinefiles import Entrance as Entrance

if TYPE_CHECKING:
    from isthmus import Pipeline

__all__ = ["Enter", "Entrance", "Serving", "SourceTable", "Sources"]


class Sources(Protocol):
    """Looks up sources by what is presented for them; asked for every request, so that it must not block."""

    def by_write_key(self, key: str) -> Entrance | None:
        """The source whose events this key lets in, None where it is nobody's."""

    def by_secret(self, source: str, secret: str) -> Entrance | None:
        """The source of this id, where this secret lets in its webhooks; else None."""


class Serving(Protocol):
    """Sources and the pipeline that they belong to: they are replaced together."""

    @property
    def sources(self) -> Sources:
        """Who may send."""

    @property
    def pipeline(self) -> Pipeline:
        """Takes what they send."""


Enter = Callable[[], AbstractContextManager[Serving]]
"""Gives what serves now, which stays open for as long as the context is entered."""


@final
class SourceTable:
    """Sources in memory.

    Keys are looked up by their digests, so that how long it takes tells nothing of how much of one was right.

    Args:
        entrances: one for each source.

    Raises:
        EngineError: two sources have the same write key.
    """

    def __init__(self, entrances: Iterable[Entrance]) -> None:
        self._by_write_key: dict[bytes, Entrance] = {}
        self._by_secret: dict[bytes, Entrance] = {}
        for entrance in entrances:
            for key in entrance.write_keys:
                other = self._by_write_key.setdefault(_digest(key), entrance)
                if other is not entrance:
                    raise EngineError(f"sources {other.source!r} and {entrance.source!r} have one write key")
            for secret in entrance.secrets:
                self._by_secret[_digest(entrance.source, secret)] = entrance

    def by_write_key(self, key: str) -> Entrance | None:
        """See :class:`Sources`."""
        return self._by_write_key.get(_digest(key))

    def by_secret(self, source: str, secret: str) -> Entrance | None:
        """See :class:`Sources`."""
        return self._by_secret.get(_digest(source, secret))


def _digest(*parts: str) -> bytes:
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=32).digest()
