"""Errands: requests that are on their way while their component runs on."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import final

import trio

from isthmus.abc import FetchRequest, FetchResponse, Host
from isthmus.errors import FetchError

__all__ = ["Errand", "Errands"]


@final
class Errand:
    """A request on its way.

    Attributes:
        arrived: it has come back.
        done: it has come back, and the component may know.
        response: what came back.
        error: why nothing came back.
        late: it took longer than it was given.
        fault: what else went wrong; the host's own.
    """

    def __init__(self) -> None:
        self.response: FetchResponse | None = None
        self.error: FetchError | None = None
        self.late = False
        self.fault: BaseException | None = None
        self.arrived = False
        self.done = False

    async def run(
        self, asked: Awaitable[FetchResponse], seconds: float, alarm: Awaitable[None] | None
    ) -> None:
        """Wait for what was asked, for so long, or until the alarm where there is one."""
        try:
            with trio.move_on_after(seconds if alarm is None else math.inf) as scope:
                if alarm is None:
                    self.response = await asked
                else:
                    async with ringing(alarm, scope):
                        await self._hold(asked)
            self.late = scope.cancelled_caught
        except FetchError as error:
            self.error = error
        except Exception as fault:  # noqa: BLE001 -- raised where the component waits, not here
            self.fault = fault
        finally:
            self.arrived = True

    async def _hold(self, asked: Awaitable[FetchResponse]) -> None:
        try:
            self.response = await asked
        except FetchError as error:
            self.error = error


@final
class Errands:
    """What the host does for one call at the same time.

    Used in the Trio thread.

    Args:
        nursery: where it is done, None for a call whose wishes are all refused.
        host: who does it.
    """

    def __init__(self, nursery: trio.Nursery | None, host: Host) -> None:
        self._nursery = nursery
        self._host = host
        self._arrival = trio.Event()
        self._scopes: list[trio.CancelScope] = []
        self._unheard: list[Errand] = []

    def close(self) -> None:
        """The call has ended, and so does all that is under way for it."""
        for scope in self._scopes:
            scope.cancel()

    def start(self, request: FetchRequest, seconds: float = math.inf) -> Errand:
        """Send a request, which may take so long."""
        assert self._nursery is not None  # noqa: S101 -- an inline call is forgotten before it gets here
        errand = Errand()
        scope = trio.CancelScope()
        self._scopes.append(scope)
        host = self._host
        # Asked now, for a nursery begins its tasks in any order.
        asked, alarm = host.fetch(request), None
        if host.taped and seconds < math.inf:
            alarm = host.sleep(seconds)
        self._nursery.start_soon(self._run, errand, scope, asked, seconds, alarm)
        return errand

    def hear(self) -> None:
        """Have the component know of what has come back; in a call that is taped, when its host says so."""
        for errand in self._unheard:
            errand.done = True
        self._unheard.clear()

    async def _run(
        self,
        errand: Errand,
        scope: trio.CancelScope,
        asked: Awaitable[FetchResponse],
        seconds: float,
        alarm: Awaitable[None] | None,
    ) -> None:
        with scope:
            await errand.run(asked, seconds, alarm)
        self._unheard.append(errand)
        if not self._host.taped:
            self.hear()
        arrival, self._arrival = self._arrival, trio.Event()
        arrival.set()

    async def first(self, errands: Sequence[Errand], seconds: float | None) -> None:
        """Wait until one of them has come back, or so many seconds have passed."""
        if not errands and seconds is not None:
            await self._host.sleep(seconds)
            return
        if self._host.taped and seconds is not None:
            with trio.CancelScope() as scope:
                async with ringing(self._host.sleep(seconds), scope):
                    await self._arrived(errands)
            return
        with trio.move_on_after(math.inf if seconds is None else seconds):
            await self._arrived(errands)

    async def _arrived(self, errands: Sequence[Errand]) -> None:
        while not any(errand.arrived for errand in errands):
            await self._arrival.wait()


@asynccontextmanager
async def ringing(alarm: Awaitable[None], scope: trio.CancelScope) -> AsyncIterator[None]:
    """Have a time be up, which ends a scope, when the host says so: it may be another day's."""

    async def ring() -> None:
        with suppress(FetchError):  # more than may wait: it is up at once
            await alarm
        scope.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ring)
        yield
        nursery.cancel_scope.cancel()
