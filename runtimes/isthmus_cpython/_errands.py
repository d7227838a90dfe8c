"""What the host does for a call that waits: its fetches, its sleeps, its cache; each in a task of its own."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final

import msgspec
import trio

from isthmus.abc import CacheEntry, FetchRequest, FetchResponse, Host
from isthmus.errors import CapabilityError, FetchError
from isthmus.guest import fetch_request, shown_response

from ._messages import Operation
from ._wire import ANSWER, Connection, Nonsense

__all__ = ["Errands"]

CAPABILITY_ERROR: Final = "CapabilityError"


class Errands:
    """The operations of one call that are under way.

    Args:
        host: of the call.
        connection: to its process.
        nursery: ends with the call.
        most: operations that may be under way at once.
    """

    def __init__(self, host: Host, connection: Connection, nursery: trio.Nursery, most: int) -> None:
        self._host = host
        self._connection = connection
        self._nursery = nursery
        self._most = most
        self._scopes: dict[int, trio.CancelScope] = {}

    def begin(self, operation: Operation) -> None:
        """Start an operation, or do it at once where it has no answer.

        Raises:
            Nonsense: it is malformed, or its number is taken.
        """
        match operation.op:
            case "cache_store":
                ttl = operation.ttl
                value = _json_text(operation.value)
                self._host.cache_store(operation.key, value, None if ttl is None or ttl < 0 else ttl)
            case "cache_fail":
                self._host.cache_fail(operation.key)
            case "cache_delete":
                self._host.cache_delete(operation.key)
            case "cancel":
                if scope := self._scopes.pop(operation.id, None):
                    scope.cancel()
            case _:
                if operation.id in self._scopes:
                    raise Nonsense(f"operation {operation.id} is under way already")
                self._start(operation)

    def _start(self, operation: Operation) -> None:
        if len(self._scopes) >= self._most:
            text = f"more than {self._most} operations at once, the limit of one call (Limits.operations)"
            self._nursery.start_soon(self._refuse, operation, text)
            return
        act = self._act(operation)
        scope = self._scopes[operation.id] = trio.CancelScope()
        self._nursery.start_soon(self._perform, operation.id, act, scope)

    def _act(self, operation: Operation) -> Awaitable[object]:
        """What answers an operation; asked before its task begins, for a nursery begins its tasks in any order."""
        host = self._host
        if operation.op == "fetch":
            return _shown(host.fetch(_request_of(operation)))
        if operation.op == "sleep":
            return host.sleep(max(0.0, operation.seconds))
        if operation.op == "capability":
            return _given(host.capability(operation.key, _json_text(operation.value)))
        return _found(host.cache_load(operation.key))

    async def _perform(self, number: int, asked: Awaitable[object], scope: trio.CancelScope) -> None:
        with scope:
            try:
                answer: dict[str, object] = {"id": number, "value": await asked}
            except FetchError as error:
                shown = {"message": str(error), "code": error.code, "type": error.type}
                answer = {"id": number, "error": shown}
            except CapabilityError as refused:
                shown = {"name": CAPABILITY_ERROR, "message": str(refused), "code": refused.code}
                answer = {"id": number, "error": shown}
            await self._answer(answer)
        if self._scopes.get(number) is scope:
            del self._scopes[number]

    async def _refuse(self, operation: Operation, text: str) -> None:
        error = {"message": text, "code": "", "type": "limit"}
        if operation.op == "capability":
            error = {"name": CAPABILITY_ERROR, "message": text, "code": "limit"}
        await self._answer({"id": operation.id, "error": error})

    async def _answer(self, answer: dict[str, object]) -> None:
        if self._host.taped:
            answer["at"] = self._host.moment()
        try:
            await self._connection.send(ANSWER, msgspec.json.encode(answer))
        except OSError:
            return  # the process has gone; whoever reads from it says how


async def _shown(asked: Awaitable[FetchResponse]) -> object:
    return shown_response(await asked)


async def _given(asked: Awaitable[bytes]) -> object:
    return msgspec.Raw(await asked)


async def _found(asked: Awaitable[CacheEntry]) -> object:
    entry = await asked
    return {"hit": False} if entry.value is None else {"hit": True, "value": entry.value.decode()}


def _json_text(text: str) -> bytes:
    try:
        value = text.encode()
        msgspec.json.decode(value, type=msgspec.Raw)
    except (ValueError, RecursionError) as error:
        raise Nonsense("a value for the host is no JSON") from error
    return value


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
        raise Nonsense(f"a fetch that is none: {str(error)[:200]}") from None
