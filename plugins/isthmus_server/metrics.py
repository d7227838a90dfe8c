"""What the service counts of what comes in and of what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, final

import trio

from isthmus.errors import QueueError
from isthmus.pipelines import LATENCY_BOUNDS, Accepted, Attempted, BreakerMoved, Observation, QueueAway
from isthmus.queues import Queue, QueueStats
from isthmus.rules import Delivered, Dropped, Refused, RetryAt

from .exposition import Counter, Histogram, gauge
from .ingress.app import IngressObserver

if TYPE_CHECKING:
    from .running import Running

__all__ = ["Metrics"]

REQUEST_BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds."""

BREAKER_STATES: Final = ("closed", "half_open", "open")

_DECISIONS: Final = {Delivered: "delivered", Dropped: "dropped", Refused: "dead", RetryAt: "retry"}

FRESH: Final = 5.0
"""Seconds for which counts of a queue are given again: a storage may look at each delivery for them."""


@final
class Metrics(IngressObserver):
    """Counts since the process began; its parts are handed to whatever they count."""

    def __init__(self) -> None:
        self._requests = Counter("isthmus_http_requests_total", "Requests answered.", ("route", "status"))
        self._durations = Histogram(
            "isthmus_http_request_seconds", "Time to the answer.", ("route",), REQUEST_BOUNDS
        )
        self._accepted = Counter("isthmus_events_accepted_total", "Events that are kept.", ("source",))
        self._refused = Counter(
            "isthmus_events_refused_total",
            "Events of the tracking API that were not taken.",
            ("source", "code"),
        )
        self._attempts = Counter(
            "isthmus_attempts_total", "Attempts that have ended.", ("queue", "status", "code")
        )
        self._decisions = Counter(
            "isthmus_deliveries_total", "What became of deliveries.", ("queue", "decision")
        )
        self._latency = Histogram(
            "isthmus_delivery_seconds", "From acceptance to success.", ("queue",), LATENCY_BOUNDS
        )
        self._away = Counter("isthmus_queue_away_total", "Calls that the storage did not do.", ("queue",))
        self._reloads = Counter("isthmus_reloads_total", "What was loaded to run.", ("result",))
        self._breakers: dict[tuple[str, ...], float] = {}
        self._stats: dict[str, QueueStats] = {}
        self._stats_at = -FRESH
        self._asking: Final = trio.Lock()

    # ------------------------------------------------------------ counting

    def answered(self, route: str, status: int, seconds: float) -> None:
        """See :class:`.IngressObserver`."""
        self._requests.add(route, str(status))
        self._durations.add(route, seconds=seconds)

    def taken(self, source: str, count: int, refused: list[str]) -> None:
        """See :class:`.IngressObserver`; those accepted are counted where the pipeline tells of them."""
        for code in refused:
            self._refused.add(source, code)

    def observe(self, seen: Observation) -> None:
        """Take what a pipeline tells."""
        if type(seen) is Accepted:
            self._accepted.add(seen.source)
        elif type(seen) is Attempted:
            self._attempts.add(seen.queue, seen.status, seen.problem.code if seen.problem else "")
            self._decisions.add(seen.queue, _DECISIONS[type(seen.decision)])
            if type(seen.decision) is Delivered:
                self._latency.add(seen.queue, seconds=seen.age)
        elif type(seen) is BreakerMoved:
            self._breakers[seen.queue,] = float(BREAKER_STATES.index(seen.state))
        elif type(seen) is QueueAway:
            self._away.add(seen.queue)

    def loaded(self, *, well: bool) -> None:
        """Something was to be run."""
        self._reloads.add("success" if well else "failure")

    # ------------------------------------------------------------ telling

    async def text(self, queue: Queue, running: Running) -> str:
        """All of it, in Prometheus' text format."""
        await self._ask(queue)
        return "".join(f"{line}\n" for line in self._lines(running))

    async def _ask(self, queue: Queue) -> None:
        async with self._asking:
            if trio.current_time() - self._stats_at < FRESH:
                return
            try:
                self._stats = {name: await queue.stats(name) for name in await queue.names()}
            except QueueError:
                self._stats = {}  # what is not known is not told
            self._stats_at = trio.current_time()

    def _lines(self, running: Running) -> Iterator[str]:
        for metric in (
            self._requests,
            self._durations,
            self._accepted,
            self._refused,
            self._attempts,
            self._decisions,
            self._latency,
            self._away,
            self._reloads,
        ):
            yield from metric.lines()
        depths = {
            (name, state): float(getattr(stats, state))
            for name, stats in self._stats.items()
            for state in ("waiting", "in_flight", "delayed", "dead")
        }
        yield from gauge("isthmus_queue_deliveries", "Deliveries in a queue.", ("queue", "state"), depths)
        ages = {(name,): stats.oldest or 0.0 for name, stats in self._stats.items()}
        yield from gauge("isthmus_queue_oldest_seconds", "Age of the oldest delivery.", ("queue",), ages)
        text = f"Circuit breakers: {', '.join(f'{n} {state}' for n, state in enumerate(BREAKER_STATES))}."
        yield from gauge("isthmus_breaker_state", text, ("queue",), self._breakers)
        up = float(running.current is not None)
        yield from gauge("isthmus_ready", "Whether events are taken.", (), {(): up})
