"""What a delivery log keeps."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from isthmus import EngineError, Status
from isthmus.deliveries import DeliveryLog
from isthmus.pipelines import Accepted, Attempted
from isthmus.rules import Decision, Delivered, Refused, RetryAt


def attempted(
    delivery: str, attempt: int, decision: Decision, at: float = 0.0, queue: str = "q"
) -> Attempted:
    status = Status.DELIVERED if isinstance(decision, Delivered) else Status.RETRY
    return Attempted(
        queue=queue, delivery=delivery, attempt=attempt, status=status, problem=None, decision=decision, at=at, age=0.0, took=0.0
    )  # fmt: skip


def test_a_record_has_all_attempts_of_a_delivery() -> None:
    log = DeliveryLog(sample=0.0)
    log(Accepted("s", "m", ("q",)))
    log(attempted("m", 1, RetryAt(1.0, 1.0)))
    record = log.find("q", "m")
    assert record is not None
    assert not record.is_over
    log(attempted("m", 2, Delivered()))
    record = log.find("q", "m")
    assert record is not None
    assert record.is_over
    assert [one.attempt for one in record.attempts] == [1, 2]
    assert log.find("other", "m") is None


def test_successes_at_once_are_sampled_and_failures_are_not() -> None:
    log = DeliveryLog(sample=0.1)
    for number in range(1000):
        log(attempted(f"well{number}", 1, Delivered()))
        log(attempted(f"ill{number}", 1, Refused("permanent")))
    kept = [record.delivery for record in log.records("q")]
    assert sum(name.startswith("ill") for name in kept) == 1000
    assert 50 <= sum(name.startswith("well") for name in kept) <= 150


@given(st.lists(st.tuples(st.integers(0, 20), st.floats(0, 50)), max_size=60), st.integers(1, 5))
def test_it_keeps_to_its_bounds_and_the_latest_is_there(steps: list[tuple[int, float]], most: int) -> None:
    log = DeliveryLog(most=most, age=100.0, attempts=3)
    now = 0.0
    for number, pause in steps:
        now += pause
        log(attempted(f"m{number}", 1, Refused("permanent"), now))
        assert len(log) <= most
        records = list(log.records())
        assert records[0].delivery == f"m{number}"
        assert all(record.attempts[-1].at >= now - 100.0 and len(record.attempts) <= 3 for record in records)


def test_numbers_that_are_none_are_refused() -> None:
    with pytest.raises(EngineError, match="sample"):
        DeliveryLog(sample=2.0)
