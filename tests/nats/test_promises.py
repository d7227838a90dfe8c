"""The distributed queue keeps every promise of queues; time is the real one, so that the checks go on side by side."""

from __future__ import annotations

import traceback

import trio

from isthmus.testing import QUEUE_CHECKS, QueueSubject

from .conftest import open_
from .servers import Cluster


async def test_it_keeps_its_promises(cluster: Cluster, prefix: str) -> None:
    # A window is the stream's, of two minutes at least; an acknowledgement has no fence on the server's side.
    subject = QueueSubject(lambda: open_(cluster.url(prefix)), lease=3.0, window=None, fenced=False)
    failures: list[str] = []

    async def check(name: str) -> None:
        try:
            await QUEUE_CHECKS[name](subject)
        except Exception:  # noqa: BLE001 -- told together with the others
            failures.append(f"{name}:\n{traceback.format_exc()}")

    async with trio.open_nursery() as nursery:
        for name in QUEUE_CHECKS:
            nursery.start_soon(check, name)
    assert not failures, "\n".join(failures)
