"""Events that come one by one, gathered into batches as Segment does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import final

import trio

from ._instances import Binding
from ._intake import batch_text, event_text, prepare
from ._invocation import unrun
from ._rules.batching import DEFAULT_BYTES, Batch, Batcher
from ._rules.dispatch import Chosen, choose_batch
from ._rules.endings import INSERTS
from .errors import EngineClosed, EngineError, InvalidInput
from .events import Event
from .functions import Kind
from .outcomes import ItemResult, Outcome

__all__ = ["DeliverItem", "EventBatcher", "Invoke"]

DeliverItem = Callable[[int, ItemResult, Outcome], None]

Invoke = Callable[[str, bytes, list[bytes] | None], Awaitable[Outcome]]
"""Runs a handler on a text; the texts of the events where it is a batch."""

_Item = tuple[int, bytes]


@final
class EventBatcher:
    """Takes events for one instance; made by :meth:`Engine.open_batcher`."""

    def __init__(
        self,
        binding: Binding,
        invoke: Invoke,
        deliver: DeliverItem,
        *,
        max_count: int,
        max_wait: float,
        concurrency: int,
    ) -> None:
        if binding.kind is Kind.SOURCE:
            raise InvalidInput("a source function takes requests, one at a time, and no batch of events")
        if concurrency < 1:
            raise EngineError(f"a batcher has 1 call or more under way, not concurrency={concurrency!r}")
        self._binding = binding
        self._invoke = invoke
        self._deliver = deliver
        self._free = concurrency
        self._whole = choose_batch(binding.kind, binding.handlers)
        # One less than may be handed in: for the bracket that no comma replaces.
        most = max(1, min(DEFAULT_BYTES, binding.limits.input_bytes - 1))
        self._batcher: Batcher[_Item] = Batcher(max_count, max_wait, max_bytes=most)
        self._nursery: trio.Nursery
        self._keeping = trio.CancelScope()
        self._taken = 0
        self._begun = trio.Event()  # something waits in the batcher
        self._freed = trio.Event()
        self._error: BaseException | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[EventBatcher]:
        """For the engine: take events within, run what waits on the way out."""
        error: Exception | None = None
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            if isinstance(self._whole, Chosen):
                nursery.start_soon(self._keep_time)
            # Kept out of the nursery, which would hand it on in an exception group.
            try:
                yield self
            except Exception as exc:  # noqa: BLE001 -- raised again below
                error = exc
                nursery.cancel_scope.cancel()
            else:
                self._keeping.cancel()
                for batch in self._batcher.flush():
                    self._start(batch)
        if (raised := error or self._error) is not None:
            raise raised

    async def add(self, event: Event) -> int:
        """Take an event, after waiting while too many calls are under way.

        Returns:
            its index, counted from 0, under which its result is delivered.

        Raises:
            InvalidInput: it is not one, or too large; no index is used up.
            EngineClosed: the instance, or the engine, has been closed.
        """
        await trio.lowlevel.checkpoint()
        while self._free <= 0:
            self._freed = trio.Event()
            await self._freed.wait()
        binding = self._binding = self._binding.latest()
        if binding.closed:
            raise EngineClosed(f"instance {binding.name!r} has been closed")
        if isinstance(self._whole, Chosen):
            text = event_text(binding, event)
            batch_text(binding, [text])  # that it fits alone
            index = self._next()
            empty = not len(self._batcher)
            # The comma or the bracket beside it is counted with each event.
            for batch in self._batcher.add((index, text), len(text) + 1, trio.current_time()):
                self._start(batch)
            if empty:
                self._begun.set()
            return index
        choice, text = prepare(binding, event)
        index = self._next()
        if isinstance(choice, Chosen):
            self._free -= 1
            self._nursery.start_soon(self._run_single, index, choice.handler, text)
        else:
            self._settle_single(index, unrun(binding, choice, text))
        return index

    def _next(self) -> int:
        index = self._taken
        self._taken += 1
        return index

    # ------------------------------------------------------------ batches

    async def _keep_time(self) -> None:
        """Start the batches that are due; what is full has been started by `add`."""
        with self._keeping:
            while True:
                due = self._batcher.next_due()
                if due is None:
                    self._begun = trio.Event()
                    await self._begun.wait()
                else:
                    await trio.sleep_until(due)
                    for batch in self._batcher.due(trio.current_time()):
                        self._start(batch)

    def _start(self, batch: Batch[_Item]) -> None:
        self._free -= 1
        self._nursery.start_soon(self._run_batch, batch)

    async def _run_batch(self, batch: Batch[_Item]) -> None:
        texts = [text for _, text in batch.items]
        outcome = await self._outcome(self._whole.handler, batch_text(self._binding, texts), texts)
        if outcome is not None:
            for (index, _), result in zip(batch.items, outcome.items, strict=True):
                self._settle(index, result, outcome)

    async def _run_single(self, index: int, handler: str, text: bytes) -> None:
        outcome = await self._outcome(handler, text, None)
        if outcome is not None:
            self._settle_single(index, outcome)

    async def _outcome(self, handler: str, text: bytes, texts: list[bytes] | None) -> Outcome | None:
        try:
            return await self._invoke(handler, text, texts)
        except EngineClosed as exc:
            self._stop(exc)
            return None
        finally:
            self._free += 1
            self._freed.set()

    # ------------------------------------------------------------ results

    def _settle_single(self, index: int, outcome: Outcome) -> None:
        goes_on = outcome.value if self._binding.kind in INSERTS else None
        result = ItemResult(status=outcome.status, problem=outcome.problem, event=goes_on)
        self._settle(index, result, outcome)

    def _settle(self, index: int, result: ItemResult, outcome: Outcome) -> None:
        if self._error is not None:
            return
        try:
            self._deliver(index, result, outcome)
        except BaseException as exc:  # noqa: BLE001 -- raised again where the batcher is left
            self._stop(exc)

    def _stop(self, error: BaseException) -> None:
        if self._error is None:
            self._error = error
        self._nursery.cancel_scope.cancel()


EventBatcher.__module__ = "isthmus"
