"""What code in WebAssembly may do: write and read frames, wait, look at the call's clock."""

from __future__ import annotations

import select
import time
from typing import Any, Final

import wasmtime
from wasmtime import component

from isthmus_guest._channel import ARMED, END, Channel

__all__ = ["Trespass", "World"]

WASI: Final = "0.2.9"
"""The version of WASI's interfaces that the component imports."""
LONGEST: Final = 1e6
"""Seconds of one wait."""


class Trespass(Exception):
    """An instance went on where its call had ended, or said that it was ready twice."""


class World:
    """The imports of the component's instances, one after the other.

    An instance is armed once, and has one call.  That is held to here: nothing that runs within an instance could
    keep it, to read the next call's settings.

    Args:
        channel: to the host.
        keep: an instance has call after call.
    """

    def __init__(self, channel: Channel, *, keep: bool) -> None:
        self._channel = channel
        self._keep = keep
        self._poll = select.poll()
        self._poll.register(channel.file, select.POLLIN)
        self.begin()

    def begin(self) -> None:
        """The next instance is about to be made."""
        self._armed = self._ended = False
        self._offset = time.time() - time.monotonic()

    def linker(self, engine: wasmtime.Engine) -> component.Linker:
        """What instances are made with."""
        linker = component.Linker(engine)
        linker.allow_shadowing = True
        linker.add_wasip2()  # as a WasiConfig has it that gives no directory, no variable, no stream and no network
        with linker.root() as root:
            root.add_func("send", self._send)
            root.add_func("receive", self._receive)
            root.add_func("rest", self._rest)
            root.add_func("begin", self._begin)
            with root.add_instance(f"wasi:clocks/wall-clock@{WASI}") as clock:
                clock.add_func("now", self._now)
                clock.add_func("resolution", lambda _: _datetime(1))
        return linker

    def _send(self, _: wasmtime.StoreContext, kind: int, payload: str) -> None:
        if self._ended or (kind == ARMED and self._armed):
            raise Trespass
        self._armed = self._armed or kind == ARMED
        self._ended = kind == END and not self._keep
        self._channel.send(kind, payload.encode())

    def _receive(self, _: wasmtime.StoreContext, seconds: float) -> str:
        if self._ended:
            raise Trespass
        if seconds >= 0 and not self._poll.poll(1000 * min(seconds, LONGEST)):
            return ""
        kind, payload = self._channel.receive()
        return chr(kind) + payload.decode()

    def _rest(self, _: wasmtime.StoreContext, seconds: float) -> None:
        time.sleep(max(0.0, min(seconds, LONGEST)))

    def _begin(self, _: wasmtime.StoreContext, now: float) -> None:
        self._offset = now - time.monotonic()

    def _now(self, _: wasmtime.StoreContext) -> component.Record:
        return _datetime(int((time.monotonic() + self._offset) * 1e9))


def _datetime(nanoseconds: int) -> component.Record:
    found: Any = component.Record()
    found.seconds, found.nanoseconds = divmod(max(0, nanoseconds), 10**9)
    return found  # type: ignore[no-any-return] # a record has what one gives it
