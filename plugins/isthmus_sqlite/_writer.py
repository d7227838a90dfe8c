"""The one thread that has the file: takes what all tasks ask for meanwhile as one transaction.

While it waits for the disk, the next jobs gather; so the more tasks there are, the more of them share an fsync.  The Trio
thread is told once a burst.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, final

import trio

from isthmus import QueueError

from ._jobs import Job, Leasing, Settling, Work
from ._store import Store

__all__ = ["Writer"]

_MOST: Final = 4096
"""Jobs in one transaction."""


@final
class Writer:
    """Runs jobs in its thread.

    Args:
        open_store: opens the file, in the thread.
        close_store: closes it, in the thread.
        on_done: told of each job that is done, in the Trio thread and in the order of the file.
    """

    def __init__(
        self, open_store: Callable[[], Store], close_store: Callable[[], None], on_done: Callable[[Job], None]
    ) -> None:
        self._open_store = open_store
        self._close_store = close_store
        self._on_done = on_done
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._closed = False
        self._token = trio.lowlevel.current_trio_token()
        self._ended = trio.Event()
        self._failure: BaseException | None = None

    async def open(self) -> Store:
        """Start the thread and wait for the file."""
        opened: list[Store] = []
        ready = trio.Event()

        def run() -> None:
            try:
                try:
                    opened.append(self._open_store())
                    self._tell(ready.set)
                    self._serve(opened[0])
                finally:
                    self._close_store()
            except BaseException as exc:  # noqa: BLE001 -- raised by whoever waits
                self._failure = exc
            finally:
                self._tell(self._end)
                self._tell(ready.set)

        threading.Thread(target=run, name="isthmus_sqlite", daemon=True).start()
        with trio.CancelScope(shield=True):
            await ready.wait()
        if not opened:
            await self._ended.wait()
            raise self._failure or QueueError("the queue's thread has ended")
        return opened[0]

    async def aclose(self) -> None:
        """Let the thread finish what it was asked for, and wait for its end."""
        self._closed = True
        self._jobs.put(None)
        with trio.CancelScope(shield=True):
            await self._ended.wait()
        if self._failure is not None:
            raise self._failure

    async def run(self, work: Work) -> Any:
        """Have work done; cancelled, it may have been done or not.

        Raises:
            QueueError: it can't be done, or the queue is closed.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        job = Job(work, trio.lowlevel.current_task())
        self._put(job)

        def abort(_: object) -> trio.lowlevel.Abort:
            job.given_up = True
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)
        if job.error is not None:
            raise job.error
        return job.answer

    def _put(self, job: Job) -> None:
        if self._closed or self._ended.is_set():
            raise QueueError("the queue has been closed")
        self._jobs.put(job)

    def _serve(self, store: Store) -> None:
        while (first := self._next(store)) is not None:
            burst = [first]
            last = False
            while len(burst) < _MOST:
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if job is None:
                    last = True
                    break
                burst.append(job)
            store.run(burst)
            self._tell(lambda burst=burst: self._done(burst))  # type: ignore[misc]
            if last:
                return

    def _next(self, store: Store) -> Job | None:
        while True:
            try:
                return self._jobs.get_nowait()
            except queue.Empty:
                if not store.compact():
                    return self._jobs.get()

    def _tell(self, what: Callable[[], object]) -> None:
        with suppress(trio.RunFinishedError):
            self._token.run_sync_soon(what)

    def _done(self, burst: list[Job]) -> None:
        for job in burst:
            self._on_done(job)
            if job.task is None:
                continue
            if not job.given_up:
                trio.lowlevel.reschedule(job.task)
            elif isinstance(job.work, Leasing) and job.error is None and job.answer[0] and not self._closed:
                # Claims that nobody got: as if they had never been made, rather than after a lease.
                self._jobs.put(Job(Settling("release", job.answer[0])))

    def _end(self) -> None:
        self._closed = True
        self._ended.set()
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return
            if job is not None and job.task is not None and not job.given_up:
                job.error = QueueError("the queue's writer has ended")
                trio.lowlevel.reschedule(job.task)
