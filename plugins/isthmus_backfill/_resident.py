"""Carries parts in a process that somebody else runs, whose engine stays open between one part and the next."""

from __future__ import annotations

import threading
import time
from typing import Final, final

import msgspec
import trio

from isthmus import IsthmusError
from isthmus.commands import UsageFault

from ._carrier import Carrier, open_carrier
from ._messages import Carry, Failed, Finished, Setup, Unready

__all__ = ["carry"]

IDLE: Final = 60.0
"""Seconds without a part after which an engine is closed."""

Answer = Finished | Failed | Unready


def carry(setup: bytes, work: bytes) -> bytes:
    """Carry one part and say what became of it; blocks, and may be called by several threads.

    Args:
        setup: msgpack of a :class:`Setup`.
        work: msgpack of a :class:`Carry`.

    Returns:
        msgpack of :class:`Finished`, :class:`Failed` or :class:`Unready`.
    """
    answer: Answer
    resident = _borrow(setup)
    try:
        answer = resident.carry(msgspec.msgpack.decode(work, type=Carry))
    except _Unloaded as exc:
        answer = exc.unready
    finally:
        with _TURN:
            resident.users -= 1
            resident.used = time.monotonic()
    return msgspec.msgpack.encode(answer)


@final
class _Unloaded(Exception):
    """The destination can't be loaded here."""

    def __init__(self, unready: Unready) -> None:
        super().__init__(unready.message)
        self.unready = unready


@final
class _Resident:
    """A thread with an engine."""

    def __init__(self, setup: bytes) -> None:
        self.users = 0
        self.used = time.monotonic()
        self._key = setup
        self._setup = msgspec.msgpack.decode(setup, type=Setup)
        self._begun = threading.Event()
        self._unready = Unready("the engine has ended")
        self._carrier: Carrier | None = None
        self._token: trio.lowlevel.TrioToken | None = None
        threading.Thread(target=self._run, name="isthmus-backfill", daemon=True).start()

    def carry(self, work: Carry) -> Finished | Failed:
        self._begun.wait()
        if self._carrier is None:
            raise _Unloaded(self._unready)
        return trio.from_thread.run(self._carrier.carry, work, trio_token=self._token)

    def _run(self) -> None:
        try:
            trio.run(self._main)
        except BaseException as exc:  # noqa: BLE001 -- whoever waits is told
            self._unready = Unready(f"{type(exc).__name__}: {exc}")
        finally:
            with _TURN:
                if _RESIDENTS.get(self._key) is self:
                    del _RESIDENTS[self._key]
            self._begun.set()

    async def _main(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        try:
            async with open_carrier(self._setup) as carrier:
                self._carrier = carrier
                self._begun.set()
                while not self._leave():  # noqa: ASYNC110 -- threads borrow it, which set no event of Trio's
                    await trio.sleep(IDLE / 4)
        except (UsageFault, IsthmusError) as exc:
            self._unready = Unready.of(exc)

    def _leave(self) -> bool:
        """Whether nobody has wanted anything for long; nobody will find it any more then."""
        with _TURN:
            idle = not self.users and time.monotonic() - self.used > IDLE
            if idle:
                del _RESIDENTS[self._key]
            return idle


_TURN: Final = threading.Lock()
_RESIDENTS: Final[dict[bytes, _Resident]] = {}


def _borrow(setup: bytes) -> _Resident:
    with _TURN:
        resident = _RESIDENTS.get(setup)
        if resident is None:
            resident = _RESIDENTS[setup] = _Resident(setup)
        resident.users += 1
        return resident
