"""A rehearsal: what a component talks to while it is loaded, with nobody behind it."""

from __future__ import annotations

import os
import time
from typing import Final, NoReturn, final

import msgspec

from isthmus.abc import CacheEntry, Call, FetchRequest, FetchResponse, Host
from isthmus.errors import RuntimeFault
from isthmus.limits import Limits
from isthmus_wasmtime._talk import Talk

__all__ = ["rehearsal"]

LOADING: Final = 2.0
"""Seconds that a component may run while it is loaded, also where calls have less."""
PATIENCE: Final = 30
"""How many times as long that may take, on a machine that has other things to do."""


def rehearsal(limits: Limits) -> Talk:
    """A talk in which there is time and chance, and nothing that a host does."""
    call = Call("", b"", b"{}", "", time.time(), os.urandom(32))
    longer = max(LOADING, min(limits.wall, limits.cpu))
    # It waits for nothing: what it takes longer than its processor time is what others have of the processor.
    patient = msgspec.structs.replace(limits, wall=PATIENCE * longer, cpu=longer)
    return Talk(call, Nobody(), patient, b"", stdin=False)


@final
class Nobody(Host):
    """Does nothing for anyone."""

    async def fetch(self, request: FetchRequest) -> FetchResponse:
        _no(request)

    async def sleep(self, seconds: float) -> None:
        _no(seconds)

    async def cache_load(self, key: str) -> CacheEntry:
        _no(key)

    def cache_store(self, key: str, value: bytes, ttl: float | None) -> None:
        _no(key, value, ttl)

    def cache_fail(self, key: str) -> None:
        _no(key)

    def cache_delete(self, key: str) -> None:
        _no(key)

    def log(self, level: str, text: str, at: float = 0.0) -> None:
        """Nobody reads it."""


def _no(*_asked: object) -> NoReturn:
    raise RuntimeFault("a component asks for something while it is loaded")
