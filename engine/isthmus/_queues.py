"""Finds the queue that a URL names among what plugins offer, and opens it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import final
from urllib.parse import parse_qsl, urlsplit

from ._discovery import Discovery, Found, PluginInfo, said
from .errors import EngineError, PluginError
from .queues import OpenQueue, Queue

__all__ = ["OfferedQueues", "open_queue"]


@final
class OfferedQueues:
    """What the plugins of this process offer through ``isthmus_queues``, asked once.

    Args:
        plugins: beside the installed ones.
        load_entry_points: take the installed ones.
        logged: errors go to the log, beside ``infos``.

    Raises:
        PluginError: what was handed in is no plugin.
    """

    def __init__(
        self, plugins: Sequence[object], *, load_entry_points: bool = True, logged: bool = True
    ) -> None:
        self._discovery = Discovery(plugins, load_entry_points=load_entry_points, logged=logged)
        self._offers: dict[str, list[tuple[Found, OpenQueue]]] = {}
        for found, function in self._discovery.implementations("isthmus_queues"):
            try:
                offered = dict(function())
            except Exception as exc:  # noqa: BLE001 -- reported
                found.leave_out(f"isthmus_queues failed: {said(exc)}")
                continue
            for scheme, opener in offered.items():
                self._offers.setdefault(scheme, []).append((found, opener))
                found.offers.append(f"queue {scheme}")

    @property
    def infos(self) -> tuple[PluginInfo, ...]:
        """Each plugin, as far as its queues go."""
        return self._discovery.infos

    def find(self, scheme: str) -> OpenQueue:
        """What opens the queues of a scheme.

        Raises:
            PluginError: no plugin offers it, or two do.
        """
        offers = self._offers.get(scheme, [])
        if len(offers) > 1:
            names = " and ".join(sorted(repr(found.name) for found, _ in offers))
            raise PluginError(f"the plugins {names} both offer queues for {scheme}:; remove one")
        if not offers:
            known = ", ".join(f"{scheme}:" for scheme in sorted(self._offers)) or "none"
            raise PluginError(f"no plugin offers queues for {scheme}:; there are those for {known}")
        return offers[0][1]


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
    opener = OfferedQueues(plugins, load_entry_points=load_entry_points).find(scheme)
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
