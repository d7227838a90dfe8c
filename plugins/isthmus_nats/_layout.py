"""The streams and consumers that an installation needs, as JetStream's API takes them: pure."""

from __future__ import annotations

from typing import Any, Final

from isthmus.queues import QueueOptions

from ._address import Address
from ._subjects import Names

__all__ = ["LEAST_WINDOW", "consumer", "deliveries", "letters", "marks", "nanoseconds"]

LEAST_WINDOW: Final = 120.0
"""Seconds for which a stream remembers ids, unless one of its queues asks for more."""

_MARKS_AGE: Final = 3 * 86_400.0
"""Seconds for which it is remembered when a delivery was first claimed: the longest window of retries that ends."""

Config = dict[str, Any]


def nanoseconds(seconds: float) -> int:
    """JetStream's unit of time."""
    return round(seconds * 1e9)


def deliveries(address: Address, shard: int, window: float = LEAST_WINDOW) -> Config:
    """The stream of one shard.

    A work queue: what is acknowledged is removed.  Full, it refuses what is new.
    """
    names = Names(address.prefix)
    return {
        **_kept(address, names.stream(shard), f"{address.prefix}.q.{shard}.>"),
        "retention": "workqueue",
        "max_bytes": address.max_bytes,
        "max_age": nanoseconds(address.max_age),
        "duplicate_window": nanoseconds(window),
        "metadata": {"isthmus.shards": str(address.shards)},
    }


def letters(address: Address) -> Config:
    """The stream of dead letters."""
    names = Names(address.prefix)
    return {
        **_kept(address, names.letters, f"{address.prefix}.dead.*"),
        "retention": "limits",
        "duplicate_window": nanoseconds(LEAST_WINDOW),
    }


def marks(address: Address) -> Config:
    """The stream of marks: the first one of a subject stays, later ones are refused."""
    names = Names(address.prefix)
    return {
        **_kept(address, names.marks, f"{address.prefix}.mark.>"),
        "retention": "limits",
        "max_msgs_per_subject": 1,
        "discard_new_per_subject": True,
        "max_age": nanoseconds(_MARKS_AGE),
    }


def _kept(address: Address, name: str, subject: str) -> Config:
    return {
        "name": name,
        "subjects": [subject],
        "storage": "file",
        "discard": "new",
        "num_replicas": address.replicas,
        "allow_atomic": True,
        "allow_direct": True,
    }


def consumer(
    names: Names, shard: int, token: str, lane: int, *, name: str, lanes: int, options: QueueOptions
) -> Config:
    """The consumer of one lane.

    A lane with keys has one delivery under way at a time; that it also counts one which waits for its retry is what
    keeps the order.  How often something is tried is not the server's to decide.
    """
    return {
        "name": names.consumer(token, lane),
        "durable_name": names.consumer(token, lane),
        "filter_subject": names.subject(shard, token, lane),
        "deliver_policy": "all",
        "ack_policy": "explicit",
        "ack_wait": nanoseconds(options.lease),
        "max_deliver": -1,
        "max_ack_pending": 1 if lane else options.max_unacked,
        "metadata": {
            "isthmus.name": name,
            "isthmus.lanes": str(lanes),
            "isthmus.ordered": str(int(options.ordered)),
            "isthmus.window": repr(options.dedupe_window),
        },
    }
