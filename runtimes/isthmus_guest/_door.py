"""The door to the host: operations that wait for an answer, any number at once, from any thread or loop."""

from __future__ import annotations

import _thread  # noqa: PLC2701 -- threading would have work done in every child that is forked
import base64
import json
from typing import TYPE_CHECKING, Any

from ._channel import ANSWER, ASK, Channel
from ._errors import CapabilityError, FetchError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

__all__ = ["Door", "door"]


class _Waiter:
    """One operation under way."""

    __slots__ = ("answer", "done", "future", "loop")

    def __init__(self) -> None:
        self.done = False
        self.answer: dict[str, Any] = {}
        self.future: asyncio.Future[None] | None = None
        self.loop: asyncio.AbstractEventLoop | None = None

    def deliver(self, answer: dict[str, Any]) -> None:
        self.answer = answer
        self.done = True
        if self.future is not None and self.loop is not None:
            self.loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        if self.future is not None and not self.future.done():
            self.future.set_result(None)


class Door:
    """Asks the host and hears its answers.

    Attributes:
        loading: the module's body runs: there is no call yet for which a host could do something.
        on_time: told when an answer came, in seconds since the start, where that is for the host to say; or None.
    """

    def __init__(self) -> None:
        self._channel: Channel | None = None
        self._pending: dict[int, _Waiter] = {}
        self._writing = _thread.allocate_lock()
        self._reading = _thread.allocate_lock()
        self._number = 0
        self._listeners: dict[asyncio.AbstractEventLoop, int] = {}
        self.loading = False
        self.on_time: Callable[[float], None] | None = None

    def connect(self, channel: Channel) -> None:
        """Use a channel from here on."""
        self._channel = channel

    def forget(self) -> None:
        """Expect no more answers: the call that asked has ended."""
        self._pending.clear()

    def send(self, kind: int, fields: dict[str, Any]) -> None:
        """Write a frame of JSON, whole, from whatever thread."""
        payload = json.dumps(fields, separators=(",", ":")).encode()
        with self._writing:
            self._connected().send(kind, payload)

    def require_call(self, what: str) -> None:
        """Refuse what makes no sense while the module is loaded."""
        if self.loading:
            raise RuntimeError(f"{what} can be used within a handler, not while the code is loaded")
        self._connected()

    def say(self, **fields: Any) -> None:
        """Ask for something that has no answer."""
        self.require_call(fields["op"].replace("_", "."))
        self.send(ASK, fields)

    def ask(self, **fields: Any) -> Any:
        """Ask, and wait for the answer; other threads go on."""
        number, waiter = self._begin(fields)
        try:
            while not waiter.done:
                with self._reading:
                    if not waiter.done:
                        self._read_one()
        finally:
            self._pending.pop(number, None)
        return _value(waiter.answer)

    async def ask_async(self, **fields: Any) -> Any:
        """Ask, and await the answer; other tasks go on."""
        import asyncio  # costs more than most functions, which have no use for it

        loop = asyncio.get_running_loop()
        number, waiter = self._begin(fields, loop)
        self._listen(loop)
        try:
            assert waiter.future is not None  # noqa: S101 -- made with the loop
            await waiter.future
        except asyncio.CancelledError:
            self.send(ASK, {"op": "cancel", "id": number})
            raise
        finally:
            self._pending.pop(number, None)
            self._unlisten(loop)
        return _value(waiter.answer)

    def _begin(
        self, fields: dict[str, Any], loop: asyncio.AbstractEventLoop | None = None
    ) -> tuple[int, _Waiter]:
        self.require_call(fields["op"].replace("_", "."))
        waiter = _Waiter()
        if loop is not None:
            waiter.loop, waiter.future = loop, loop.create_future()
        with self._writing:
            self._number += 1
            number = self._number
            self._pending[number] = waiter
        self.send(ASK, {**fields, "id": number})
        return number, waiter

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        count = self._listeners.get(loop, 0)
        self._listeners[loop] = count + 1
        if not count:
            loop.add_reader(self._connected().file, self._readable)

    def _unlisten(self, loop: asyncio.AbstractEventLoop) -> None:
        self._listeners[loop] -= 1
        if not self._listeners[loop]:
            del self._listeners[loop]
            if not loop.is_closed():
                loop.remove_reader(self._connected().file)

    def _readable(self) -> None:
        # Where a thread is reading already, it will deliver what this loop waits for.
        if self._reading.acquire(blocking=False):
            try:
                self._read_one()
            finally:
                self._reading.release()

    def _read_one(self) -> None:
        kind, payload = self._connected().receive()
        if kind != ANSWER:
            return
        answer = json.loads(payload)
        if self.on_time is not None and "at" in answer:
            self.on_time(answer["at"])
        waiter = self._pending.get(answer["id"])
        if waiter is not None:
            waiter.deliver(answer)

    def _connected(self) -> Channel:
        if self._channel is None:
            raise RuntimeError("there is no host: this works where isthmus runs the function")
        return self._channel


def _value(answer: dict[str, Any]) -> Any:
    error = answer.get("error")
    if error is not None and error.get("name") == "CapabilityError":
        raise CapabilityError(error["message"], error["code"])
    if error is not None:
        raise FetchError(error["message"], error.get("code", ""), error.get("type", "system"))
    return answer.get("value")


def packed(body: bytes) -> dict[str, Any]:
    """A body as it crosses: as text where it is UTF-8, else as base64."""
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"body": base64.b64encode(body).decode(), "base64": True}


door = Door()
