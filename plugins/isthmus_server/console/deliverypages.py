"""Event Delivery: what came of the events of each destination, and each delivery with its attempts."""

from __future__ import annotations

import time
from collections.abc import Container, Iterable, Mapping
from functools import partial
from typing import Final, final
from urllib.parse import quote

import msgspec
from starlette.responses import Response

from isthmus.deliveries import Delivery
from isthmus_server.api.problems import problem
from isthmus_server.api.sources import SOURCE_ADMINS
from isthmus_server.store import Count, Destination, Page as Part, Source, Step, Transaction

from . import charts
from .deliverylog import LoggedDeliveries, delivery_in, event_in, logged
from .replaying import replay
from .visits import Page, Visit

__all__ = ["PAGES"]

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
ALL: Final = Part(count=1000)
AT_ONCE: Final = 100
"""Deliveries that are sent again at one time."""


@final
class Window(msgspec.Struct, frozen=True):
    """A time to look back at.

    Attributes:
        label: what it is called.
        length, span: milliseconds: of the whole, and of one column of its chart.
    """

    label: str
    length: int
    span: int


WINDOWS: Final[Mapping[str, Window]] = {
    "1h": Window("hour", HOUR, MINUTE),
    "24h": Window("day", 24 * HOUR, 30 * MINUTE),
    "7d": Window("week", 7 * 24 * HOUR, 3 * HOUR),
    "30d": Window("30 days", 30 * 24 * HOUR, 12 * HOUR),
}
BECAME: Final[Mapping[str, str]] = {
    "delivered": "delivered",
    "dropped": "filtered",
    "retry": "being tried again",
    "dead": "failed",
}


@final
class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the events of a destination in a time, and how it is now.

    Attributes:
        received: events that something has come of, and those that wait.
        retried: attempts, where the others are events.
        waiting, dead: in its queue now, None where there is no queue to look into.
        median, slow: seconds that deliveries take, half of them and 95 % of them at the most; None where nothing is known.
        columns: of its chart.
    """

    destination: Destination
    source: Source
    received: int
    delivered: int
    filtered: int
    retried: int
    failed: int
    waiting: int | None
    dead: int | None
    median: float | None
    slow: float | None
    columns: list[charts.Column]


def _window(visit: Visit) -> tuple[str, Window]:
    name = visit.query.text("within", "24h")
    name = name if name in WINDOWS else "24h"
    return name, WINDOWS[name]


async def _standings(visit: Visit, window: Window, only: str | None = None) -> list[Standing]:
    now = int(time.time() * 1000)
    since = (now - window.length) // window.span * window.span

    def read(tx: Transaction) -> list[tuple[Destination, Source, list[Count]]]:
        found = tx.destinations.page(ALL)[0] if only is None else [tx.destinations.get(only)]
        sources = {source.id: source for source in tx.sources.page(ALL)[0]}
        counts = partial(tx.delivery_counts.between, list(Step), since=since, until=now + 1, span=window.span)
        return [(each, sources[each.source], counts(each.source, each.id)) for each in found]

    rows = await visit.store.read(read)
    queues = set() if visit.live.queue is None else set(await visit.live.queue.names())
    standings = []
    for each, source, counts in rows:
        columns = charts.columns(counts, since=since, until=now + 1, span=window.span)
        standings.append(await _standing(visit, each, source, counts, columns, queues))
    return standings


async def _standing(
    visit: Visit,
    destination: Destination,
    source: Source,
    counts: Iterable[Count],
    columns: list[charts.Column],
    queues: Container[str],
) -> Standing:
    sums = dict.fromkeys(Step, 0)
    for count in counts:
        sums[count.step] += count.count
    queue = f"destination:{destination.id}"
    waiting = dead = None
    if visit.live.queue is not None and queue in queues:
        stats = await visit.live.queue.stats(queue)
        waiting, dead = stats.waiting + stats.in_flight + stats.delayed, stats.dead
    latencies = visit.live.latencies
    settled = sums[Step.DELIVERED] + sums[Step.FILTERED_AT_DESTINATION] + sums[Step.FAILED]
    return Standing(
        destination=destination,
        source=source,
        received=settled + (waiting or 0),
        delivered=sums[Step.DELIVERED],
        filtered=sums[Step.FILTERED_AT_DESTINATION],
        retried=sums[Step.RETRIED],
        failed=sums[Step.FAILED],
        waiting=waiting,
        dead=dead,
        median=latencies.quantile(queue, 0.5) if latencies else None,
        slow=latencies.quantile(queue, 0.95) if latencies else None,
        columns=columns,
    )


async def _overview(visit: Visit) -> Response:
    name, window = _window(visit)
    return visit.show(
        "deliveries.html",
        standings=await _standings(visit, window),
        windows=WINDOWS,
        within=name,
    )


async def _one_destination(visit: Visit) -> Response:
    return await _show_destination(visit)


async def _show_destination(visit: Visit, left: int = 0, sent: int = 0) -> Response:
    name, window = _window(visit)
    (standing,) = await _standings(visit, window, visit.path["destinationId"])
    became, code = visit.query.text("became"), visit.query.text("code")
    became = became if became in BECAME else ""
    found = LoggedDeliveries()
    directory = visit.live.deliveries
    if directory is not None and directory.is_dir():
        look = partial(
            logged,
            directory,
            f"destination:{standing.destination.id}",
            since=time.time() - window.length / 1000,
            became=became,
            code=code,
        )
        found = await visit.look(look)
    return visit.show(
        "destination_deliveries.html",
        standing=standing,
        windows=WINDOWS,
        within=name,
        became=became,
        code=code,
        endings=BECAME,
        logged=found,
        has_log=directory is not None,
        sent=sent,
        left=left,
    )


async def _one_delivery(visit: Visit) -> Response:
    destination: Destination = await visit.store.read(
        lambda tx: tx.destinations.get(visit.path["destinationId"])
    )
    delivery = await _found(visit, destination)
    event = None
    if visit.live.archive is not None and visit.live.archive.is_dir():
        first = delivery.attempts[0]
        look = partial(event_in, visit.live.archive, delivery.id, since=first.at - first.age)
        event = await visit.look(look)
    return visit.show(
        "delivery.html",
        destination=destination,
        delivery=delivery,
        endings=BECAME,
        event=None if event is None else msgspec.json.encode(event),
        may_try=event is not None and destination.function is not None and visit.may("previewFunction"),
    )


async def _found(visit: Visit, destination: Destination) -> Delivery:
    directory, id_ = visit.live.deliveries, visit.query.text("id")
    found = None
    if directory is not None and id_:
        found = await visit.look(delivery_in, directory, f"destination:{destination.id}", id_)
    if found is None:
        raise problem(404, "The log has no such delivery: it was delivered at once, or it is too long ago.")
    return found


async def _replay(visit: Visit) -> Response:
    id_ = visit.path["destinationId"]
    destination: Destination = await visit.store.read(lambda tx: tx.destinations.get(id_))
    chosen = list(dict.fromkeys(visit.form.texts("delivery")))
    if not 0 < len(chosen) <= AT_ONCE:
        raise problem(422, f"Choose from 1 to {AT_ONCE} deliveries.")
    done = await replay(visit.live, id_, chosen)
    if done.sent:
        await visit.store.write(
            lambda tx: tx.audit.add("Deliveries Replayed", "Destinations", id_, destination.name),
            actor=visit.token.id,
        )
    if done.left:
        return await _show_destination(visit, left=len(done.left), sent=len(done.sent))
    within = _window(visit)[0]
    one = f"/one?id={quote(chosen[0], safe='')}" if "one" in visit.form else f"?within={within}"
    return visit.go(f"/deliveries/{id_}{one}", "replayed")


PAGES: Final = (
    Page(method="GET", path="/deliveries", roles=SOURCE_ADMINS, section="Event Delivery", handler=_overview),
    Page(method="GET", path="/deliveries/{destinationId}", roles=SOURCE_ADMINS, handler=_one_destination),
    Page(method="GET", path="/deliveries/{destinationId}/one", roles=SOURCE_ADMINS, handler=_one_delivery),
    Page(method="POST", path="/deliveries/{destinationId}/replay", roles=SOURCE_ADMINS, handler=_replay),
)
