"""What a queue on NATS tells of itself, for monitoring: its connection, its waits, its streams."""

from __future__ import annotations

from typing import Final, final

from isthmus.queues import Measure

from ._address import Address
from ._answers import Refused, StreamInfo, decode
from ._connection import Away, Connection
from ._subjects import Names

__all__ = ["Measuring"]

_HELP: Final = {
    "nats_connected": "1 while a server is connected.",
    "nats_reconnects_total": "Times a server was connected to again.",
    "nats_messages_in_total": "Messages that came.",
    "nats_messages_out_total": "Messages that went.",
    "nats_publishes_total": "Batches that the cluster has answered.",
    "nats_publish_seconds_total": "Time from sending them to the answers, summed.",
    "nats_fetches_total": "Questions for deliveries.",
    "nats_fetch_seconds_total": "Time that they waited, for deliveries too, summed.",
    "nats_unanswered_seconds_total": "Time in which calls asked again: no answer, or no leader.",
    "nats_expired_leases_total": "Deliveries that came for a second time because a lease had run out.",
    "nats_leader_changes_total": "Times a stream was seen with another leader than before.",
    "nats_stream_bytes": "Bytes in the streams of deliveries.",
    "nats_stream_max_bytes": "Bytes that they may hold; not there where the servers decide.",
}


@final
class Measuring:
    """Measures one queue; within the connection's thread.

    Args:
        connection: to the cluster.
        address: of it.
        names: of the installation.
    """

    def __init__(self, connection: Connection, address: Address, names: Names) -> None:
        self._connection = connection
        self._streams = [names.stream(shard) for shard in range(address.shards)]
        self._leaders: dict[str, str] = {}
        self._changes = 0

    async def measure(self) -> list[Measure]:
        """All numbers; those of the streams are missing while the cluster is away."""
        streams = await self._look()
        connected, reconnects, came, went = self._connection.counts()
        waits = self._connection.waits
        values: dict[str, float] = {
            "nats_connected": float(connected),
            "nats_reconnects_total": reconnects,
            "nats_messages_in_total": came,
            "nats_messages_out_total": went,
            "nats_publishes_total": waits.published,
            "nats_publish_seconds_total": waits.publishing,
            "nats_fetches_total": waits.fetched,
            "nats_fetch_seconds_total": waits.fetching,
            "nats_unanswered_seconds_total": waits.unanswered,
            "nats_expired_leases_total": waits.expired,
            "nats_leader_changes_total": self._changes,
        }
        if streams:
            values["nats_stream_bytes"] = sum(info.state.bytes for info in streams)
            if all(info.config.max_bytes > 0 for info in streams):
                values["nats_stream_max_bytes"] = sum(info.config.max_bytes for info in streams)
        return [
            Measure(
                name=name,
                kind="counter" if name.endswith("_total") else "gauge",
                help=_HELP[name],
                value=value,
            )
            for name, value in values.items()
        ]

    async def _look(self) -> list[StreamInfo]:
        infos: list[StreamInfo] = []
        try:
            for stream in self._streams:
                answer = await self._connection.ask(f"$JS.API.STREAM.INFO.{stream}")
                info = decode(answer, StreamInfo, doing=f"asked for {stream}")
                self._led(stream, info.cluster.leader)
                infos.append(info)
        except (Away, Refused):
            return []  # numbers are wanted all the more
        return infos

    def _led(self, stream: str, leader: str) -> None:
        if leader:
            self._changes += self._leaders.get(stream, leader) != leader
            self._leaders[stream] = leader
