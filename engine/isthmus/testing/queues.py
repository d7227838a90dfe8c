"""Conformance of queues: each promise of :mod:`isthmus.queues` as a check, for whoever writes one.

``await check_queue(open_queue)`` runs them all; ``QUEUE_CHECKS`` has them one by one, by name, for a parametrised test::

    @pytest.mark.parametrize("name", QUEUE_CHECKS)
    async def test_the_queue_keeps_its_promises(name: str) -> None:
        await QUEUE_CHECKS[name](QueueSubject(open_queue))
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from isthmus.queues import Queue

from . import _queue_entrance as _queue_entrance, _queue_fates as _queue_fates
from ._queue_subject import (
    QUEUE_CHECKS as QUEUE_CHECKS,
    QueueCheck as QueueCheck,
    QueueSubject as QueueSubject,
)

__all__ = ["QUEUE_CHECKS", "QueueCheck", "QueueSubject", "check_queue"]


async def check_queue(queue: Callable[[], AbstractAsyncContextManager[Queue]] | QueueSubject) -> None:
    """Hold a queue to every promise; half a minute where its time is the real one.

    Args:
        queue: what opens the storage, and called again the same one with what is in it; or that with what is special about
            it.

    Raises:
        AssertionError: one is not kept; the traceback's function says which.
    """
    subject = queue if isinstance(queue, QueueSubject) else QueueSubject(queue)
    for check in QUEUE_CHECKS.values():
        await check(subject)
