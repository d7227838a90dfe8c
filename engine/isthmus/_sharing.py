"""A cache that is the embedder's, as the calls of one instance see it: what goes wrong with it is a value not found."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, final

import trio

from ._host import describe
from .abc import SharedCache
from .capabilities import call_here

__all__ = ["CarriedCache", "Shelf"]

logger = logging.getLogger("isthmus")


@final
class Shelf:
    """One instance's part of a shared cache.

    Args:
        cache: the embedder's.
        instance: the instance's name.
    """

    __slots__ = ("_cache", "_instance")

    def __init__(self, cache: SharedCache, instance: str) -> None:
        self._cache = cache
        self._instance = instance

    async def load(self, key: str) -> bytes | None:
        """What is kept under a key, None for nothing, and where it can't be told."""
        try:
            value = await self._cache.load(self._instance, key)
            if value is not None and not isinstance(value, bytes):
                raise TypeError(f"a cache gives bytes or None, not {type(value).__name__}")
        except Exception as exc:  # noqa: BLE001 -- the embedder's: the function loads it instead
            self._report(exc)
            return None
        return value

    def store(self, key: str, value: bytes, ttl: float | None) -> None:
        """Keep a value, where that can be done; one that has expired at once is not kept."""
        if ttl is not None and not ttl > 0:
            return
        try:
            self._cache.store(self._instance, key, value, ttl)
        except Exception as exc:  # noqa: BLE001 -- the embedder's: a cache may lose things
            self._report(exc)

    def delete(self, key: str) -> None:
        """Forget a key, where that can be done."""
        try:
            self._cache.delete(self._instance, key)
        except Exception as exc:  # noqa: BLE001 -- the embedder's
            self._report(exc)

    def _report(self, exc: Exception) -> None:
        logger.error("the cache that was handed in failed: %s", describe(exc, None))


@final
class CarriedCache(SharedCache):
    """A shared cache whose ``load`` is called where it belongs: in an asyncio loop, or in a thread.

    Args:
        inner: the embedder's.
        carry: calls it there.
    """

    def __init__(self, inner: SharedCache, carry: Callable[..., Awaitable[Any]] = call_here) -> None:
        self._inner = inner
        self._carry = carry

    async def load(self, instance: str, key: str) -> bytes | None:
        await trio.lowlevel.checkpoint()
        value: bytes | None = await self._carry(self._inner.load, instance, key)
        return value

    def store(self, instance: str, key: str, value: bytes, ttl: float | None) -> None:
        self._inner.store(instance, key, value, ttl)

    def delete(self, instance: str, key: str) -> None:
        self._inner.delete(instance, key)
