"""What functions use, metered into the store; the quotas it is measured against; and what waits where one is used up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import trio
from tests.server.test_store import made_destination, made_function, made_source

import isthmus
from isthmus.calls import CallEnded
from isthmus.outcomes import Code, Status, Usage
from isthmus.pipelinefiles import Journals
from isthmus.pipelines import Accepted
from isthmus.testing import MemoryQueue, ScriptedRuntime
from isthmus_server.basis import StoreBasis
from isthmus_server.ingress import ingress_app
from isthmus_server.running import Running
from isthmus_server.store import (
    NOTICES,
    WORKSPACE,
    Bounds,
    Draft,
    KeyRing,
    Meter,
    NotFound,
    Page,
    ResourceType,
    Source,
    Store,
    StoreError,
    Unfit,
    metering,
    open_store,
)
from isthmus_server.store.usage import UsageKey, Used, day_of, month_of

DAY = 86_400_000
NOON = 1_790_000_000.0 // 86_400 * 86_400 + 43_200
"""Of 21 September 2026."""
TODAY = day_of(int(NOON * 1000))
SECOND = 1_000_000


def ended(instance: str, wall: float, code: Code | None = None) -> CallEnded:
    return CallEnded(
        call=1,
        function="f",
        instance=instance,
        handler="onTrack",
        status=Status.REFUSED if code else Status.DELIVERED,
        code=code,
        usage=Usage(wall=wall, cpu=wall / 2),
        at=NOON,
    )


@pytest.fixture
async def at_noon(url: str, keys: KeyRing) -> AsyncIterator[Store]:
    async with open_store(url, keys=keys, workspace="Acme", clock=lambda: NOON) as opened:
        yield opened


async def test_calls_and_events_are_added_up_by_function_instance_and_day(at_noon: Store) -> None:
    now = NOON
    async with metering(at_noon, clock=lambda: now) as meter:
        meter.know({"i": "f", "j": "f", "k": "g"})
        for event in (ended("i", 0.25), ended("i", 0.5, Code.RETRY), ended("j", 1.0), ended("k", 0.125)):
            meter.call(event)
        meter.call(ended("of a preview", 9.0))
        meter.observe(Accepted("s", "m", ()))
        now += 86_400
        meter.call(ended("i", 2.0))
    used = await at_noon.read(lambda tx: tx.usage.by_function())
    assert [(each.function, each.calls, each.failed, each.wall, each.cpu) for each in used] == [
        ("f", 4, 1, 3.75, 1.875),
        ("g", 1, 0, 0.125, 0.0625),
    ]
    each_instance = await at_noon.read(lambda tx: tx.usage.by_function(until=TODAY + DAY, instances=True))
    assert [(each.instance, each.wall) for each in each_instance] == [("j", 1.0), ("i", 0.75), ("k", 0.125)]
    days = await at_noon.read(lambda tx: tx.usage.by_day())
    assert [(each.day, each.calls, each.wall, each.events) for each in days] == [
        (TODAY, 4, 1.875, 1),
        (TODAY + DAY, 1, 2.0, 0),
    ]
    of_one = await at_noon.read(lambda tx: tx.usage.by_day(function="g"))
    assert [(each.day, each.calls) for each in of_one] == [(TODAY, 1)]


async def test_usage_is_forgotten_after_two_years(at_noon: Store) -> None:
    for days in (801, 799):
        key = UsageKey(TODAY - days * DAY, "f", "i")
        await at_noon.write(lambda tx, key=key: tx.usage.add({key: Used(calls=1)}))  # type: ignore[misc]
    kept = await at_noon.read(lambda tx: tx.usage.by_day(since=0))
    assert [each.day for each in kept] == [TODAY - 799 * DAY]


def test_a_month_begins_at_midnight_of_its_first_day_in_utc() -> None:
    assert month_of(1_790_000_000_000) == 1_788_220_800_000  # 2026-09-01T00:00:00Z
    assert month_of(1_788_220_800_000) == 1_788_220_800_000
    assert month_of(1_788_220_799_999) == 1_785_542_400_000  # 2026-08-01T00:00:00Z


async def test_what_is_used_is_told_once_a_month_at_each_mark(url: str, keys: KeyRing) -> None:
    now = NOON
    async with open_store(url, keys=keys, clock=lambda: now) as store:
        function = await made_function(store, ResourceType.DESTINATION, name="Crm")
        await store.write(lambda tx: tx.bounds.put(function.id, Bounds(execution=100.0, locks=True)))
        await store.write(lambda tx: tx.bounds.put(WORKSPACE, Bounds(events=4)))

        async def told() -> list[tuple[str, str]]:
            audit, _ = await store.read(lambda tx: tx.audit.page(Page()))
            return sorted((each.type, each.resource_name) for each in audit if "Quota" in each.type)

        meter = Meter(lambda: now)
        meter.know({"i": function.id})
        expected: list[tuple[str, str]] = []
        for seconds, marks in (
            (74.0, ()),
            (1.0, (75,)),
            (20.0, (90,)),
            (1.0, ()),
            (10.0, (100,)),
            (50.0, ()),
        ):
            meter.call(ended("i", seconds))
            await meter.flush(store)
            expected += [(f"Execution Quota {mark}% Used", "Crm") for mark in marks]
            assert await told() == sorted(expected)
            assert meter.locks.hold(function.id) == (100 in marks or seconds == 50.0)
        for _ in range(4):
            meter.observe(Accepted("s", "m", ()))
        await meter.flush(store)
        expected += [(f"Event Quota {mark}% Used", "Workspace") for mark in NOTICES]
        assert await told() == sorted(expected)
        assert not meter.locks.events  # this one does not lock
        standings = await store.read(lambda tx: tx.usage.standings())
        assert [(each.measure, each.used, each.quota, each.percent) for each in standings] == [
            ("events", 4.0, 4.0, 100.0),
            ("execution", 156.0, 100.0, 156.0),
        ]
        now += 31 * 86_400  # another month begins with nothing used, and nothing locked
        await meter.flush(store)
        assert not meter.locks.functions
        meter.call(ended("i", 80.0))
        await meter.flush(store)
        assert await told() == sorted([*expected, ("Execution Quota 75% Used", "Crm")])


async def test_bounds_are_checked_audited_and_gone_with_their_function(store: Store) -> None:
    function = await made_function(store, ResourceType.DESTINATION)
    before = (await store.snapshot()).workspace.revision
    await store.write(lambda tx: tx.bounds.put(function.id, Bounds(concurrency=3, rate=0.5)))
    snapshot = await store.snapshot()
    assert snapshot.workspace.revision > before
    assert snapshot.bounds == {function.id: Bounds(concurrency=3, rate=0.5)}
    audit, _ = await store.read(lambda tx: tx.audit.page(Page(), resource_id=f"dfn_{function.id}"))
    assert audit[0].type == "Function Bounds Modified"
    await store.write(lambda tx: tx.bounds.put(function.id, Bounds(concurrency=3, rate=0.5)))
    assert (await store.snapshot()).workspace.revision == snapshot.workspace.revision
    with pytest.raises(NotFound):
        await store.write(lambda tx: tx.bounds.put("nobody", Bounds()))
    with pytest.raises(Unfit, match="workspace alone"):
        await store.write(lambda tx: tx.bounds.put(function.id, Bounds(events=1)))
    for name, value in (
        ("execution", 0),
        ("events", 0),
        ("concurrency", 0),
        ("rate", -1),
        ("rate", float("nan")),
    ):
        with pytest.raises(Unfit, match=name):
            Bounds(**{name: value})  # type: ignore[arg-type]
    await store.write(lambda tx: tx.functions.delete(function.id))
    assert (await store.snapshot()).bounds == {}


async def test_usage_waits_for_a_store_that_is_away(at_noon: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    real, failures = Store.write, 0

    async def write(self: Store, action: object, *, actor: str = "system") -> object:
        nonlocal failures
        if failures < 2:
            failures += 1
            raise StoreError("away")
        return await real(self, action, actor=actor)  # type: ignore[arg-type]

    meter = Meter(lambda: NOON)
    meter.know({"i": "f"})
    meter.call(ended("i", 1.0))
    monkeypatch.setattr(Store, "write", write)
    await meter.flush(at_noon)
    meter.call(ended("i", 2.0))
    await meter.flush(at_noon)
    await meter.flush(at_noon)
    (used,) = await at_noon.read(lambda tx: tx.usage.by_function())
    assert (failures, used.calls, used.wall) == (2, 2, 3.0)


# ---------------------------------------------------------------- lock-out


class Service:
    """What serves over a store, without a network: its pipeline, and the ingress in front of it."""

    def __init__(self, store: Store, meter: Meter, queue: MemoryQueue, running: Running) -> None:
        self.store = store
        self.meter = meter
        self.queue = queue
        self.running = running
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(ingress_app(running.enter)), base_url="http://hooks.test"
        )

    async def settled(self) -> None:
        """Meter what was done, and let what follows from it take over."""
        before = self.running.current
        locks = self.meter.locks
        await self.meter.flush(self.store)
        if self.meter.locks != locks:
            await self.until(lambda: self.running.current is not before)

    async def until(self, condition: Callable[[], object]) -> None:
        with trio.fail_after(60):
            while not condition():  # noqa: ASYNC110 -- threads of the store are at it
                await trio.sleep(0.005)

    async def waiting(self, queue: str) -> int:
        return (await self.queue.stats(queue)).waiting

    async def track(self, source: Source) -> httpx.Response:
        event = {"event": "E", "userId": "u"}
        return await self.client.post("/v1/track", json=event, auth=(source.write_keys[0], ""))

    async def hook(self, source: Source) -> httpx.Response:
        headers = {"Authorization": f"Bearer {source.webhook_secret}"}
        return await self.client.post(f"/webhooks/{source.id}", json={}, headers=headers)


@asynccontextmanager
async def serving(store: Store, ran: list[str]) -> AsyncIterator[Service]:
    """The parts of ``isthmus serve --data``; functions write down that they ran."""

    def runs(event: object, settings: object, world: object) -> None:
        ran.append("destination")

    def hooked(request: object, settings: object, world: object) -> None:
        ran.append("source")

    runtime = ScriptedRuntime({"onTrack": runs, "onRequest": hooked})
    queue = MemoryQueue()
    meter = Meter(lambda: NOON)
    await meter.flush(store)
    basis = StoreBasis(store, isthmus.Egress(), count=lambda seen: None, meter=meter, journals=Journals())
    async with (
        isthmus.open_engine(plugins=[runtime], load_entry_points=False, observe=basis.call) as engine,
        trio.open_nursery() as whole,
        trio.open_nursery() as pipelines,
    ):
        running = Running(
            pipelines, engine, queue, observe=basis.observe, archive=None, grace=1.0, event_bytes=40_000
        )

        async def reload() -> None:
            await running.load(basis.load)

        await reload()
        whole.start_soon(basis.follow, reload)
        yield Service(store, meter, queue, running)
        running.stop()
        whole.cancel_scope.cancel()


@pytest.fixture
async def one_store(quick_path: Path, keys: KeyRing) -> AsyncIterator[Store]:
    async with open_store(f"sqlite:{quick_path}/store.db", keys=keys, clock=lambda: NOON) as opened:
        yield opened


async def scripted(store: Store, kind: ResourceType) -> str:
    draft = Draft(code="// scripted", display_name="Fn")
    return (await store.write(lambda tx: tx.functions.create(kind, draft, language="scripted"))).id


@pytest.mark.parametrize("of_function", [True, False])
async def test_what_is_locked_waits_and_goes_on_where_the_quota_is_another(
    one_store: Store, of_function: bool
) -> None:
    store, ran = one_store, list[str]()
    function = await scripted(store, ResourceType.DESTINATION)
    source = await made_source(store)
    destination = await made_destination(store, source, function)
    subject = function if of_function else WORKSPACE
    await store.write(lambda tx: tx.bounds.put(subject, Bounds(execution=1e-9, locks=True)))
    async with serving(store, ran) as service:
        assert (await service.track(source)).status_code == 200
        await service.until(lambda: len(ran) == 1)
        await service.settled()
        assert service.meter.locks.hold(function)
        for _ in range(2):
            assert (await service.track(source)).status_code == 200  # it is kept
        assert await service.waiting(f"destination:{destination.id}") == 2
        assert len(ran) == 1
        await store.write(lambda tx: tx.bounds.put(subject, Bounds(execution=3600.0, locks=True)))
        await service.settled()
        await service.until(lambda: len(ran) == 3)
    assert (await store.read(lambda tx: tx.usage.by_function()))[0].calls >= 1


async def test_a_locked_source_function_takes_no_webhooks_and_others_go_on(one_store: Store) -> None:
    store, ran = one_store, list[str]()
    hooked = await scripted(store, ResourceType.SOURCE)
    hooks = await made_source(store, "hooks", hooked)
    await store.write(lambda tx: tx.functions.deploy(hooks.id))
    web = await made_source(store)
    await store.write(lambda tx: tx.bounds.put(hooked, Bounds(execution=1e-9, locks=True)))
    async with serving(store, ran) as service:
        assert (await service.hook(hooks)).status_code == 200
        assert ran == ["source"]
        await service.settled()
        refused = await service.hook(hooks)
        assert (refused.status_code, refused.json()["code"]) == (429, "quota_used")
        assert int(refused.headers["Retry-After"]) > 0
        assert (await service.track(web)).status_code == 200
        assert ran == ["source"]


async def test_no_event_is_taken_where_the_quota_of_events_is_used_up(one_store: Store) -> None:
    source = await made_source(one_store)
    await one_store.write(lambda tx: tx.bounds.put(WORKSPACE, Bounds(events=1, locks=True)))
    async with serving(one_store, []) as service:
        assert (await service.track(source)).status_code == 200
        await service.settled()
        refused = await service.track(source)
        assert (refused.status_code, refused.json()["code"]) == (429, "quota_used")


async def test_more_than_the_workspace_s_rate_is_told_to_come_back(one_store: Store) -> None:
    sources = [await made_source(one_store, slug) for slug in ("one", "two")]
    await one_store.write(lambda tx: tx.bounds.put(WORKSPACE, Bounds(rate=0.001)))
    async with serving(one_store, []) as service:
        assert (await service.track(sources[0])).status_code == 200
        refused = await service.track(sources[1])
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
