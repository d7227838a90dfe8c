"""The host that the kit runs a runtime's samples with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, final

import msgspec
import trio

from isthmus.abc import CacheEntry, FetchRequest, FetchResponse, Host
from isthmus.errors import CapabilityError

__all__ = ["KitHost"]


@final
class KitHost(Host):
    """Answers at once, or when its gate is opened, and notes what it was asked.

    Args:
        answer: what a request gets; 201 with an empty object unless given.
        capabilities: what is offered, by name; none unless given.

    Attributes:
        lines: console output, (level, text).
        left_out: bytes of it that the runtime kept back.
        requests: what was fetched.
        slept: seconds of each timer.
        cache: what was stored, by key.
        asked: capabilities that were used, (name, argument), the argument decoded.
        traced: whether it asks which lines run.
        lines_ran: those that the runtime said ran.
        lines_among: among which, empty where it told nothing.
        gate: where fetches wait, if it is set.
        waiting: set with the first thing that is waited for.
    """

    traced = False

    def __init__(
        self,
        answer: Callable[[FetchRequest], FetchResponse] | None = None,
        *,
        capabilities: Mapping[str, Callable[[Any], object]] | None = None,
    ) -> None:
        self._capabilities = capabilities or {}
        self.lines: list[tuple[str, str]] = []
        self.left_out = 0
        self.requests: list[FetchRequest] = []
        self.slept: list[float] = []
        self.cache: dict[str, bytes] = {}
        self.asked: list[tuple[str, Any]] = []
        self.lines_ran: frozenset[int] = frozenset()
        self.lines_among: frozenset[int] = frozenset()
        self.gate: trio.Event | None = None
        self.waiting = trio.Event()
        self._answer = answer or (lambda request: FetchResponse(status=201, body=b"{}", url=request.url))

    async def fetch(self, request: FetchRequest) -> FetchResponse:
        self.requests.append(request)
        self.waiting.set()
        if self.gate is not None:
            await self.gate.wait()
        await trio.lowlevel.checkpoint()
        return self._answer(request)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.waiting.set()
        await trio.sleep(seconds)

    async def cache_load(self, key: str) -> CacheEntry:
        await trio.lowlevel.checkpoint()
        return CacheEntry(self.cache.get(key))

    async def capability(self, name: str, argument: bytes) -> bytes:
        self.asked.append((name, msgspec.json.decode(argument)))
        self.waiting.set()
        await trio.lowlevel.checkpoint()
        if name not in self._capabilities:
            raise CapabilityError(f"there is no {name} here", code="not_granted")
        return msgspec.json.encode(self._capabilities[name](self.asked[-1][1]))

    def cache_store(self, key: str, value: bytes, ttl: float | None) -> None:
        assert ttl is None or ttl > 0
        self.cache[key] = value

    def cache_fail(self, key: str) -> None:
        pass

    def cache_delete(self, key: str) -> None:
        self.cache.pop(key, None)

    def log(self, level: str, text: str, at: float = 0.0) -> None:
        assert level in {"debug", "log", "info", "warn", "error", "notice"}, f"there is no level {level!r}"
        assert at >= 0
        self.lines.append((level, text))

    def ran(self, lines: Iterable[int], among: Iterable[int]) -> None:
        self.lines_ran, self.lines_among = frozenset(lines), frozenset(among)

    def log_left_out(self, size: int) -> None:
        self.left_out += size
