"""Deliveries kept by a cluster of NATS JetStream servers, for any number of machines.

Importing this package imports no NATS client: a process that opens no such queue does not pay for one.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from isthmus.hookspecs import hookimpl

if TYPE_CHECKING:
    from isthmus.queues import OpenQueue, Queue

__all__ = ["isthmus_queues", "open_nats_queue"]


@hookimpl
def isthmus_queues() -> Mapping[str, OpenQueue]:
    """Offer queues for ``nats:``."""
    return {"nats": open_nats_queue}


def open_nats_queue(url: str, options: Mapping[str, str]) -> AbstractAsyncContextManager[Queue]:
    """Open the queues of a cluster; see plugins/README.md for the options.

    Args:
        url: ``nats://host:port,host:port``, without its query.
        options: the query's names and values.

    Raises:
        EngineError: the URL or an option is none.
        QueueError: no server answers, or the cluster is not safe.
    """
    try:
        from ._queue import open_queue
    except ModuleNotFoundError as exc:
        from isthmus.errors import PluginError

        if exc.name != "nats":
            raise
        raise PluginError("queues for nats: need the package nats-py: pip install 'isthmus[nats]'") from exc
    return open_queue(url, options)
