"""Schedules: within their window, capped, spread, and the same each time they are asked."""

from __future__ import annotations

import itertools
import math
import statistics
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, strategies as st

from isthmus.errors import EngineError
from isthmus.functions import Kind
from isthmus.outcomes import Code, Status
from isthmus.rules import (
    DESTINATION,
    SCHEDULES,
    SOURCE,
    SOURCE_INSERT,
    Delivered,
    Dropped,
    Refused,
    RetryAt,
    Schedule,
    decide,
)


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    low = draw(st.floats(0.01, 100))
    high = low * draw(st.floats(1, 10))
    window = draw(st.none() | st.floats(0, 20_000))
    attempts = draw(st.integers(1, 30) if window is None else st.none() | st.integers(1, 30))
    return Schedule(
        first=(low, high),
        factor=draw(st.floats(1, 4)),
        cap=high * draw(st.floats(1, 100)),
        window=window,
        attempts=attempts,
    )


def life(schedule: Schedule, message_id: str, lateness: float = 0.0) -> list[float]:
    """Start times of all attempts of a delivery that never succeeds, each as late as said."""
    starts = [0.0]
    while len(starts) < 1_000:
        decision = decide(
            Status.RETRY,
            Code.RETRY,
            attempt=len(starts),
            first_at=0.0,
            now=starts[-1],
            message_id=message_id,
            schedule=schedule,
        )
        if not isinstance(decision, RetryAt):
            assert isinstance(decision, Refused)
            assert decision.reason in {"attempts", "window"}
            return starts
        assert decision.at == starts[-1] + decision.seconds
        starts.append(decision.at + lateness)
    return starts


@given(schedules(), st.text(), st.floats(0, 1_000), st.floats(0, 1e9), st.integers(1, 40))
def test_a_retry_lies_within_the_schedules_bounds(
    schedule: Schedule, message_id: str, elapsed: float, first_at: float, attempt: int
) -> None:
    now = first_at + elapsed
    arguments: dict[str, Any] = {
        "attempt": attempt,
        "first_at": first_at,
        "now": now,
        "message_id": message_id,
        "schedule": schedule,
    }
    decision = decide(Status.RETRY, Code.GATEWAY_TIMEOUT, **arguments)
    assert decision == decide(Status.RETRY, Code.GATEWAY_TIMEOUT, **arguments)
    if isinstance(decision, RetryAt):
        low, high = schedule.bounds(attempt)
        assert low <= decision.seconds <= high <= schedule.cap
        assert decision.at >= now
        assert schedule.window is None or decision.at <= first_at + schedule.window
        assert schedule.attempts is None or attempt < schedule.attempts
    else:
        assert isinstance(decision, Refused)
        assert decision.code is Code.GATEWAY_TIMEOUT
        if decision.reason == "attempts":
            assert schedule.attempts is not None
            assert attempt >= schedule.attempts
        else:
            assert schedule.window is not None
            assert now + schedule.bounds(attempt)[1] > first_at + schedule.window


@given(schedules(), st.integers(1, 10_000))
def test_waits_grow_up_to_the_cap_and_stay_spread(schedule: Schedule, attempt: int) -> None:
    low, high = schedule.bounds(attempt)
    next_low, next_high = schedule.bounds(attempt + 1)
    assert low <= next_low * (1 + 1e-9)
    assert high <= next_high <= schedule.cap
    assert high / low == pytest.approx(schedule.first[1] / schedule.first[0])


@given(st.sampled_from([DESTINATION, SOURCE, SOURCE_INSERT]), st.text(), st.floats(0, 60))
def test_a_delivery_that_always_fails_ends(schedule: Schedule, message_id: str, lateness: float) -> None:
    starts = life(schedule, message_id, lateness)
    if schedule.attempts is not None:
        assert len(starts) == schedule.attempts
    if schedule.window is not None:
        assert starts[-1] <= schedule.window + lateness
        assert len(starts) >= 5


@given(st.sampled_from([Status.DELIVERED, Status.DROPPED, Status.REFUSED]), schedules(), st.integers(1, 50))
def test_only_a_retry_is_retried(status: Status, schedule: Schedule, attempt: int) -> None:
    decision = decide(status, None, attempt=attempt, first_at=0.0, now=1e6, message_id="m", schedule=schedule)
    expected = {
        Status.DELIVERED: Delivered(),
        Status.DROPPED: Dropped(),
        Status.REFUSED: Refused("permanent"),
    }
    assert decision == expected[status]


def test_choice_6_a_source_has_six_attempts_from_minutes_to_twenty_minutes() -> None:
    assert SOURCE.bounds(1) == (60, 180)
    assert SOURCE.attempts == 6
    for number in range(300):
        starts = life(SOURCE, f"m-{number}")
        waits = [later - earlier for earlier, later in itertools.pairwise(starts)]
        assert len(starts) == 6
        assert 60 <= waits[0] <= 180
        assert max(waits) <= 1_200
    assert [SOURCE.bounds(attempt)[1] for attempt in range(1, 6)] == [180, 360, 720, 1_200, 1_200]


def test_destinations_make_about_ten_retries_in_four_hours_and_events_spread_out() -> None:
    lives = [life(DESTINATION, f"message-{number}") for number in range(2_000)]
    retries = sorted(len(starts) - 1 for starts in lives)
    assert retries[100] >= 8
    assert retries[-100] <= 12
    assert statistics.mean(retries) == pytest.approx(9.8, abs=0.5)
    waves = Counter(int(start // 10) for starts in lives for start in starts if start > 60)
    assert max(waves.values()) <= 0.25 * len(lives)


def test_the_draws_are_even_and_independent_of_each_other() -> None:
    fractions = [
        Schedule(first=(1e-9, 1), cap=1, attempts=9).wait(f"m{number}", 1) for number in range(4_000)
    ]
    assert statistics.mean(fractions) == pytest.approx(0.5, abs=0.03)
    assert statistics.pstdev(fractions) == pytest.approx(math.sqrt(1 / 12), abs=0.02)
    again = [Schedule(first=(1e-9, 1), cap=1, attempts=9).wait(f"m{number}", 2) for number in range(4_000)]
    assert abs(statistics.correlation(fractions, again)) < 0.1


def test_an_event_that_waited_long_still_gets_its_first_try_and_its_window() -> None:
    # The window counts from the first attempt, however old the event is by then.
    decision = decide(
        Status.RETRY, Code.RETRY, attempt=1, first_at=1e6, now=1e6 + 5, message_id="m", schedule=DESTINATION
    )
    assert isinstance(decision, RetryAt)


def test_each_kind_has_its_schedule() -> None:
    assert SCHEDULES == {
        Kind.SOURCE: SOURCE,
        Kind.DESTINATION: DESTINATION,
        Kind.INSERT: DESTINATION,
        Kind.SOURCE_INSERT: SOURCE_INSERT,
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"first": (0.0, 1.0)},
        {"first": (2.0, 1.0)},
        {"first": (1.0, math.inf)},
        {"factor": 0.5},
        {"cap": 0.5},
        {"cap": math.nan},
        {"window": -1.0},
        {"attempts": 0},
        {"attempts": None},
    ],
)
def test_a_schedule_that_contradicts_itself_is_refused(wrong: dict[str, Any]) -> None:
    right: dict[str, Any] = {"first": (1.0, 2.0), "cap": 10.0, "attempts": 3}
    with pytest.raises(EngineError, match="Schedule"):
        Schedule(**{**right, **wrong})
