"""Operations that look at what became of deliveries: Segment's Delivery Overview and delivery metrics."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Final, Literal, final

import msgspec

from isthmus_server.store import Count, FieldProblem, NotFound, Step, Transaction

from .calls import Call, Route, reading
from .function_types import Text, Wire
from .pagination import PaginationInput, PaginationOutput, page_of, pagination_of
from .problems import unfit
from .sources import SOURCE_ADMINS
from .times import iso, milliseconds

__all__ = ["ROUTES"]

Granularity = Literal["DAY", "HOUR", "MINUTE", "day", "hour", "minute"]
Identifier = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
SPANS: Final[Mapping[str, int]] = {"day": 86_400_000, "hour": 3_600_000, "minute": 60_000}
POINTS: Final = 2_000
"""Spans of time in an answer: a day and a third by the minute."""
BETA: Final = ("v1beta", "v1alpha")


@final
class DeliveryFilter(Wire, frozen=True, kw_only=True):
    """Which events count, by the code of their problem."""

    discard_reason: list[str] | str = msgspec.field(default_factory=list)


@final
class IngestQuery(Wire, frozen=True, kw_only=True):
    """What of a source is wanted.

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
class EgressQuery(Wire, frozen=True, kw_only=True):
    """What on the way to a destination is wanted; see `IngestQuery`."""

    source_id: Identifier
    destination_config_id: Identifier
    start_time: Text
    end_time: Text
    granularity: Granularity
    group_by: list[Literal["discardReason"]] | Literal["discardReason"] | None = None
    filter: DeliveryFilter = DeliveryFilter()
    pagination: PaginationInput = PaginationInput()


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


def _ingest(step: Step) -> Route:
    def look(tx: Transaction, call: Call) -> DeliveryOverviewOutput:
        query: IngestQuery = call.query
        tx.sources.get(query.source_id)
        return _overview(tx, query, step, "")

    return _route(step, IngestQuery, "Ingress", look)


def _egress(step: Step) -> Route:
    def look(tx: Transaction, call: Call) -> DeliveryOverviewOutput:
        query: EgressQuery = call.query
        if tx.destinations.get(query.destination_config_id).source != query.source_id:
            raise NotFound("Destination", query.destination_config_id)
        return _overview(tx, query, step, query.destination_config_id)

    return _route(step, EgressQuery, "Egress", look)


def _overview(
    tx: Transaction, query: IngestQuery | EgressQuery, step: Step, destination: str
) -> DeliveryOverviewOutput:
    page, span = page_of(query.pagination), SPANS[query.granularity.lower()]
    since, until = milliseconds(query.start_time, "startTime"), milliseconds(query.end_time, "endTime")
    starts = _starts(since, until, span)
    wanted = query.filter.discard_reason
    reasons = {wanted} if isinstance(wanted, str) else set(wanted)
    found = [
        count
        for count in tx.delivery_counts.between(
            {step, Step.RETRIED}, query.source_id, destination, since=since, until=until, span=span
        )
        if not reasons or count.reason in reasons
    ]
    if query.group_by:
        keys = sorted({count.reason for count in found if count.step is step})
        sets = [_dataset([c for c in found if c.reason == key], step, starts, key) for key in keys]
    else:
        sets = [_dataset(found, step, starts, None)]
    return DeliveryOverviewOutput(
        total=sum(each.total for each in sets),
        dataset=tuple(sets[page.offset : page.offset + page.count]),
        pagination=pagination_of(page, len(sets)),
    )


def _starts(since: int, until: int, span: int) -> range:
    """The beginnings of the spans of time in an answer."""
    if until <= since:
        raise unfit([FieldProblem("endTime", '"endTime" must be later than "startTime"')])
    starts = range(since - since % span, until, span)
    if len(starts) > POINTS:
        raise unfit(
            [FieldProblem("granularity", f'"granularity" makes more than {POINTS} points of that time')]
        )
    return starts


def _dataset(
    found: Iterable[Count], step: Step, starts: range, reason: str | None
) -> DeliveryOverviewMetricsDataset:
    counts: dict[int, int] = defaultdict(int)
    retries: dict[int, int] = defaultdict(int)
    for count in found:
        (counts if count.step is step else retries)[count.at] += count.count
    return DeliveryOverviewMetricsDataset(
        total=sum(counts.values()),
        total_retry_count=sum(retries.values()),
        discard_reason=reason,
        series=tuple(
            DeliveryOverviewMetricsDatapoint(
                time=iso(at), count=counts.get(at, 0), retry_count=retries.get(at, 0)
            )
            for at in starts
        ),
    )


NAMES: Final[Mapping[Step, str]] = {
    Step.DELIVERED: "successes",
    Step.FAILED: "discards",
    Step.RETRIED: "retries",
    Step.FILTERED_AT_DESTINATION: "filtered",
}


def _metrics(tx: Transaction, call: Call) -> DeliveryMetricsOutput:
    query: DeliveryMetricsQuery = call.query
    destination = tx.destinations.get(call.path["destinationId"])
    if destination.source != query.source_id:
        raise NotFound("Destination", destination.id)
    now = int(time.time() * 1000)
    until = now if query.end_time is None else milliseconds(query.end_time, "endTime")
    day = SPANS["day"]
    since = until - day if query.start_time is None else milliseconds(query.start_time, "startTime")
    found = tx.delivery_counts.between(
        NAMES, destination.source, destination.id, since=since, until=until, span=day
    )
    metrics = []
    for step, name in NAMES.items():
        reasons: dict[str, int] = defaultdict(int)
        for count in found:
            if count.step is step:
                reasons[count.reason] += count.count
        breakdown = tuple(Breakdown(metric_name=key, value=value) for key, value in reasons.items() if key)
        metrics.append(Metric(metric_name=name, total=sum(reasons.values()), breakdown=breakdown))
    summary = DeliveryMetricsSummary(
        source_id=destination.source,
        destination_metadata_id=destination.metadata_id,
        metrics=tuple(metrics),
    )
    return DeliveryMetricsOutput(delivery_metrics_summary=summary)


def _route(
    step: Step,
    query: type[IngestQuery | EgressQuery],
    side: str,
    look: Callable[[Transaction, Call], DeliveryOverviewOutput],
) -> Route:
    words = step.value.split("_")
    return Route(
        method="GET",
        path=f"/delivery-overview/{'-'.join(words)}",
        operation=f"get{side}{''.join(map(str.capitalize, words))}FromDeliveryOverview",
        summary=f"Count events over time: {' '.join(words)}.",
        roles=SOURCE_ADMINS,
        query=query,
        answer=DeliveryOverviewOutput,
        versions=BETA,
        handler=reading(look),
    )


ROUTES: Final = (
    *map(_ingest, (Step.RECEIVED, Step.FAILED_ON_INGEST, Step.FILTERED_AT_SOURCE)),
    *map(_egress, (Step.FILTERED_AT_DESTINATION, Step.FAILED, Step.DELIVERED)),
    Route(
        method="GET",
        path="/destinations/{destinationId}/delivery-metrics",
        operation="listDeliveryMetricsSummaryFromDestination",
        summary="Count what became of the events for a destination.",
        roles=SOURCE_ADMINS,
        query=DeliveryMetricsQuery,
        answer=DeliveryMetricsOutput,
        versions=BETA,
        handler=reading(_metrics),
    ),
)
