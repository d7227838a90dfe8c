"""What the host does for a call that waits: its fetches, its timers, its cache."""

from __future__ import annotations

from collections.abc import Awaitable

import msgspec
import trio

from isthmus.abc import CacheEntry, FetchRequest, FetchResponse, Host
from isthmus.errors import CapabilityError, FetchError, RuntimeFault
from isthmus.guest import fetch_request, shown_response

from ._frames import Answer, Operation

__all__ = ["Errands"]


class Errands:
    """The operations of one call that are under way, each in a task of its own."""

    def __init__(self, host: Host, nursery: trio.Nursery, most: int) -> None:
        self._host = host
        self._nursery = nursery
        self._most = most
        self._scopes: dict[int, trio.CancelScope] = {}
        self._answers: list[Answer] = []
        self._answered = trio.Event()
        self._fault: RuntimeFault | None = None

    def begin(self, operations: list[Operation]) -> None:
        """Start operations, or do them at once where they have no answer."""
        # What is taken back in the same breath is not begun: a timer set and cleared costs no task.
        taken_back = {operation.id for operation in operations if operation.op == "cancel"}
        for operation in operations:
            match operation.op:
                case "cache_store":
                    ttl = None if operation.ttl is None or operation.ttl < 0 else operation.ttl / 1000
                    self._host.cache_store(operation.key, operation.value.encode(), ttl)
                case "cache_fail":
                    self._host.cache_fail(operation.key)
                case "cache_delete":
                    self._host.cache_delete(operation.key)
                case "cancel":
                    if scope := self._scopes.pop(operation.id, None):
                        scope.cancel()
                case "fetch" | "sleep" | "cache_load" | "capability" if operation.id not in self._scopes:
                    if operation.id in taken_back:
                        continue
                    if len(self._scopes) >= self._most:
                        text = f"more than {self._most} operations at once, the limit of one call"
                        error = {"name": "FetchError", "message": text, "type": "limit"}
                        if operation.op == "capability":
                            error |= {"name": "CapabilityError", "code": "limit"}
                        self._answer(operation.id, error=error)
                    else:
                        scope = self._scopes[operation.id] = trio.CancelScope()
                        # Asked now, for a nursery begins its tasks in any order.
                        self._nursery.start_soon(self._perform, operation.id, self._value(operation), scope)
                case _:
                    raise RuntimeFault(f"a world asked for {operation.op!r}, which is no operation")

    async def answers(self) -> bytes:
        """Wait for an answer; it and those that are there with it, as ``resume`` takes them."""
        await self._host.turn(
            self._answered
        )  # what ends in the same turn of the loop goes in the same crossing
        if self._fault is not None:
            raise self._fault
        self._answered = trio.Event()
        answers, self._answers = self._answers, []
        return msgspec.json.encode(answers)

    async def _perform(self, number: int, asked: Awaitable[object], scope: trio.CancelScope) -> None:
        with scope:
            try:
                value = await asked
            except FetchError as error:
                shown = {"name": "FetchError", "message": str(error), "code": error.code, "type": error.type}
                self._answer(number, error=shown)
            except CapabilityError as refused:
                shown = {"name": "CapabilityError", "message": str(refused), "code": refused.code}
                self._answer(number, error=shown)
            except RuntimeFault as fault:
                self._fault = fault
                self._answered.set()
            else:
                self._answer(number, value)

    def _value(self, operation: Operation) -> Awaitable[object]:
        host = self._host
        if operation.op == "sleep":
            return host.sleep(max(0.0, operation.ms / 1000))
        if operation.op == "cache_load":
            return _found(host.cache_load(operation.key))
        if operation.op == "capability":
            return _given(host.capability(operation.key, operation.value.encode()))
        return _shown(host.fetch(_request_of(operation)))

    def _answer(self, number: int, value: object = None, error: dict[str, str] | None = None) -> None:
        self._scopes.pop(number, None)
        self._answers.append(Answer(id=number, value=value, error=error))
        self._answered.set()


async def _found(asked: Awaitable[CacheEntry]) -> object:
    entry = await asked
    return {"hit": False} if entry.value is None else {"hit": True, "value": entry.value.decode()}


async def _given(asked: Awaitable[bytes]) -> object:
    return msgspec.Raw(await asked)


async def _shown(asked: Awaitable[FetchResponse]) -> object:
    return shown_response(await asked)


def _request_of(operation: Operation) -> FetchRequest:
    try:
        return fetch_request(
            url=operation.url,
            method=operation.method,
            headers=operation.headers,
            body=operation.body,
            encoded=operation.base64,
            redirect=operation.redirect,
        )
    except ValueError as error:
        raise RuntimeFault(f"a world asked for a fetch that is none: {error}") from error
