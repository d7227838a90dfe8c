"""Counts and percentiles, against the standard library and against a plain count."""

from __future__ import annotations

import statistics
from collections import Counter

import msgspec
import pytest
from hypothesis import given, strategies as st

from isthmus import Code, ItemResult, Outcome, Problem, Status, Usage
from isthmus._cli.tally import FAILURES, Counted, Durations, Failure, Tally, percentile

durations = st.floats(0, 1e4)

PROBLEMS = [
    None,
    Problem(name="RetryError", message="busy", code=Code.RETRY),
    Problem(name="TypeError", message="x is undefined", code=Code.BAD_REQUEST),
]
STATUSES = {None: Status.DELIVERED, Code.RETRY: Status.RETRY, Code.BAD_REQUEST: Status.REFUSED}
results = st.sampled_from(PROBLEMS).map(
    lambda problem: ItemResult(status=STATUSES[problem.code if problem else None], problem=problem)
)
handlers = st.sampled_from(["onTrack", "onIdentify"])


def outcome(
    handler: str, result: ItemResult, wall: float = 0.0, items: tuple[ItemResult, ...] = ()
) -> Outcome:
    return Outcome(
        function="f",
        instance="f",
        handler=handler,
        status=result.status,
        problem=result.problem,
        items=items,
        usage=Usage(wall=wall),
    )


@given(st.lists(durations, min_size=2, max_size=200), st.integers(1, 99))
def test_percentiles_are_those_of_the_statistics_module(values: list[float], percent: int) -> None:
    expected = statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
    assert percentile(sorted(values), percent) == pytest.approx(expected)


@given(st.lists(durations, min_size=1, max_size=60))
def test_all_durations_are_kept_up_to_the_bound(values: list[float]) -> None:
    taken = Durations(bound=60)
    for value in values:
        taken.add(value)
    assert taken.count == len(values)
    assert taken.percentiles(0, 100) == (min(values), max(values))


def test_beyond_the_bound_a_sample_of_all_is_kept() -> None:
    taken = Durations(bound=1000)
    for value in range(20_000):
        taken.add(float(value))
    assert taken.count == 20_000
    assert len(taken._values) == 1000
    assert taken.percentiles(50)[0] == pytest.approx(10_000, rel=0.15)
    assert taken.percentiles(0)[0] < 1000 < 19_000 < taken.percentiles(100)[0]


def test_no_durations_have_no_percentiles() -> None:
    assert Durations().percentiles(50, 99) == (0.0, 0.0)


@given(st.lists(st.tuples(handlers, results, durations), max_size=40))
def test_outcomes_are_counted_by_handler_status_and_code(given_: list[tuple[str, ItemResult, float]]) -> None:
    tally = Tally()
    for number, (handler, result, wall) in enumerate(given_, 1):
        tally.add_one(outcome(handler, result, wall), number)
    expected = Counter(
        (handler, result.status, result.problem.code.value if result.problem else "")
        for handler, result, _ in given_
    )
    assert {(row.handler, row.status, row.code): row.events for row in tally.rows()} == expected
    assert tally.events == len(given_)
    assert tally.failed == sum(result.problem is not None for _, result, _ in given_)
    assert sum(failure.count for failure in tally.failures) == tally.failed


@given(st.lists(results, min_size=1, max_size=20))
def test_a_batch_counts_each_event_and_one_call(items: list[ItemResult]) -> None:
    tally = Tally()
    tally.add(outcome("onBatch", items[0], 0.5, tuple(items)), range(1, len(items) + 1))
    rows = tally.rows()
    assert sum(row.events for row in rows) == len(items) == tally.events
    assert all(row.calls == 1 and row.p50 == 0.5 for row in rows)


def test_a_failure_says_where_it_came_up_first() -> None:
    tally = Tally()
    for number in (7, 3, 9, 1, 8, 2, 10, 4, 6, 5):
        tally.add_one(outcome("onTrack", ItemResult(status=Status.RETRY, problem=PROBLEMS[1])), number)
    (failure,) = tally.failures
    assert (failure.count, failure.places, failure.name) == (10, [(0, n) for n in range(1, 6)], "RetryError")


def test_a_message_that_is_never_the_same_takes_no_more_room() -> None:
    tally = Tally()
    for number in range(3 * FAILURES):
        problem = Problem(name="Error", message=f"order {number}", code=Code.BAD_REQUEST)
        tally.add_one(outcome("onTrack", ItemResult(status=Status.REFUSED, problem=problem)), number)
    assert len(tally.failures) == FAILURES + 1
    assert (tally.failures[0].message, tally.failures[0].count) == ("other errors", 2 * FAILURES)


@given(
    st.lists(st.tuples(handlers, results, durations), max_size=60),
    st.lists(st.integers(0, 60), max_size=4).map(sorted),
)
def test_parts_counted_together_are_the_whole(
    given_: list[tuple[str, ItemResult, float]], cuts: list[int]
) -> None:
    whole, together, part = Tally(), Tally(), Tally()
    for number, (handler, result, wall) in enumerate(given_, 1):
        whole.add_one(outcome(handler, result, wall), number)
        part.add_one(outcome(handler, result, wall), number)
        if number in cuts:
            together.merge(sent(part.take()))
    together.merge(sent(part.take()))
    assert together.rows() == whole.rows()
    assert (together.events, together.by_status) == (whole.events, whole.by_status)
    assert [failure_of(failure) for failure in together.failures] == [
        failure_of(failure) for failure in whole.failures
    ]


def sent(counted: Counted) -> Counted:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(counted), type=Counted)


def failure_of(failure: Failure) -> tuple[object, ...]:
    return failure.status, failure.name, failure.message, failure.code, failure.count, failure.places
