"""What a pipeline tells of its work: each thing that happens, and the counts of all of them."""

from __future__ import annotations

from typing import Final, final

import msgspec

from isthmus._rules.retry import Decision
from isthmus.outcomes import Exchange, LogLine, Problem, Status

__all__ = [
    "LATENCY_BOUNDS",
    "Accepted",
    "Attempted",
    "BreakerMoved",
    "LaneStats",
    "Observation",
    "PipelineStats",
    "QueueAway",
]


@final
class Accepted(msgspec.Struct, frozen=True, tag=True, gc=False):
    """An event has been taken, and is kept.

    Attributes:
        source: the id of its source.
        message_id: its own, or the one it was given.
        queues: those it waits in now; none where no destination wants it.
    """

    source: str
    message_id: str
    queues: tuple[str, ...]


@final
class Attempted(msgspec.Struct, frozen=True, tag=True, kw_only=True, gc=False):
    """An attempt has ended.

    Attributes:
        queue: of the destination, ``destination:NAME``; or of the source, ``source:ID`` or ``webhook:ID``.
        delivery: what tells it from others in that queue: the source's id and the message id.
        attempt: its number, from 1.
        status: what it came to.
        problem: what went wrong, or None.
        decision: what becomes of the delivery now.
        at: seconds since the epoch.
        age: seconds since it was published.
        took: seconds since it was claimed.
        exchanges: requests of a call that failed, and what came back; of a batch, all of its call.
        logs: what a call that failed has printed.
    """

    queue: str
    delivery: str
    attempt: int
    status: Status
    problem: Problem | None
    decision: Decision
    at: float
    age: float
    took: float
    exchanges: tuple[Exchange, ...] = ()
    logs: tuple[LogLine, ...] = ()


@final
class BreakerMoved(msgspec.Struct, frozen=True, tag=True):
    """A destination is left alone from now on, is probed, or is sent to again.

    Attributes:
        queue: of the destination.
        state: ``open``, ``half_open`` or ``closed``.
    """

    queue: str
    state: str


@final
class QueueAway(msgspec.Struct, frozen=True, tag=True):
    """The queue's storage did not do what was asked; it is asked again.

    Attributes:
        queue: which was worked on.
        error: what it said.
    """

    queue: str
    error: str


Observation = Accepted | Attempted | BreakerMoved | QueueAway

LATENCY_BOUNDS: Final = (0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3600.0, 14_400.0)


@final
class LaneStats(msgspec.Struct, frozen=True, kw_only=True):
    """What was done for one queue since the pipeline was opened.

    Attributes:
        published: deliveries that this process put into it.
        attempts: that have ended.
        delivered: without error.
        dropped: left out on purpose, by an insert.
        retried: to be tried again, by the problem's code.
        dead: given up, by ``permanent``, ``attempts`` or ``window``.
        given_back: claimed, but not begun before the pipeline closed.
        batches: calls with several events, or of a sink.
        batched: events in them; those that were tried again in halves count once.
        trying: seconds that calls and batches of them took, summed; where several run at a time it goes faster than
            the clock.
        in_hand: claimed now and not done with.
        breaker: its state, "" where there is none.
        latency: how many deliveries took from publishing to success at most each of the seconds 0.01, 0.1, 1, 10,
            60, 600, 3600, 14400; the last number is those that took longer.
        latency_sum: seconds that all of those took together.
        late: those delivered by a later attempt than the first, by its number as text: ``2``, ``3``, ..., ``10+``.
        away: how often the storage did not do what was asked.
    """

    published: int = 0
    attempts: int = 0
    delivered: int = 0
    dropped: int = 0
    retried: dict[str, int] = {}
    dead: dict[str, int] = {}
    given_back: int = 0
    batches: int = 0
    batched: int = 0
    trying: float = 0.0
    in_hand: int = 0
    breaker: str = ""
    latency: tuple[int, ...] = ()
    latency_sum: float = 0.0
    late: dict[str, int] = {}
    away: int = 0


@final
class PipelineStats(msgspec.Struct, frozen=True, kw_only=True):
    """What a pipeline did since it was opened.

    Attributes:
        accepted: events.
        lanes: by the queue's name.
    """

    accepted: int = 0
    lanes: dict[str, LaneStats] = {}
