"""Nothing lost, nothing twice, order kept, and each batch within its bounds."""

from __future__ import annotations

import math

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from isthmus._rules.batching import Batch, Batcher
from isthmus.errors import EngineError


class BatcherMachine(RuleBasedStateMachine):
    """Drives a batcher as an engine would, late at times, and keeps its own account."""

    # Bounds far apart, so that each of them is the one that closes batches in some of the runs.
    @initialize(
        max_count=st.sampled_from([1, 3, 6]),
        max_wait=st.sampled_from([0.0, 1.0, 10.0]),
        max_bytes=st.sampled_from([1, 20, 1_000]),
    )
    def start(self, max_count: int, max_wait: float, max_bytes: int) -> None:
        self.max_count, self.max_wait, self.max_bytes = max_count, max_wait, max_bytes
        self.batcher: Batcher[int] = Batcher(max_count, max_wait, max_bytes)
        self.now = 1_000.0
        self.arrivals: list[tuple[float, int]] = []
        self.handed_out = 0

    def take(self, batches: list[Batch[int]]) -> None:
        for batch in batches:
            count = len(batch.items)
            # The next items in order of arrival, so none is lost, doubled or overtaken.
            assert list(batch.items) == list(range(self.handed_out, self.handed_out + count))
            times = [self.arrivals[item][0] for item in batch.items]
            sizes = [self.arrivals[item][1] for item in batch.items]
            assert 1 <= count <= self.max_count
            assert batch.bytes == sum(sizes)
            assert batch.bytes <= self.max_bytes or count == 1
            assert batch.since == times[0]
            # Nobody who came when the first had waited long enough was let in.
            assert all(time < times[0] + self.max_wait or time == times[0] for time in times)
            if batch.closed_by == "count":
                assert count == self.max_count
            if batch.closed_by == "wait":
                assert self.now >= times[0] + self.max_wait
            if batch.closed_by == "bytes":
                following = [size for _, size in self.arrivals[self.handed_out + count :][:1]]
                assert batch.bytes + sum(following) > self.max_bytes or batch.bytes == self.max_bytes
            self.handed_out += count

    @rule(size=st.integers(0, 6) | st.sampled_from([20, 50]))
    def add(self, size: int) -> None:
        item = len(self.arrivals)
        self.arrivals.append((self.now, size))
        self.take(self.batcher.add(item, size, self.now))
        due = self.batcher.next_due()
        assert due is None or due > self.now

    @rule(seconds=st.sampled_from([0.0, 0.5, 1.0, 9.5, 30.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def asked_too_early(self) -> None:
        due = self.batcher.next_due()
        if due is not None and due > self.now:
            assert self.batcher.due(math.nextafter(due, 0)) == []

    @rule()
    def wake_when_due(self) -> None:
        due = self.batcher.next_due()
        if due is not None:
            self.now = max(self.now, due)
            self.take(self.batcher.due(self.now))
            assert len(self.batcher) == 0

    @rule()
    def flush(self) -> None:
        self.take(self.batcher.flush())
        assert self.handed_out == len(self.arrivals)

    @invariant()
    def what_waits_is_what_was_not_handed_out(self) -> None:
        if not hasattr(self, "batcher"):
            return
        waiting = len(self.arrivals) - self.handed_out
        assert len(self.batcher) == waiting
        assert waiting < self.max_count
        assert sum(size for _, size in self.arrivals[self.handed_out :]) < self.max_bytes
        if waiting:
            assert self.batcher.next_due() == self.arrivals[self.handed_out][0] + self.max_wait
        else:
            assert self.batcher.next_due() is None

    def teardown(self) -> None:
        if hasattr(self, "batcher"):
            self.take(self.batcher.flush())
            assert self.handed_out == len(self.arrivals)


TestBatcher = BatcherMachine.TestCase


def test_twenty_events_or_ten_seconds_are_the_defaults() -> None:
    batcher: Batcher[int] = Batcher()
    closed = [batch for item in range(20) for batch in batcher.add(item, 1, 0.0)]
    assert [(len(batch.items), batch.closed_by) for batch in closed] == [(20, "count")]
    batcher.add(20, 1, 5.0)
    assert batcher.due(14.9) == []
    assert [batch.closed_by for batch in batcher.due(15.0)] == ["wait"]


def test_a_large_item_goes_alone_after_those_before_it() -> None:
    batcher: Batcher[str] = Batcher(max_bytes=10)
    assert batcher.add("small", 4, 0.0) == []
    assert [batch.items for batch in batcher.add("large", 99, 0.0)] == [("small",), ("large",)]


@pytest.mark.parametrize(
    "arguments", [(0, 1.0, 1), (1, -1.0, 1), (1, math.nan, 1), (1, math.inf, 1), (1, 1.0, 0)]
)
def test_bounds_that_bind_nothing_are_refused(arguments: tuple[int, float, int]) -> None:
    with pytest.raises(EngineError, match=r"a batch (holds|waits)"):
        Batcher(*arguments)
