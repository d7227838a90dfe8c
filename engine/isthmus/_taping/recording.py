"""The host of a call that is recorded: it passes on what the world asks, and notes what comes of it."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar, final

import trio

from isthmus._host import InvocationHost
from isthmus.abc import CacheEntry, FetchRequest, FetchResponse, Host
from isthmus.errors import CapabilityError, FetchError
from isthmus.tapes import (
    Answer,
    Answered,
    CacheDelete,
    CacheFail,
    CacheLoad,
    CacheStore,
    Capability,
    Done,
    Drawn,
    Effect,
    Failed,
    Fetch,
    Found,
    Passed,
    Responded,
    Sleep,
)

__all__ = ["RecordingHost", "question_of"]

OVERHEAD = 32
"""Bytes that an effect is taken to have beside its texts."""

T = TypeVar("T")


@final
class RecordingHost(Host):
    """Notes the effects of one call, up to a number of bytes.

    Attributes:
        effects: so far.
        draws: what was drawn so far; whatever thread runs the world adds to it.
        truncated: there was more than is noted.
    """

    taped = True

    def __init__(self, inner: InvocationHost, most: int) -> None:
        self._inner = inner
        self._room = most
        self._number = 0
        self._began = trio.current_time()
        self._moment = 0.0
        self.effects: list[Effect] = []
        self.draws: list[Drawn] = []
        self.truncated = False

    # ------------------------------------------------------------ what waits

    def fetch(self, request: FetchRequest) -> Coroutine[Any, Any, FetchResponse]:
        number = self._next()
        self._note(Fetch(number, request), _size_of_request(request))
        return self._answered(number, self._inner.fetch(request), _responded)

    def sleep(self, seconds: float) -> Coroutine[Any, Any, None]:
        number = self._next()
        self._note(Sleep(number, float(seconds)), 0)
        return self._answered(number, self._inner.sleep(seconds), _done)

    def cache_load(self, key: str) -> Coroutine[Any, Any, CacheEntry]:
        number = self._next()
        self._note(CacheLoad(number, key), len(key))
        return self._answered(number, self._inner.cache_load(key), _found)

    def capability(self, name: str, argument: bytes) -> Coroutine[Any, Any, bytes]:
        number = self._next()
        self._note(Capability(number, name, argument), len(name) + len(argument))
        return self._answered(number, self._inner.capability(name, argument), _given)

    async def _answered(self, number: int, asked: Awaitable[T], note: Callable[[T], tuple[Answer, int]]) -> T:
        try:
            value = await asked
        except FetchError as error:
            text = str(error)
            self._note_answer(number, Failed(text, error.code, error.type), len(text))
            raise
        except CapabilityError as error:
            text = str(error)
            self._note_answer(number, Failed(text, error.code), len(text))
            raise
        self._note_answer(number, *note(value))
        return value

    def _note_answer(self, number: int, answer: Answer, size: int) -> None:
        self._moment = trio.current_time() - self._began
        self._note(Answered(number, answer, self._moment), size)

    # ------------------------------------------------------------ what does not

    def cache_store(self, key: str, value: bytes, ttl: float | None) -> None:
        self._note(CacheStore(key, value, None if ttl is None else float(ttl)), len(key) + len(value))
        self._inner.cache_store(key, value, ttl)

    def cache_fail(self, key: str) -> None:
        self._note(CacheFail(key), len(key))
        self._inner.cache_fail(key)

    def cache_delete(self, key: str) -> None:
        self._note(CacheDelete(key), len(key))
        self._inner.cache_delete(key)

    def log(self, level: str, text: str, at: float = 0.0) -> None:
        self._inner.log(level, text, at)

    def log_left_out(self, size: int) -> None:
        self._inner.log_left_out(size)

    async def turn(self, answered: trio.Event) -> None:
        await self._inner.turn(answered)

    def elapsed(self, seconds: float) -> float:
        self._note(Passed(seconds), 0)
        return seconds

    def moment(self) -> float:
        return self._moment

    def drawn(self, what: str, question: bytes, draw: Callable[[], bytes]) -> bytes:
        answer = draw()
        size = OVERHEAD + len(what) + len(answer)
        if self._fits(size):
            self.draws.append(Drawn(what, question_of(question), answer))
        return answer

    # ------------------------------------------------------------ private

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _note(self, effect: Effect, size: int) -> None:
        if self._fits(OVERHEAD + size):
            self.effects.append(effect)

    def _fits(self, size: int) -> bool:
        """Whether there is room; after the first that has none nothing is noted, for a tape has no holes."""
        if self.truncated or size > self._room:
            self.truncated = True
            return False
        self._room -= size
        return True


def question_of(question: bytes) -> bytes:
    """What is kept of what was drawn for: it may hold a key."""
    return hashlib.sha256(question).digest()


def _size_of_request(request: FetchRequest) -> int:
    headers = sum(len(name) + len(value) for name, value in request.headers)
    return len(request.url) + headers + len(request.body or b"")


def _responded(response: FetchResponse) -> tuple[Answer, int]:
    headers = sum(len(name) + len(value) for name, value in response.headers)
    return Responded(response), len(response.url) + headers + len(response.body)


def _found(entry: CacheEntry) -> tuple[Answer, int]:
    return Found(entry.value), len(entry.value or b"")


def _done(_: None) -> tuple[Answer, int]:
    return Done(), 0


def _given(value: bytes) -> tuple[Answer, int]:
    return Found(value), len(value)
