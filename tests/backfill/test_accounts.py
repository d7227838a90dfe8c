"""Whatever becomes of its events, a backfill accounts for each of them once, in the part it is of."""

from __future__ import annotations

import json
from collections import Counter
from functools import reduce
from operator import add
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import trio
import trio.testing
from hypothesis import given, settings, strategies as st

from isthmus.pipelines import Batching, Destination, Filter
from isthmus.sinks import CallableSink, Retry
from isthmus_backfill._carrier import shared
from isthmus_backfill._ledger import Counts, Ledger
from isthmus_backfill._messages import Finished

from .conftest import carrying, event, failures, plan_of, works

FATES = ("delivered", "refused", "given_up", "filtered", "broken", "once again", "twice again")

batches = st.builds(lambda count: Batching(count=count, wait=0.0), st.integers(1, 7))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(FATES), max_size=60), st.integers(1024, 4000), batches, st.integers(1, 5))
def test_every_event_is_counted_once_whatever_becomes_of_it(
    fates: list[str], part_bytes: int, batching: Batching, slots: int
) -> None:
    tries: Counter[int] = Counter()

    def take(one: dict[str, Any]) -> None:
        number = one["n"]
        tries[number] += 1
        fate = fates[number]
        again = {"given_up": 10**9, "once again": 1, "twice again": 2}.get(fate, 0)
        if tries[number] <= again:
            raise Retry("busy")
        if fate == "refused":
            raise ValueError("no")

    async def run(folder: Path) -> list[Counts]:
        path = folder / "a.ndjson"
        lines = [
            b"{broken" if fate == "broken" else json.dumps(event(n, n=n, event=fate)).encode()
            for n, fate in enumerate(fates)
        ]
        path.write_bytes(b"\n".join(lines))
        destination = Destination(
            name="crm",
            to=CallableSink(take),
            filter=Filter(except_events=("filtered",)),
            batching=batching,
            concurrency=slots,
        )
        done: list[Counts] = []
        async with carrying(shared(destination, 1, 60.0), folder) as carrier, trio.open_nursery() as nursery:

            async def carry(work: Any) -> None:
                said = await carrier.carry(work)
                assert isinstance(said, Finished)
                done.append(said.result.counts)

            for work in works(plan_of(path, part_bytes)):
                nursery.start_soon(carry, work)
        return done

    with TemporaryDirectory() as folder:
        done = trio.run(run, Path(folder), clock=trio.testing.MockClock(autojump_threshold=0))
        kept = Counter(record["status"] for record in failures(Path(folder) / "ledger"))
        written = Ledger(Path(folder) / "ledger").results()
    counts = reduce(add, done, Counts())
    expected = Counter("delivered" if "again" in fate else fate for fate in fates)
    assert {name: getattr(counts, name) for name in FATES[:5]} == {name: expected[name] for name in FATES[:5]}
    assert counts.retried == sum(tries.values()) - len(tries)
    assert kept == {name: expected[name] for name in ("refused", "given_up", "broken") if expected[name]}
    assert reduce(add, (result.counts for result in written.values()), Counts()) == counts
