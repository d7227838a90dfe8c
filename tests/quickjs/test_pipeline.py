"""JavaScript functions in a pipeline, from a webhook and from events to what they return."""

from __future__ import annotations

from typing import Any

import trio

import isthmus
from isthmus.pipelines import Attempted, Batching, Destination, Observation, Source
from isthmus.sinks import CallableSink
from isthmus.testing import MemoryQueue

ON_REQUEST = """
async function onRequest(request) {
  for (const order of request.json().orders) Segment.track({ event: 'Paid', userId: order.user, properties: order })
}
"""
INSERT = """
async function onTrack(event) {
  if (event.properties.total === 0) throw new DropEvent('nothing was paid')
  delete event.properties.card
  return event
}
"""
ON_BATCH = """
async function onTrack(event) { throw new RetryError('onBatch is there') }
async function onBatch(events) {
  return events.map((event) => event.properties.total < 0 ? { status: 400, errormessage: 'negative' } : { status: 200 })
}
"""


async def test_orders_of_a_webhook_reach_a_batch_and_a_callable() -> None:
    seen: list[Observation] = []
    kept: list[dict[str, Any]] = []
    orders = (
        b'{"orders":[{"user":"a","total":3,"card":"4111"},{"user":"b","total":0},{"user":"c","total":-1}]}'
    )
    async with isthmus.open_engine() as engine:

        async def load(kind: isthmus.Kind, code: str) -> isthmus.Instance:
            return await engine.load(
                isthmus.Function(name=kind.value, kind=kind, language="javascript", code=code)
            )

        insert = await load(isthmus.Kind.INSERT, INSERT)
        source = Source(id="shop", function=await load(isthmus.Kind.SOURCE, ON_REQUEST))
        destinations = [
            Destination(
                name="crm",
                to=await load(isthmus.Kind.DESTINATION, ON_BATCH),
                inserts=(insert,),
                batching=Batching(count=10, wait=0.1),
            ),
            Destination(name="kept", to=CallableSink(kept.append), inserts=(insert,)),
        ]
        queue = MemoryQueue()
        with trio.fail_after(60):
            async with isthmus.open_pipeline(
                engine,
                queue,
                sources=[source],
                destinations=destinations,
                observe=seen.append,
                clock=queue._now,
            ) as pipeline:
                webhook = await pipeline.receive("shop", isthmus.Request(body=orders))
                await pipeline.drain()
                crm = pipeline.stats().lanes["destination:crm"]
            dead = await queue.dead()
    assert (crm.delivered, crm.dropped, crm.dead) == (1, 1, {"permanent": 1})
    assert [letter.reason for letter in dead] == ["bad_request: BadRequest: status 400: negative"]
    assert sorted(event["userId"] for event in kept) == ["a", "c"]
    assert all("card" not in event["properties"] for event in kept)
    assert sorted(event["messageId"] for event in kept) == [f"{webhook}.0", f"{webhook}.2"]
    assert {one.attempt for one in seen if isinstance(one, Attempted)} == {1}
