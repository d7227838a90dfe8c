"""What of deliveries is asked for, and how the numbers are shown; the names are those of Segment's schemas."""

from __future__ import annotations

from typing import Literal, final

import msgspec

from .pagination import PaginationInput, PaginationOutput
from .wire import Identifier, Text, Wire

__all__ = [
    "Breakdown",
    "DeliveryMetricsOutput",
    "DeliveryMetricsQuery",
    "DeliveryMetricsSummary",
    "DeliveryOverviewMetricsDatapoint",
    "DeliveryOverviewMetricsDataset",
    "DeliveryOverviewOutput",
    "EgressQuery",
    "IngestQuery",
    "Metric",
]

Granularity = Literal["DAY", "HOUR", "MINUTE", "day", "hour", "minute"]


@final
class DeliveryFilter(Wire, frozen=True, kw_only=True):
    """Which events count, by the code of their problem."""

    discard_reason: list[str] | str = msgspec.field(default_factory=list)


class _Overview(Wire, frozen=True, kw_only=True):
    """What is wanted.

    Attributes:
        start_time: ISO 8601.
        end_time: ISO 8601; what happened then is not counted.
        group_by: ``discardReason``, or nothing; other things are not counted apart.
    """

    source_id: Identifier
    start_time: Text
    end_time: Text
    granularity: Granularity
    group_by: list[Literal["discardReason"]] | Literal["discardReason"] | None = None
    filter: DeliveryFilter = DeliveryFilter()
    pagination: PaginationInput = PaginationInput()


@final
class IngestQuery(_Overview, frozen=True, kw_only=True):
    """What of a source is wanted."""


@final
class EgressQuery(_Overview, frozen=True, kw_only=True):
    """What on the way to a destination is wanted."""

    destination_config_id: Identifier


@final
class DeliveryOverviewMetricsDatapoint(Wire, frozen=True, kw_only=True):
    """How many events in one span of time."""

    time: str
    count: int
    retry_count: int


@final
class DeliveryOverviewMetricsDataset(Wire, frozen=True, kw_only=True, omit_defaults=True):
    """How many events, of one reason where they are grouped by it."""

    total: int
    series: tuple[DeliveryOverviewMetricsDatapoint, ...]
    total_retry_count: int
    discard_reason: str | None = None


@final
class DeliveryOverviewOutput(Wire, frozen=True, kw_only=True):
    """How many events, over time."""

    total: int
    dataset: tuple[DeliveryOverviewMetricsDataset, ...]
    pagination: PaginationOutput


@final
class DeliveryMetricsQuery(Wire, frozen=True, kw_only=True):
    """What of a destination is wanted; the last 24 hours by default."""

    source_id: Identifier
    start_time: Text | None = None
    end_time: Text | None = None
    granularity: Granularity = "HOUR"


@final
class Breakdown(Wire, frozen=True, kw_only=True):
    """How many events of one reason."""

    metric_name: str
    value: int


@final
class Metric(Wire, frozen=True, kw_only=True):
    """How many events."""

    metric_name: str
    total: int
    breakdown: tuple[Breakdown, ...]


@final
class DeliveryMetricsSummary(Wire, frozen=True, kw_only=True):
    """What became of the events for a destination."""

    source_id: str
    destination_metadata_id: str
    metrics: tuple[Metric, ...]


@final
class DeliveryMetricsOutput(Wire, frozen=True, kw_only=True):
    """One summary."""

    delivery_metrics_summary: DeliveryMetricsSummary
