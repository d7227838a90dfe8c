"""The streams of an installation: made where they are missing, changed where the options have changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isthmus.errors import EngineError, QueueError

from . import _layout
from ._address import Address
from ._answers import NO_STREAM, Done, Refused, StreamConfig, StreamInfo, fault_of
from ._connection import Connection
from ._subjects import Names

__all__ = ["installed", "set_up"]


async def set_up(connection: Connection, address: Address) -> None:
    """Make or change the streams.

    Raises:
        EngineError: they were made for another number of shards.
        QueueError: the cluster can't make them.
    """
    configs = [_layout.deliveries(address, shard) for shard in range(address.shards)]
    for config in [*configs, _layout.letters(address), _layout.marks(address)]:
        await _make(connection, address, config)


async def _make(connection: Connection, address: Address, config: Mapping[str, Any]) -> None:
    name = config["name"]
    there = await _find(connection, name)
    try:
        if there is None:
            await connection.api(f"STREAM.CREATE.{name}", Done, config)
            return
        shards = there.metadata.get("isthmus.shards")
        if "metadata" in config and shards != str(address.shards):
            raise EngineError(
                f"the streams of the prefix {address.prefix!r} were made for {shards or 'no'} shards, which says what "
                f"is in which; open them with shards={shards or 1}, or use another prefix"
            )
        # A queue may have asked for a longer memory than there was at first.
        window = max(config.get("duplicate_window", 0), there.duplicate_window)
        wanted = dict(config) | ({"duplicate_window": window} if "duplicate_window" in config else {})
        if _differs(there, wanted):
            await connection.api(f"STREAM.UPDATE.{name}", Done, wanted)
    except Refused as exc:
        if exc.fault.err_code in {10005, 10074}:
            raise QueueError(
                f"the cluster can't keep {address.replicas} copies of {name}: {exc}; start more servers, or, for a trial "
                f"that may lose everything, say replicas=1&unsafe=1"
            ) from exc
        raise


def _differs(there: StreamConfig, wanted: Mapping[str, Any]) -> bool:
    return bool(
        there.num_replicas != wanted["num_replicas"]
        or there.max_bytes != wanted.get("max_bytes", -1)
        or there.max_age != wanted.get("max_age", 0)
        or there.duplicate_window < wanted.get("duplicate_window", 0)
    )


async def _find(connection: Connection, name: str) -> StreamConfig | None:
    try:
        return (await connection.api(f"STREAM.INFO.{name}", StreamInfo)).config
    except Refused as exc:
        if fault_of(exc) == NO_STREAM:
            return None
        raise


async def installed(connection: Connection, address: Address) -> dict[str, int]:
    """The streams there are, each with the number of its copies."""
    names = Names(address.prefix)
    streams = {}
    for name in [*(names.stream(shard) for shard in range(address.shards)), names.letters, names.marks]:
        config = await _find(connection, name)
        if config is not None:
            streams[name] = config.num_replicas
    return streams
