"""cache: what one call loads and later calls of the same instance find again."""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from ._door import door

__all__ = ["Cache", "cache"]


_T = TypeVar("_T")


class Cache:
    """Values of JSON, kept by the host for one instance; the least recently used goes first."""

    def load(self, key: str, ttl: float | None, loader: Callable[[], _T]) -> _T:
        """The value of a key; where there is none, what the loader gives, kept for ``ttl`` seconds.

        Calls that ask for a key that another is loading wait for it.  A loader that raises keeps nothing.
        What JSON cannot hold is handed back and not kept.

        Args:
            key: any text.
            ttl: seconds, None for as long as there is room.
            loader: called without arguments.
        """
        found = door.ask(op="cache_load", key=str(key))
        if found["hit"]:
            kept: _T = json.loads(found["value"])  # equal to what the loader of another call gave
            return kept
        text = None
        try:
            value = loader()
            text = _text(value)
        finally:
            _store(key, ttl, text)
        return value

    async def aload(self, key: str, ttl: float | None, loader: Callable[[], Awaitable[_T]]) -> _T:
        """As :meth:`load`, of a loader that is awaited."""
        found = await door.ask_async(op="cache_load", key=str(key))
        if found["hit"]:
            kept: _T = json.loads(found["value"])  # equal to what the loader of another call gave
            return kept
        text = None
        try:
            value = await loader()
            text = _text(value)
        finally:
            _store(key, ttl, text)
        return value

    def delete(self, key: str) -> None:
        """Forget a key."""
        door.say(op="cache_delete", key=str(key))


def _text(value: Any) -> str | None:
    """JSON text of a value that comes back equal, None for any other."""
    try:
        text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        return None
    return text if json.loads(text) == value else None


def _store(key: str, ttl: float | None, text: str | None) -> None:
    if text is None:
        door.say(op="cache_fail", key=str(key))
        return
    seconds = None if ttl is None or ttl < 0 or math.isinf(ttl) else float(ttl)
    door.say(op="cache_store", key=str(key), value=text, ttl=seconds)


cache = Cache()
