"""The rules of a pipeline that need neither a clock nor a queue."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from isthmus import Code, EngineError, Status
from isthmus._pipeline.attempts import retry_after
from isthmus._rules.bisection import Bisection
from isthmus._rules.breaker import CLOSED, BreakerPolicy, probing, recorded, unanswered, wait_for_probe
from isthmus._rules.pacing import Bucket, Rate
from isthmus.pipelines import Filter
from isthmus.rules import RetryAt, Schedule, decide

# ---------------------------------------------------------------- bisection


@given(st.integers(1, 200), st.data())
def test_exactly_the_poisonous_events_of_a_batch_are_left_alone_and_every_event_is_judged_once(
    count: int, data: st.DataObject
) -> None:
    poison = data.draw(st.sets(st.integers(0, count - 1)))
    bisection = Bisection(list(range(count)))
    dead: list[int] = []
    delivered: list[int] = []
    calls = 0
    while (part := bisection.next()) is not None:
        calls += 1
        if poison.intersection(part):
            dead += bisection.failed(part, timed_out=False)
        else:
            delivered += part
    assert sorted(dead) == sorted(poison)
    assert sorted(delivered + dead) == list(range(count))
    assert calls <= 1 + 2 * len(poison) * count.bit_length()


@given(st.integers(1, 500))
def test_a_batch_of_which_everything_times_out_is_given_up_after_few_calls_and_loses_nobody(
    count: int,
) -> None:
    bisection = Bisection(list(range(count)))
    judged: list[int] = []
    calls = 0
    while (part := bisection.next()) is not None:
        calls += 1
        judged += bisection.failed(part, timed_out=True)
    assert sorted(judged) == list(range(count))
    # Those that are left are tried once, as parts; each halving leaves one.
    assert calls <= 4 * (count.bit_length() + 1)


@given(st.integers(2, 500), st.data())
def test_one_event_for_which_time_runs_out_is_found(count: int, data: st.DataObject) -> None:
    slow = data.draw(st.integers(0, count - 1))
    bisection = Bisection(list(range(count)))
    judged: list[int] = []
    while (part := bisection.next()) is not None:
        if slow in part:
            judged += bisection.failed(part, timed_out=True)
    assert judged == [slow]


# ---------------------------------------------------------------- breaker, rate, filter

POLICY = BreakerPolicy(failures=3, interval=10.0)


def test_a_breaker_opens_after_failures_in_a_row_and_closes_after_an_answer() -> None:
    breaker = CLOSED
    for failed in (True, True, False, True, True):
        breaker = recorded(POLICY, breaker, failed=failed, now=0.0)
    assert breaker.state == "closed"
    breaker = recorded(POLICY, breaker, failed=True, now=5.0)
    assert breaker.state == "open"
    assert wait_for_probe(POLICY, breaker, 6.0) == 9.0
    breaker = probing(breaker)
    assert wait_for_probe(POLICY, breaker, 16.0) is None
    assert wait_for_probe(POLICY, unanswered(breaker), 16.0) == 0.0
    assert recorded(POLICY, breaker, failed=True, now=16.0).since == 16.0
    assert recorded(POLICY, breaker, failed=False, now=16.0) == CLOSED


@given(st.lists(st.booleans(), max_size=60))
def test_a_breaker_is_open_only_after_as_many_failures_as_its_policy_says(results: list[bool]) -> None:
    breaker = CLOSED
    for place, failed in enumerate(results):
        breaker = recorded(POLICY, breaker, failed=failed, now=float(place))
        last = results[: place + 1]
        assert (breaker.state == "open") == (len(last) >= 3 and all(last[-3:]))


@given(
    st.floats(0.1, 1000),
    st.integers(1, 50),
    st.lists(st.tuples(st.floats(0, 10), st.integers(0, 100)), max_size=40),
)
def test_a_rate_holds_over_every_span(per_second: float, burst: int, steps: list[tuple[float, int]]) -> None:
    bucket = Bucket(Rate(per_second=per_second, burst=burst), 0.0)
    now = 0.0
    taken: list[tuple[float, int]] = []
    for pause, wanted in steps:
        now += pause
        count = min(wanted, bucket.available(now))
        bucket.take(count, now)
        taken.append((now, count))
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            span = taken[last][0] - taken[first][0]
            assert sum(count for _, count in taken[first : last + 1]) <= burst + per_second * span + 1e-3


@given(st.floats(0.1, 1000))
def test_a_token_is_there_once_its_wait_is_over(per_second: float) -> None:
    bucket = Bucket(Rate(per_second=per_second, burst=1), 0.0)
    bucket.take(1, 0.0)
    assert bucket.available(bucket.wait(0.0)) == 1


def test_a_filter_admits_by_type_and_by_name() -> None:
    wanted = Filter(types=("track", "identify"), events=("Signed Up",))
    assert wanted.admits("track", "Signed Up")
    assert wanted.admits("identify", None)
    assert not wanted.admits("track", "Signed In")
    assert not wanted.admits("page", None)
    assert not Filter(except_events=("Ping",)).admits("track", "Ping")
    assert Filter().admits(None, ["no name"])


# ---------------------------------------------------------------- retries


@given(st.sampled_from(["equal", "full", "decorrelated"]), st.text(max_size=8), st.integers(1, 60))
def test_a_wait_is_within_its_bounds_and_the_same_every_time(
    jitter: str, message_id: str, attempt: int
) -> None:
    schedule = Schedule(first=(1.0, 3.0), cap=100.0, attempts=100, factor=3.0, jitter=jitter)  # type: ignore[arg-type]
    low, high = schedule.bounds(attempt)
    wait = schedule.wait(message_id, attempt)
    assert low <= wait <= high <= 100.0
    assert wait == schedule.wait(message_id, attempt)


@given(st.text(max_size=8), st.integers(2, 30))
def test_a_decorrelated_wait_is_at_most_the_one_before_times_the_factor(
    message_id: str, attempt: int
) -> None:
    schedule = Schedule(first=(1.0, 3.0), cap=1e9, attempts=100, factor=3.0, jitter="decorrelated")
    assert schedule.wait(message_id, attempt) <= 3.0 * schedule.wait(message_id, attempt - 1) + 1e-9


@given(st.floats(0, 1e7), st.floats(0, 14_000), st.integers(1, 9))
def test_the_later_of_wait_and_retry_after_counts_within_bounds(
    asked: float, age: float, attempt: int
) -> None:
    schedule = Schedule(first=(30.0, 60.0), cap=3600.0, window=14_400.0)

    def decided(after: float | None) -> object:
        return decide(
            Status.RETRY, Code.RETRY, attempt=attempt, first_at=0.0, now=age, message_id="m",
            schedule=schedule, retry_after=after,
        )  # fmt: skip

    plain, later = decided(None), decided(asked)
    assert type(plain) is type(later)
    if isinstance(plain, RetryAt) and isinstance(later, RetryAt):
        assert later.seconds >= plain.seconds
        assert later.seconds >= min(asked, 3600.0, 14_400.0 - age) - 1e-6
        assert later.seconds <= max(plain.seconds, 3600.0)
        assert later.at <= 14_400.0 + 1e-6


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("Thu, 01 Jan 1970 00:10:00 GMT", 540.0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after([("Retry-After", value)], 60.0) == seconds


@pytest.mark.parametrize("broken", [{"failures": 0}, {"interval": 0.0}])
def test_a_breaker_whose_numbers_are_none_is_refused(broken: dict[str, float]) -> None:
    with pytest.raises(EngineError, match="BreakerPolicy"):
        BreakerPolicy(**broken)  # type: ignore[arg-type]
