"""Errands: requests that are on their way while their component runs on."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from typing import final

import trio

from isthmus.abc import FetchRequest, FetchResponse, Host
from isthmus.errors import FetchError

__all__ = ["Errand", "Errands"]


@final
class Errand:
    """A request on its way.

    Attributes:
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
        self._done = trio.Event()

    @property
    def done(self) -> bool:
        """Whether it has come back."""
        return self._done.is_set()

    async def wait(self) -> None:
        """Until it has come back."""
        await self._done.wait()

    async def run(self, host: Host, request: FetchRequest, seconds: float) -> None:
        """Send the request."""
        try:
            with trio.move_on_after(seconds) as scope:
                self.response = await host.fetch(request)
            self.late = scope.cancelled_caught
        except FetchError as error:
            self.error = error
        except Exception as fault:  # noqa: BLE001 -- raised where the component waits, not here
            self.fault = fault
        finally:
            self._done.set()


@final
class Errands:
    """What the host does for one call at the same time; all of it ends with the call.

    Used in the Trio thread.
    """

    def __init__(self, nursery: trio.Nursery, host: Host) -> None:
        self._nursery = nursery
        self._host = host

    def start(self, request: FetchRequest, seconds: float = math.inf) -> Errand:
        """Send a request, which may take so long."""
        errand = Errand()
        self._nursery.start_soon(errand.run, self._host, request, seconds)
        return errand

    async def first(self, errands: Sequence[Errand], seconds: float | None) -> None:
        """Wait until one of them has come back, or so many seconds have passed."""

        async def until(wait: Callable[..., Awaitable[None]], *arguments: float) -> None:
            await wait(*arguments)
            nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            for errand in errands:
                nursery.start_soon(until, errand.wait)
            if seconds is not None:
                nursery.start_soon(until, self._host.sleep, seconds)
