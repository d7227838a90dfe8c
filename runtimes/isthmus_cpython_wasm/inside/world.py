"""What code in WebAssembly may do: write and read frames, wait, look at the call's clock."""

from __future__ import annotations

import json
import select
import time
from typing import Any, Final

import wasmtime
from wasmtime import component

from isthmus_guest._channel import ANSWER, ARMED, ASK, CALL, END, LOAD, LOADED, LOG, METERED, Channel

__all__ = ["Trespass", "World"]

WASI: Final = "0.2.9"
"""The version of WASI's interfaces that the component imports."""
STILL: Final = b'{"still":true'
"""How a call begins whose clock stands still, because it is recorded or replayed."""
LOOK: Final = 1000
"""Nanoseconds by which each look moves such a clock on."""
LONGEST: Final = 1e6
"""Seconds of one wait."""
_BEFORE, _DURING, _AFTER = (
    frozenset({ARMED, LOG}),
    frozenset({ARMED, ASK, LOG, END, LOADED}),
    frozenset[int](),
)
"""What an instance may say before its call, until it has ended, and then."""


class Trespass(Exception):
    """An instance went on where its call had ended, ended one that it had not, or said that it was ready twice."""


class World:
    """The imports of the component's instances, one after the other.

    An instance is armed once, and has one call.  That is held to here: nothing that runs within an instance could
    keep it, to read the next call's settings.  For the same reason a call is read before it is ended, and what was
    on its way to the call before is nobody's.

    Args:
        channel: to the host.
        keep: an instance has call after call.
        calls: it has calls; else there is code to be looked at.
    """

    def __init__(self, channel: Channel, *, keep: bool, calls: bool = True) -> None:
        self._channel = channel
        self._keep = keep
        self._opening, self._closing = (CALL, END) if calls else (LOAD, LOADED)
        self._poll = select.poll()
        self._poll.register(channel.file, select.POLLIN)
        self.begin()

    def begin(self) -> None:
        """The next instance is about to be made."""
        self._armed = False
        self._may = _BEFORE
        self._offset = time.time() - time.monotonic()
        self._still = False
        self._began = self._passed = 0

    @property
    def called(self) -> bool:
        """There is a call, and it has not ended."""
        return self._may is _DURING

    def end(self, payload: bytes) -> None:
        """Say how the call ended, and what this process has used."""
        self._may = _BEFORE if self._keep else _AFTER
        if self._closing == END:
            # There is one thread.  The clock of a process that has a limit of time stands still between two ticks.
            used = time.thread_time_ns().to_bytes(8, "little")
            self._channel.send(METERED, used + payload)
        else:
            self._channel.send(self._closing, payload)

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

    def _send(self, _: wasmtime.StoreContext | None, kind: int, payload: str) -> None:
        if kind not in self._may or (kind == ARMED and self._armed):
            raise Trespass
        if kind == self._closing:
            self.end(payload.encode())
            return
        self._armed = self._armed or kind == ARMED
        self._channel.send(kind, payload.encode())

    def _receive(self, _: wasmtime.StoreContext | None, seconds: float) -> str:
        if self._may is _AFTER:
            raise Trespass
        until = time.monotonic() + min(seconds, LONGEST)
        while True:
            if seconds >= 0 and not self._poll.poll(1000 * max(0.0, until - time.monotonic())):
                self._pass(seconds)
                return ""
            kind, payload = self._channel.receive()
            if kind == CALL:
                self._still, self._passed = payload.startswith(STILL), 0
            elif kind == ANSWER and self._still:
                self._passed = max(self._passed, int(json.loads(payload)["at"] * 1e9))
            if (kind == self._opening) != self.called:
                self._may = _DURING
                return chr(kind) + payload.decode()

    def _rest(self, _: wasmtime.StoreContext, seconds: float) -> None:
        waited = max(0.0, min(seconds, LONGEST))
        time.sleep(waited)
        self._pass(waited)

    def _pass(self, seconds: float) -> None:
        self._passed += int(seconds * 1e9)

    def _begin(self, _: wasmtime.StoreContext, now: float) -> None:
        self._offset = now - time.monotonic()
        self._began = int(now * 1e9)

    def _now(self, _: wasmtime.StoreContext) -> component.Record:
        if self._still:
            self._passed += LOOK
            return _datetime(self._began + self._passed)
        return _datetime(int((time.monotonic() + self._offset) * 1e9))


def _datetime(nanoseconds: int) -> component.Record:
    found: Any = component.Record()
    found.seconds, found.nanoseconds = divmod(max(0, nanoseconds), 10**9)
    return found  # type: ignore[no-any-return] # a record has what one gives it
