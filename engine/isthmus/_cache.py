"""What the functions of one instance keep between calls: bounded, and loaded once per key."""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import final

import msgspec
import trio

from .limits import MIB

__all__ = ["Cache", "Flight"]

ENTRY_OVERHEAD = 200
"""Bytes an entry is taken to cost beside its key and its value."""


@final
class _Entry(msgspec.Struct, frozen=True, gc=False):
    value: bytes
    expires: float
    size: int


@final
class Flight:
    """A key being loaded: one call loads it, the others wait.

    Whoever got it from :meth:`Cache.load` owes it one :meth:`store` or one :meth:`fail`, and
    forgets it then.
    """

    __slots__ = ("_cache", "_key", "_waiters")

    def __init__(self, cache: Cache, key: str) -> None:
        self._cache = cache
        self._key = key
        self._waiters: OrderedDict[trio.lowlevel.Task, list[bytes | Flight]] = OrderedDict()

    async def wait(self) -> bytes | Flight:
        """What the loading comes to: the value, or the duty to load in the loader's place."""
        task = trio.lowlevel.current_task()
        answer: list[bytes | Flight] = []
        self._waiters[task] = answer

        def abort(_: object) -> trio.lowlevel.Abort:
            del self._waiters[task]
            return trio.lowlevel.Abort.SUCCEEDED

        # Not an Event: a waiter either is handed the flight or is cancelled, never both, so that
        # no flight is lost with the task it was handed to.
        await trio.lowlevel.wait_task_rescheduled(abort)
        return answer[0]

    def store(self, value: bytes, ttl: float | None) -> None:
        """Hand the value to all who wait, and keep it unless the key was deleted meanwhile."""
        if self._cache.land(self._key, self):
            self._cache.put(self._key, value, ttl)
        while self._waiters:
            self._answer(value)

    def fail(self) -> None:
        """Nothing to keep: the one who has waited longest loads."""
        if self._waiters:
            self._answer(self)
        else:
            self._cache.land(self._key, self)

    def _answer(self, answer: bytes | Flight) -> None:
        task, waiting = self._waiters.popitem(last=False)
        waiting.append(answer)
        trio.lowlevel.reschedule(task)


@final
class Cache:
    """JSON texts by key; the least recently used goes first.

    Source: spec/segment.md (d) 12.

    Args:
        max_entries: how many keys are kept.
        max_bytes: how much they may take, keys, values and overhead together.
    """

    __slots__ = ("_entries", "_flights", "_max_bytes", "_max_entries", "_size")

    def __init__(self, *, max_entries: int = 1000, max_bytes: int = 8 * MIB) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._flights: dict[str, Flight] = {}
        self._size = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size(self) -> int:
        """Bytes taken."""
        return self._size

    async def load(self, key: str) -> bytes | Flight:
        """The value, after waiting for whoever is loading it; or the duty to load it."""
        await trio.lowlevel.checkpoint()
        entry = self._entries.get(key)
        if entry is not None:
            if trio.current_time() < entry.expires:
                self._entries.move_to_end(key)
                return entry.value
            self._drop(key)
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = Flight(self, key)
            return flight
        return await flight.wait()

    def put(self, key: str, value: bytes, ttl: float | None) -> None:
        """Keep a value for ``ttl`` seconds, None for as long as there is room.

        What is larger than the whole cache, and what has expired at once, is not kept.
        """
        self._drop(key)
        lifetime = math.inf if ttl is None else ttl
        size = ENTRY_OVERHEAD + len(key.encode("utf-8", "replace")) + len(value)
        if not lifetime > 0 or size > self._max_bytes:
            return
        self._entries[key] = _Entry(value, trio.current_time() + lifetime, size)
        self._size += size
        while self._size > self._max_bytes or len(self._entries) > self._max_entries:
            self._drop(next(iter(self._entries)))

    def delete(self, key: str) -> None:
        """Forget a key; a load under way reaches those who wait for it already, and is not kept."""
        self._drop(key)
        self._flights.pop(key, None)

    def land(self, key: str, flight: Flight) -> bool:
        """Take a flight off the board; False if a delete did so before."""
        if self._flights.get(key) is not flight:
            return False
        del self._flights[key]
        return True

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._size -= entry.size
