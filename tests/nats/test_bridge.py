"""The thread of the client as Trio sees it: cancellation both ways, errors, its end."""

from __future__ import annotations

import asyncio
import os
import threading

import pytest
import trio
import trio.lowlevel

from isthmus import QueueError
from isthmus_nats._bridge import Bridge


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "isthmus-nats"]


async def test_results_and_errors_come_over_and_the_thread_ends() -> None:
    async def answer(question: int) -> int:
        await asyncio.sleep(0)
        if question < 0:
            raise LookupError(question)
        return question + threading.get_ident() * 0

    async with Bridge() as bridge:
        assert threads() == ["isthmus-nats"]
        assert await bridge.run(answer, 1) == 1
        with pytest.raises(LookupError):
            await bridge.run(answer, -1)
    assert threads() == []
    with pytest.raises(QueueError, match="the queue is closed"):
        await bridge.run(answer, 1)


async def test_a_group_of_one_error_is_that_error() -> None:
    async def fail() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(never())

    async def never() -> None:
        raise LookupError

    async with Bridge() as bridge:
        with pytest.raises(LookupError):
            await bridge.run(fail)


async def test_cancelling_the_caller_cancels_the_coroutine_and_waits_until_it_has_tidied_up() -> None:
    told: list[str] = []

    async def work() -> None:
        told.append("begun")
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            told.append("tidied")

    async with Bridge() as bridge:
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(bridge.run, work)
                while not told:
                    await trio.lowlevel.checkpoint()
                scope.cancel()
        assert scope.cancelled_caught
        assert told == ["begun", "tidied"]


async def test_what_was_done_before_the_cancellation_arrived_is_not_lost() -> None:
    results: list[int] = []
    begun = threading.Event()

    async def stubborn() -> int:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return 7
        raise AssertionError

    async with Bridge() as bridge:
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:

                async def call() -> None:
                    results.append(await bridge.run(stubborn))

                nursery.start_soon(call)
                while not begun.is_set():
                    await trio.lowlevel.checkpoint()
                scope.cancel()
    assert results == [7]


async def test_a_call_is_cancelled_before_it_begins() -> None:
    begun = []

    async def work() -> None:
        begun.append(1)

    async with Bridge() as bridge:
        with trio.CancelScope() as scope:
            scope.cancel()
            await bridge.run(work)
        assert begun == []


async def test_closing_ends_what_still_runs() -> None:
    async with trio.open_nursery() as nursery:
        begun, ended = threading.Event(), []

        async def forever() -> None:
            begun.set()
            await asyncio.Event().wait()

        async def call(bridge: Bridge) -> None:
            with pytest.raises(QueueError, match="closed meanwhile"):
                await bridge.run(forever)
            ended.append(1)

        async with Bridge() as bridge:
            nursery.start_soon(call, bridge)
            while not begun.is_set():
                await trio.lowlevel.checkpoint()
    assert ended == [1]
    assert threads() == []


async def test_a_forked_process_is_told_that_the_queue_is_its_parent_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def work() -> None:
        raise AssertionError

    async with Bridge() as bridge:
        real = os.getpid()
        monkeypatch.setattr(os, "getpid", lambda: real + 1)
        with pytest.raises(QueueError, match="opened before a fork"):
            await bridge.run(work)
        monkeypatch.undo()
