"""Parts carried by a cluster: one task a part, so many at a time; paths are sent there, and counts come back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec
import trio

from ._messages import Failed, Finished, Setup, Unready
from ._todo import Todo

__all__ = ["Cluster", "carry_there"]

GLANCE: Final = 0.2
"""Seconds for which it is waited for tasks, before it is seen whether somebody wants it to end."""


class Cluster(Protocol):
    """What runs tasks elsewhere; its methods block, and are called by one thread at a time.

    Attributes:
        slots: tasks that run at one time.
    """

    slots: int

    def submit(self, setup: bytes, work: bytes) -> Any:
        """Begin :func:`._resident.carry` somewhere, and again elsewhere where its process dies; give a handle."""

    def wait(self, handles: list[Any], seconds: float) -> list[Any]:
        """Wait for one of them to end, and give those that have."""

    def result(self, handle: Any) -> bytes:
        """What a task that has ended gave.

        Raises:
            Exception: what it raised, or that its processes died.
        """

    def close(self) -> None:
        """Stop what is running, and leave."""


async def carry_there(
    open_cluster: Callable[[str, int], Cluster],
    address: str,
    setup: Setup,
    todo: Todo,
    count: int,
    tell: Callable[[Finished | Failed, object], None],
) -> None:
    """Let a cluster carry parts until there are no more.

    Args:
        open_cluster: takes the address, and the number of processes where it is to start them; 0 for the default.
        address: of the cluster, "" for one on this machine.
        setup: where they go.
        todo: the parts.
        count: of tasks at one time, 0 for as many as the cluster has processors.
        tell: told of what happens.

    Raises:
        UsageFault: the cluster is not there, or the destination can't be loaded there.
    """
    cluster = await trio.to_thread.run_sync(open_cluster, address, count)
    try:
        # One task is one engine at the most, so that together they keep to the destination's rate.
        slots = max(1, min(count or cluster.slots, cluster.slots, len(todo)))
        packed = msgspec.msgpack.encode(msgspec.structs.replace(setup, sharing=slots))
        under_way: dict[Any, tuple[int, int]] = {}
        while True:
            while len(under_way) < slots and (work := todo.take_nowait()) is not None:
                handle = await trio.to_thread.run_sync(cluster.submit, packed, msgspec.msgpack.encode(work))
                under_way[handle] = work.place
            if not under_way:
                return
            for handle in await trio.to_thread.run_sync(cluster.wait, list(under_way), GLANCE):
                place = under_way.pop(handle)
                try:
                    answer = await trio.to_thread.run_sync(cluster.result, handle)
                    said = msgspec.msgpack.decode(answer, type=Finished | Failed | Unready)
                except Exception as exc:  # noqa: BLE001 -- the cluster's own, of many types
                    said = Failed(place, f"its task failed: {type(exc).__name__}: {str(exc)[:500]}")
                if isinstance(said, Unready):
                    raise said.error
                todo.done(place)
                tell(said, None)
    finally:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(cluster.close)
