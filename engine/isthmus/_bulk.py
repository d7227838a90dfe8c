"""Many events at once: handed to the program in chunks, no task and no cancel scope for each.

A reader takes events and puts those that have a handler in a queue of one chunk; a dispatcher
starts a chunk of what is there as soon as there are free slots.  A slot is held from the start of
a call to its reply, so a slow call holds back nothing but itself.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterable, Callable, Iterable
from typing import final

import trio

from ._host import InvocationHost
from ._instances import Binding
from ._intake import prepare
from ._invocation import TakeTape, Taping, conclude, failed, note_faults, report, unrun
from ._rules.dispatch import Chosen
from ._slots import Slots
from .abc import Call, Host, Program, Reply
from .errors import EngineClosed, InvalidInput, RuntimeFault
from .events import Event, Request
from .functions import Kind
from .outcomes import Outcome

__all__ = ["CHUNK", "Bulk", "Deliver"]

logger = logging.getLogger("isthmus")

CHUNK = 64
"""Calls handed to a program together: enough that a task costs nothing by the call, and few
enough that a slot freed is soon taken again."""

SPAN = 8 * CHUNK
"""Events that are read without a checkpoint where their calls don't fill a chunk; not fewer, for a checkpoint cuts one."""

Deliver = Callable[[int, Outcome | InvalidInput], None]

_Waiting = tuple[int, str, bytes, bytes]  # index, handler, argument, body of a webhook


@final
class Bulk:
    """One run over many events.

    Args:
        binding: the instance.
        deliver: told of each event's outcome, by the index at which it came.
        concurrency: calls under way at the same time.
        wall_clock: seconds since the epoch.
        entropy: bytes for the calls' seeds.
        refresh: has settings that are old asked for again.
        taking: makes what records each of the calls; or None.
        stop: once it is set, no more calls begin; or None.
    """

    def __init__(
        self,
        binding: Binding,
        deliver: Deliver,
        *,
        concurrency: int,
        wall_clock: Callable[[], float],
        entropy: Callable[[int], bytes],
        refresh: Callable[[Binding], None],
        taking: Callable[[Binding], TakeTape] | None = None,
        stop: trio.Event | None = None,
    ) -> None:
        self._refresh = refresh
        self._taking = taking
        self._stop_asked = stop
        self._binding = binding
        self._deliver = deliver
        self._wall_clock = wall_clock
        self._entropy = entropy
        self._free = concurrency
        self._now = (
            trio.lowlevel.current_clock().current_time
        )  # as trio.current_time, at a fifth of its price
        self._waiting: list[_Waiting] = []
        self._ended = False  # there are no more events
        self._halted = False  # those that wait are not to begin
        self._error: BaseException | None = None
        self._reading = trio.CancelScope()
        self._calling = trio.CancelScope()
        self._heeding = trio.CancelScope()
        self._wanted = trio.Event()  # something changed that the dispatcher may wait for
        self._room = trio.Event()  # the dispatcher took something

    async def run(self, events: Iterable[Event | Request] | AsyncIterable[Event | Request]) -> None:
        """Take events until there are no more, or it is stopped, and wait for the last outcome.

        Raises:
            BaseException: what ``events`` or ``deliver`` raised; after an error of ``events``
                the calls under way end in peace, after one of ``deliver`` they are cancelled.
            EngineClosed: the instance was closed before the events were at an end.
        """
        with self._calling:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._dispatch, nursery)
                if self._stop_asked is not None:
                    nursery.start_soon(self._heed, self._stop_asked)
                with self._reading:
                    try:
                        await self._read(events)
                    except Exception as exc:  # noqa: BLE001 -- raised again below
                        self._stop(exc)
                self._ended = True
                self._wanted.set()
        if self._error is not None:
            raise self._error

    def _stop(self, error: BaseException) -> None:
        """Take no more events and start no more calls."""
        if self._error is None:
            self._error = error
        self._waiting.clear()
        self._reading.cancel()
        self._wanted.set()

    # ------------------------------------------------------------ reading

    async def _read(self, events: Iterable[Event | Request] | AsyncIterable[Event | Request]) -> None:
        index = 0
        if isinstance(events, AsyncIterable):
            async for event in events:
                self._take(index, event)
                index += 1
                if len(self._waiting) >= CHUNK or not index % SPAN:
                    await self._make_room()
        else:
            for event in events:
                self._take(index, event)
                index += 1
                if len(self._waiting) >= CHUNK or not index % SPAN:
                    await self._make_room()

    def _take(self, index: int, event: Event | Request) -> None:
        if self._binding.successor is not None:
            self._renew()
        binding = self._binding
        if binding.closed:
            raise EngineClosed(f"instance {binding.name!r} was closed before all events had been taken")
        try:
            choice, text = prepare(binding, event)
        except InvalidInput as exc:
            self._settle(index, exc)
            return
        if type(choice) is Chosen:
            body = event.body if type(event) is Request else b""
            self._waiting.append((index, choice.handler, text, body))
            if len(self._waiting) == 1:
                self._wanted.set()
        else:
            binding.tally.pass_over()
            self._settle(index, unrun(binding, choice, text))

    def _renew(self) -> None:
        """The instance has been replaced: what waits is for its new code, whose handlers may be others."""
        binding = self._binding = self._binding.latest()
        waiting, self._waiting = self._waiting, []
        for entry in waiting:
            if binding.kind is not Kind.SOURCE:
                self._take(entry[0], entry[2])
            elif type(choice := binding.choices[None]) is Chosen:
                self._waiting.append(entry)
            else:
                self._settle(entry[0], unrun(binding, choice, entry[2]))

    async def _make_room(self) -> None:
        await trio.lowlevel.checkpoint()
        while len(self._waiting) >= CHUNK:
            self._room = trio.Event()
            await self._room.wait()

    # ------------------------------------------------------------ calling

    async def _dispatch(self, nursery: trio.Nursery) -> None:
        while not (self._halted or (self._ended and not self._waiting)):
            if self._binding.successor is not None:
                self._renew()
            count = min(len(self._waiting), self._free, CHUNK)
            if count and (slots := self._binding.terms.slots) is not None:
                count = await self._slots_for(slots, count)
                if not count:
                    continue  # meanwhile much may have changed
            if count:
                chunk = self._waiting[:count]
                del self._waiting[:count]
                self._free -= count
                self._room.set()
                self._binding.busy += 1  # now, that a program which is replaced in this moment stays for it
                nursery.start_soon(self._run, chunk, self._binding)
            else:
                self._wanted = trio.Event()
                await self._wanted.wait()
        self._heeding.cancel()

    async def _slots_for(self, slots: Slots, count: int) -> int:
        """Take slots for calls that wait, and say for how many; they may be fewer by then."""
        taken = await slots.take(count)
        if self._binding.successor is not None:
            self._renew()
        count = 0 if self._halted else min(taken, len(self._waiting))
        if taken > count:
            slots.give(taken - count)
        return count

    async def _heed(self, stop: trio.Event) -> None:
        with self._heeding:
            await stop.wait()
            self._halted = True
            self._reading.cancel()
            self._wanted.set()

    async def _run(self, chunk: list[_Waiting], binding: Binding) -> None:
        try:
            if binding.closed:
                self._give_slots(binding, len(chunk))
                self._stop(
                    EngineClosed(f"instance {binding.name!r} was closed before all events had been taken")
                )
            else:
                await self._call(chunk, binding)
        finally:
            binding.leave()

    @staticmethod
    def _give_slots(binding: Binding, count: int) -> None:
        if binding.terms.slots is not None:
            binding.terms.slots.give(count)

    async def _call(self, chunk: list[_Waiting], binding: Binding) -> None:
        shared = binding.shared
        now = self._now
        begun = now()
        door, settings, key = binding.door, binding.settings, binding.key
        hosts = [InvocationHost(door) for _ in chunk]
        pending = [True] * len(chunk)
        tally = binding.tally
        numbers = [tally.begin(handler) for _, handler, _, _ in chunk]
        tapings: list[Taping] = []

        def settle(position: int, outcome: Outcome) -> None:
            pending[position] = False
            self._free += 1
            self._give_slots(binding, 1)
            self._wanted.set()
            hosts[position].close()
            if tapings:
                outcome = tapings[position].finish(outcome)
            tally.end(numbers[position], outcome.handler, outcome)
            self._settle(chunk[position][0], outcome)

        def settle_failed(exc: Exception) -> None:
            report(binding, exc)
            for position, (_, handler, _, _) in enumerate(chunk):
                if pending[position]:
                    settle(position, failed(binding, handler, hosts[position], exc, begun))

        try:
            loaded = shared.current or await shared.load()
        except Exception as exc:  # noqa: BLE001 -- it is in the outcomes
            settle_failed(exc)
            return

        def deliver(position: int, reply: Reply) -> None:
            if not pending[position]:
                logger.error("function %r: a call was answered twice", binding.function.name)
                return
            _, handler, _, body = chunk[position]
            host = hosts[position]
            try:
                outcome = conclude(binding, handler, host, reply, begun, None, body, now(), wall)
            except Exception as exc:  # noqa: BLE001 -- the runtime's fault, and in the outcome
                shared.discard(loaded)
                report(binding, exc)
                outcome = failed(binding, handler, host, exc, begun)
            settle(position, outcome)

        if binding.due is not None:
            self._refresh(binding)
        wall = self._wall_clock()
        seeds = self._entropy(32 * len(chunk))
        calls: list[tuple[Call, Host]] = [
            (Call(handler, text, settings, key, wall, seeds[32 * place : 32 * place + 32]), hosts[place])
            for place, (_, handler, text, _) in enumerate(chunk)
        ]
        loaded.calls += 1
        try:
            if self._taking is None:
                await loaded.program.run_many(calls, deliver)
            else:
                taking = self._taking(binding)
                tapings += [
                    taking(call, None, body) for (call, _), (_, _, _, body) in zip(calls, chunk, strict=True)
                ]
                taped = [
                    (call, taping.over(host))
                    for (call, _), host, taping in zip(calls, hosts, tapings, strict=True)
                ]
                await Program.run_many(loaded.program, taped, deliver)  # each by itself
            if any(pending):
                raise RuntimeFault(f"{sum(pending)} of {len(chunk)} calls were left without a reply")
        except Exception as exc:  # noqa: BLE001 -- the runtime's fault, and in the outcomes
            shared.discard(loaded)
            settle_failed(exc)
        except BaseExceptionGroup as group:
            note_faults(binding, loaded, group)
            raise
        finally:
            for position, host in enumerate(hosts):
                if pending[position]:
                    self._give_slots(binding, 1)
                    host.close()
                    tally.end(numbers[position], chunk[position][1], None)
            await shared.leave(loaded)

    def _settle(self, index: int, outcome: Outcome | InvalidInput) -> None:
        if self._error is not None and self._calling.cancel_called:
            return
        try:
            self._deliver(index, outcome)
        except BaseException as exc:  # noqa: BLE001 -- raised again by run; the program that calls us is not to see it
            self._stop(exc)
            self._calling.cancel()
