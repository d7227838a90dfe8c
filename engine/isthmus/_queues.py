"""Finds the queue that a URL names among what plugins offer, and opens it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl, urlsplit

from .errors import EngineError
from .offers import Offers
from .queues import OpenQueue, Queue

__all__ = ["offered_queues", "open_queue"]


def offered_queues(
    plugins: Sequence[object], *, load_entry_points: bool = True, logged: bool = True
) -> Offers[OpenQueue]:
    """What the plugins of this process offer through ``isthmus_queues``; see :class:`isthmus.offers.Offers`."""
    return Offers(
        "isthmus_queues",
        lambda offered: dict(offered).items(),
        plugins,
        what="queue",
        phrase="queues for {}:",
        load_entry_points=load_entry_points,
        logged=logged,
    )


@asynccontextmanager
async def open_queue(
    url: str, *, plugins: Sequence[object] = (), load_entry_points: bool = True
) -> AsyncIterator[Queue]:
    """Open the queue that a URL names, and close it on the way out.

    Args:
        url: ``sqlite:PATH`` for the embedded one, or with the scheme of another plugin; its query holds options
            of that storage.
        plugins: modules or objects with hook implementations, beside the installed ones.
        load_entry_points: take the installed ones.

    Raises:
        EngineError: the URL is none, or its options are not the storage's.
        PluginError: no plugin offers queues for its scheme, or two do.
        QueueError: the storage is away, damaged, or not safe.
    """
    address, _, query = url.partition("?")
    scheme = urlsplit(address).scheme
    if not scheme:
        raise EngineError(f"a queue is named by a URL such as sqlite:deliveries.db, not {url!r}")
    opener = offered_queues(plugins, load_entry_points=load_entry_points).find(scheme)
    try:
        options = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError as exc:
        raise EngineError(
            f"the options of a queue are written ?name=value&name=value, not {query!r}"
        ) from exc
    if len(dict(options)) != len(options):
        raise EngineError("the URL of a queue gives an option twice")
    async with opener(address, dict(options)) as queue:
        yield queue
