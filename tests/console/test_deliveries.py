"""Event Delivery: what the pages show of a pipeline that runs, and sending again from them."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
import trio
from tests.console.visiting import ORIGIN, Tags, Visitor

import isthmus
import isthmus_sqlite
from isthmus.archive import open_archive
from isthmus.deliveries import DeliveryReader, open_delivery_log
from isthmus.pipelinefiles import LoadedPipeline
from isthmus.pipelines import Attempted, Observation
from isthmus.rules import Delivered
from isthmus_server.console import Live, charts, console
from isthmus_server.console.latencies import KEPT, Latencies
from isthmus_server.running import Running
from isthmus_server.snapshotpipeline import load_snapshot
from isthmus_server.store import (
    HTTP_API,
    Count,
    CountKey,
    Draft,
    Grant,
    Page,
    ResourceType,
    Role,
    Step,
    Store,
    Transaction,
)
from isthmus_server.store.delivery_counts import count_of

CODE = """
async function onTrack(event) {
  console.log('seen', event.event)
  if (event.event === 'Broken') throw new InvalidEventPayload('<b>never</b>')
  return event.event
}
"""
INSERT = """
async function onTrack(event) {
  if (event.event === 'Noise') throw new DropEvent('noise')
  return event
}
"""


class Service:
    """A pipeline over a store, with its log, its archive and its counts; what is tried is tried at once."""

    def __init__(self, store: Store, running: Running, live: Live, visitor: Visitor) -> None:
        self.store = store
        self.running = running
        self.live = live
        self.visitor = visitor
        self.source = self.destination = ""
        self.reload: Callable[[], Awaitable[None]]
        self.counts: dict[CountKey, int] = {}
        self.attempts = 0

    async def accept(self, *names: str) -> None:
        pipeline = self._pipeline()
        events = [
            {"type": "track", "event": name, "userId": "u", "messageId": f"m{n}-{name}"}
            for n, name in enumerate(names)
        ]
        await pipeline.accept(self.source, events)
        await self.settle()

    async def settle(self) -> None:
        await self._pipeline().drain()
        assert self.live.deliveries is not None
        with trio.fail_after(60):  # the log is written by a thread
            while len(list(DeliveryReader(self.live.deliveries).attempts())) < self.attempts:  # noqa: ASYNC110 -- a file tells nobody
                await trio.sleep(0.05)
        counts, self.counts = self.counts, {}
        await self.store.write(lambda tx: tx.delivery_counts.add(counts))

    def _pipeline(self) -> isthmus.Pipeline:
        assert self.running.current is not None
        return self.running.current.pipeline


@pytest.fixture
async def service(
    store: Store, engine: isthmus.Engine, live: Live, quick_path: Path
) -> AsyncIterator[Service]:
    def make(tx: Transaction) -> tuple[str, str]:
        function = tx.functions.create(ResourceType.DESTINATION, Draft(code=CODE, display_name="crm"))
        insert = tx.functions.create(ResourceType.INSERT_DESTINATION, Draft(code=INSERT, display_name="i"))
        source = tx.sources.create("web", HTTP_API, {}, enabled=True)
        destination = tx.destinations.create(source.id, function.id, {}, enabled=True, name="CRM")
        tx.inserts.create(insert.id, destination.id, {}, enabled=True)
        return source.id, destination.id

    source, destination = await store.write(make)
    latencies = Latencies()
    assert live.deliveries is not None
    assert live.archive is not None
    async with (
        open_delivery_log(live.deliveries, sample=1.0) as log,
        open_archive(live.archive) as archive,
        isthmus.open_queue(f"sqlite:{quick_path}/queue.db", plugins=[isthmus_sqlite]) as queue,
        trio.open_nursery() as nursery,
    ):
        found: list[Service] = []

        def observe(seen: Observation) -> None:
            log(seen)
            latencies.observe(seen)
            found[0].attempts += isinstance(seen, Attempted)
            if (key := count_of(seen, time.time())) is not None:
                found[0].counts[key] = found[0].counts.get(key, 0) + 1

        running = Running(
            nursery, engine, queue, observe=observe, archive=archive, grace=1.0, event_bytes=100_000
        )
        full = msgspec.structs.replace(live, running=running, queue=queue, latencies=latencies)
        visitor = await Visitor.owner(store, console(store, engine, live=full, url=f"{ORIGIN}/"))
        service = Service(store, running, full, visitor)
        service.source, service.destination = source, destination
        found.append(service)

        async def load(engine: isthmus.Engine) -> LoadedPipeline:
            return await load_snapshot(engine, await store.snapshot())

        service.reload = lambda: running.load(load)
        await service.reload()
        yield service
        running.stop()


async def test_the_overview_counts_what_came_of_events(service: Service) -> None:
    await service.accept("Seen", "Seen", "Seen", "Broken", "Noise")
    page = await service.visitor.get("/deliveries?within=1h")
    numbers = [
        line.strip().removeprefix('<td class="number').partition(">")[2].removesuffix("</td>")
        for line in page.splitlines()
        if 'class="number' in line and "<td" in line
    ]
    assert numbers[:6] == ["5", "3", "1", "0", "1", "0"]
    assert "CRM" in page


async def test_errors_are_grouped_by_code_with_a_sample(service: Service) -> None:
    await service.accept("Broken", "Broken", "Noise")
    page = await service.visitor.get(f"/deliveries/{service.destination}?within=1h")
    assert "message_rejected" in page
    assert "&lt;b&gt;never&lt;/b&gt;" in page
    assert "filtered</a>" in page
    dead = await service.visitor.get(f"/deliveries/{service.destination}?within=1h&became=dead")
    chosen = [each["value"] for each in Tags(dead).of("input") if each.get("name") == "delivery"]
    assert sorted(chosen) == [f"{service.source}:m{n}-Broken" for n in (0, 1)]
    by_code = await service.visitor.get(f"/deliveries/{service.destination}?within=1h&code=filtered")
    assert [each["value"] for each in Tags(by_code).of("input") if each.get("name") == "delivery"] == [
        f"{service.source}:m2-Noise"
    ]


async def test_one_delivery_shows_its_attempts_and_its_event(service: Service) -> None:
    await service.accept("Broken")
    page = await service.visitor.get(f"/deliveries/{service.destination}/one?id={service.source}:m0-Broken")
    assert "Attempt 1" in page
    assert "InvalidEventPayload" in page
    assert "seen Broken" in page
    assert "trying again would not mend it" in page
    assert "&#34;userId&#34;: &#34;u&#34;" in page
    await service.visitor.get(f"/deliveries/{service.destination}/one?id=nothing", 404)
    await service.visitor.get(f"/deliveries/{service.destination}/one", 404)


async def test_the_event_of_a_delivery_is_tried_out_in_the_editor_by_who_may_see_it(service: Service) -> None:
    await service.accept("Broken")
    page = await service.visitor.get(f"/deliveries/{service.destination}/one?id={service.source}:m0-Broken")
    (link,) = [each["href"] for each in Tags(page).of("a") if "?delivery=" in each["href"]]
    path = link.removeprefix("/console")
    editor = await service.visitor.get(path)
    assert "the event of that delivery" in editor
    assert "m0-Broken" in editor
    other = await service.visitor.other(Grant(Role.FUNCTIONS_ADMIN))
    assert "m0-Broken" not in await other.get(path)


async def test_what_failed_is_sent_again_once_its_function_is_mended(service: Service) -> None:
    await service.accept("Broken", "Broken")
    (destination,), _ = await service.store.read(lambda tx: tx.destinations.page(Page()))
    mended = CODE.replace("'Broken'", "'Never'")
    await service.store.write(lambda tx: tx.functions.update(destination.function or "", Draft(code=mended)))
    await service.reload()
    ids = [f"{service.source}:m{n}-Broken" for n in (0, 1)]
    to = await service.visitor.sent(f"/deliveries/{destination.id}/replay?within=1h", {"delivery": ids})
    assert to == f"/deliveries/{destination.id}?within=1h&done=replayed"
    await service.settle()
    assert service.live.queue is not None
    assert (await service.live.queue.stats(f"destination:{destination.id}")).dead == 0
    assert '<div class="delivered"><dt>Delivered</dt><dd>2</dd></div>' in await service.visitor.get(
        f"/deliveries/{destination.id}?within=1h"
    )
    assert "Deliveries Replayed" in await service.visitor.get("/audit")


async def test_what_was_dropped_is_sent_again_out_of_the_archive(service: Service) -> None:
    await service.accept("Noise")
    id_ = f"{service.source}:m0-Noise"
    await service.visitor.sent(f"/deliveries/{service.destination}/replay", {"delivery": id_, "one": "yes"})
    await service.settle()
    page = await service.visitor.get(f"/deliveries/{service.destination}?within=1h&became=dropped")
    again = [each["value"] for each in Tags(page).of("input") if each.get("name") == "delivery"]
    assert len(again) == 2
    assert sorted(again)[1].startswith(f"{id_}~")
    page = await service.visitor.get(f"/deliveries/{service.destination}/one?id={max(again)}")
    assert "m0-Noise" in page


async def test_what_is_in_no_archive_is_said_to_be_left(service: Service) -> None:
    await service.accept("Broken")
    ids = [f"{service.source}:m0-Broken", f"{service.source}:m7-Gone"]
    answer = await service.visitor.post(f"/deliveries/{service.destination}/replay", {"delivery": ids})
    assert answer.status_code == 200
    assert "1 sent again. 1 could not be" in answer.text


async def test_one_to_a_hundred_are_sent_again_at_one_time(service: Service) -> None:
    path = f"/deliveries/{service.destination}/replay"
    assert (await service.visitor.post(path)).status_code == 422
    many = [str(number) for number in range(101)]
    assert (await service.visitor.post(path, {"delivery": many})).status_code == 422
    assert (await service.visitor.post("/deliveries/nothing/replay", {"delivery": "x"})).status_code == 404


async def test_who_has_no_role_sends_nothing_again(service: Service) -> None:
    await service.accept("Broken")
    other = await service.visitor.other(Grant(Role.FUNCTIONS_ADMIN))
    answer = await other.post(
        f"/deliveries/{service.destination}/replay", {"delivery": f"{service.source}:m0-Broken"}
    )
    assert answer.status_code == 403
    assert service.live.queue is not None
    assert (await service.live.queue.stats(f"destination:{service.destination}")).dead == 1


async def test_without_a_log_the_page_says_so(store: Store, engine: isthmus.Engine) -> None:
    def make(tx: Transaction) -> str:
        function = tx.functions.create(ResourceType.DESTINATION, Draft(code=CODE, display_name="crm"))
        source = tx.sources.create("web", HTTP_API, {}, enabled=True)
        return tx.destinations.create(source.id, function.id, {}, enabled=True).id

    id_ = await store.write(make)
    visitor = await Visitor.owner(store, console(store, engine, url=f"{ORIGIN}/"))
    assert "keeps no log" in await visitor.get(f"/deliveries/{id_}")
    await visitor.get(f"/deliveries/{id_}/one?id=x", 404)
    answer = await visitor.post(f"/deliveries/{id_}/replay", {"delivery": "s:m"})
    assert "could not be" in answer.text


# ------------------------------------------------------------ numbers


def delivered(age: float) -> Attempted:
    return Attempted(
        queue="q", delivery="d", attempt=1, status=isthmus.Status.DELIVERED, problem=None, decision=Delivered(),
        at=0.0, age=age, took=0.0,
    )  # fmt: skip


def test_quantiles_are_of_the_last_deliveries() -> None:
    latencies = Latencies()
    assert latencies.quantile("q", 0.5) is None
    for number in range(100):
        latencies.observe(delivered(float(number)))
    assert latencies.quantile("q", 0.5) == 50
    assert latencies.quantile("q", 0.95) == 95
    for _ in range(KEPT):
        latencies.observe(delivered(7.0))
    assert latencies.quantile("q", 0.0) == latencies.quantile("q", 1.0) == 7


def test_columns_are_stacked_and_cover_the_time_without_gaps() -> None:
    counts = [
        Count(10, Step.DELIVERED, "", 3),
        Count(10, Step.FAILED, "x", 1),
        Count(30, Step.RETRIED, "y", 1),
        Count(30, Step.RETRIED, "z", 1),
    ]
    columns = charts.columns(counts, since=5, until=41, span=10)
    assert [round(each.at * 1000) for each in columns] == [0, 10, 20, 30, 40]
    assert columns[0].bars == columns[2].bars == {}
    assert columns[1].bars == {"delivered": charts.Bar(0.0, 75.0), "failed": charts.Bar(75.0, 25.0)}
    assert columns[3].counts["retried"] == 2
    assert math.isclose(columns[3].bars["retried"].length, 50.0)
