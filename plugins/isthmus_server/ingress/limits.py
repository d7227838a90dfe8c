"""How much the ingress takes."""

from __future__ import annotations

from typing import Final, final

import msgspec

from isthmus.errors import EngineError

__all__ = ["ADDED_BYTES", "IngressLimits"]

ADDED_BYTES: Final = 1024
"""By which an event may grow beyond ``event_bytes`` here: times, ids and what its batch says for all of its events."""


@final
class IngressLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of what is taken; the defaults are Segment's, where it has any.

    Attributes:
        webhook_bytes: of a webhook's body.
        event_bytes: of one event's JSON.
        batch_bytes: of a batch's JSON, decompressed.
        batch_events: events of one batch.
        events_per_second: of all sources together, None for as many as come.
        requests: under way at one time; more are told to come back.
        patience: seconds for a request's body to arrive.

    Raises:
        EngineError: a number is out of its range.
    """

    webhook_bytes: int = 512 * 1024
    event_bytes: int = 32 * 1024
    batch_bytes: int = 500 * 1024
    batch_events: int = 2500
    events_per_second: float | None = None
    requests: int = 1000
    patience: float = 30.0

    def __post_init__(self) -> None:
        for name in ("webhook_bytes", "event_bytes", "batch_bytes", "batch_events", "requests"):
            if getattr(self, name) < 1:
                raise EngineError(f"IngressLimits.{name} takes a number from 1, not {getattr(self, name)!r}")
        if self.events_per_second is not None and not self.events_per_second > 0:
            raise EngineError("IngressLimits.events_per_second takes a number above 0")
        if not self.patience > 0:
            raise EngineError(f"IngressLimits.patience takes seconds above 0, not {self.patience!r}")
