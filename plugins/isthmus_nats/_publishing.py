"""Messages on their way into one stream: atomic batches, in which callers that come together go together.

A server fsyncs and replicates a batch once, so that a hundred callers with one message each cost little more than one.
What is refused for a caller's sake (a stream that is full, an id that is there already) is done again for each caller
alone, and an id that is there already by single messages, for then the server tells which one it is.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import Sequence
from typing import Any, Final, final

import msgspec

from isthmus.errors import QueueError, QueueFull

from ._answers import DUPLICATE, Published, Refused, decode, fault_of
from ._connection import Connection, answer_of

__all__ = ["Outgoing", "Publisher"]

BATCH: Final = 1000  # messages; JetStream's limit of an atomic batch
BATCH_BYTES: Final = 16 * 2**20
SLOTS: Final = 2  # batches under way: one is made while the other is being synced


@final
class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """A message to be published.

    Attributes:
        subject: where.
        body: of the message.
        headers: with the id by which the stream knows it again, ``Nats-Msg-Id``.
    """

    subject: str
    body: bytes
    headers: dict[str, str]

    @property
    def id(self) -> str:
        """By which the stream knows it again."""
        return self.headers["Nats-Msg-Id"]


@final
class _Call(msgspec.Struct, frozen=True, eq=False):
    messages: Sequence[Outgoing]
    size: int
    done: asyncio.Future[None]


@final
class Publisher:
    """Publishes into one stream.

    Args:
        connection: to the cluster.
        stream: its name, for errors.
    """

    def __init__(self, connection: Connection, stream: str) -> None:
        self._connection = connection
        self._doing = f"publishing into {stream}"
        self._waiting: deque[_Call] = deque()
        self._under_way: set[asyncio.Task[None]] = set()

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """Store messages, all or none where they are at most a thousand and 16 MiB together; durable when this returns.

        Raises:
            QueueFull: there is no room, and nothing of them was kept.
            QueueError: the cluster is away, or there was room for a part; publishing again is safe.
        """
        parts = list(_parts(messages))
        for number, part in enumerate(parts):
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(_Call(part, sum(len(message.body) for message in part), done))
            self._pump()
            try:
                await done
            except QueueFull as exc:
                if number:
                    raise QueueError(f"{exc}; a part of what was given was kept") from exc
                raise

    def _pump(self) -> None:
        while self._waiting and len(self._under_way) < SLOTS:
            calls: list[_Call] = []
            count = size = 0
            while self._waiting:
                call = self._waiting[0]
                if calls and (count + len(call.messages) > BATCH or size + call.size > BATCH_BYTES):
                    break
                self._waiting.popleft()
                if call.done.cancelled():
                    continue
                calls.append(call)
                count += len(call.messages)
                size += call.size
            if calls:
                task = asyncio.get_running_loop().create_task(self._serve(calls))
                self._under_way.add(task)
                task.add_done_callback(self._served)

    def _served(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            self._pump()

    async def _serve(self, calls: Sequence[_Call]) -> None:
        try:
            if len(calls) > 1:
                try:
                    await self._store([message for call in calls for message in call.messages])
                except Refused:
                    pass  # whose it is shows when each goes alone
                else:
                    for call in calls:
                        _settle(call, None)
                    return
            for call in calls:
                try:
                    await self._store_alone(call.messages)
                except (QueueError, Refused) as exc:
                    _settle(call, exc.told(self._doing) if isinstance(exc, Refused) else exc)
                else:
                    _settle(call, None)
        except Exception as exc:  # noqa: BLE001 -- told to every caller
            told = exc if isinstance(exc, QueueError) else QueueError(f"{self._doing}: {exc!r}")
            for call in calls:
                _settle(call, told)
        except BaseException:  # the thread is ending
            for call in calls:
                call.done.cancel()
            raise

    async def _store_alone(self, messages: Sequence[Outgoing]) -> None:
        try:
            await self._store(messages)
        except Refused as exc:
            if fault_of(exc) != DUPLICATE:
                raise
            await self._singly(messages)

    async def _store(self, messages: Sequence[Outgoing]) -> None:
        unique = list({message.id: message for message in reversed(messages)}.values())
        unique.reverse()
        with self._connection.waits.publish():
            await self._connection.patiently(lambda: self._batch(unique))

    async def _batch(self, messages: Sequence[Outgoing]) -> None:
        """Send a batch, wait for its commit only: a refusal of its first message ends it as well."""
        if len(messages) == 1:
            await self._one(messages[0])
            return
        batch, last = uuid.uuid4().hex, len(messages)
        first_reply, refused = self._connection.expect()
        reply, committed = self._connection.expect()
        try:
            for number, message in enumerate(messages, 1):
                headers = {**message.headers, "Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(number)}
                if number == last:
                    headers["Nats-Batch-Commit"] = "1"
                await self._connection.send(
                    message.subject,
                    message.body,
                    reply=first_reply if number == 1 else reply if number == last else "",
                    headers=headers,
                )
            begun = await answer_of(refused)
            if begun:  # accepted, it is empty
                decode(begun, Published, doing=self._doing)
            decode(await answer_of(committed), Published, doing=self._doing)
        finally:
            _let_go(refused, committed)

    async def _one(self, message: Outgoing) -> bool:
        """Send one message and say whether it had been stored before."""
        answer = await self._connection.ask(message.subject, message.body, headers=message.headers)
        return decode(answer, Published, doing=self._doing).duplicate

    async def _singly(self, messages: Sequence[Outgoing]) -> None:
        """Send each message on its own, all at once; those that had been stored before change nothing."""

        async def all_once() -> list[bool | Refused]:
            expected = [self._connection.expect() for _ in messages]
            try:
                for (reply, _), message in zip(expected, messages, strict=True):
                    await self._connection.send(
                        message.subject, message.body, reply=reply, headers=message.headers
                    )
                return [self._stored_before(await answer_of(future)) for _, future in expected]
            finally:
                _let_go(*(future for _, future in expected))

        endings = await self._connection.patiently(all_once)
        refused = [ending for ending in endings if isinstance(ending, Refused)]
        if refused:
            told = refused[0].told(self._doing)
            if False in endings:
                raise QueueError(f"{told}; a part of what was given was kept") from refused[0]
            raise told from refused[0]

    def _stored_before(self, answer: bytes) -> bool | Refused:
        try:
            return decode(answer, Published, doing=self._doing).duplicate
        except Refused as exc:
            if exc.passing:
                raise
            return exc


def _parts(messages: Sequence[Outgoing]) -> list[Sequence[Outgoing]]:
    parts: list[list[Outgoing]] = []
    size = 0
    for message in messages:
        if not parts or len(parts[-1]) == BATCH or size + len(message.body) > BATCH_BYTES:
            parts.append([])
            size = 0
        parts[-1].append(message)
        size += len(message.body)
    return list(parts)


def _settle(call: _Call, exc: Exception | None) -> None:
    if call.done.done():
        return
    if exc is None:
        call.done.set_result(None)
    else:
        call.done.set_exception(exc)


def _let_go(*futures: asyncio.Future[Any]) -> None:
    """Expect no answers any more; one that failed meanwhile has been told of already."""
    for future in futures:
        if future.done() and not future.cancelled():
            future.exception()
        else:
            future.cancel()
