"""All ways to end, by kind and switch, against a table written from Segment's error pages."""

from __future__ import annotations

from typing import Literal, get_args, get_type_hints

import pytest
from hypothesis import given, strategies as st

from isthmus._rules.endings import judge_throw, problem_of, status_of
from isthmus.abc import Killed, Thrown
from isthmus.functions import Kind
from isthmus.outcomes import Code, Status

# What is thrown -> (code, is it tried again); for every kind and switch, with the exceptions below.
THROWN = {
    "EventNotSupported": ("unsupported_event_type", "refused"),
    "InvalidEventPayload": ("message_rejected", "refused"),
    "ValidationError": ("message_rejected", "refused"),
    "RetryError": ("retry", "retry"),
    "DropEvent": ("bad_request", "refused"),
    "FetchError": ("bad_request", "refused"),
    "Error": ("bad_request", "refused"),
    "TypeError": ("bad_request", "refused"),
    "AbortError": ("bad_request", "refused"),
    "retryerror": ("bad_request", "refused"),
    "Timeout": ("bad_request", "refused"),
    "": ("bad_request", "refused"),
}
KILLED = {
    "timeout": ("Timeout", "gateway_timeout", "retry"),
    "cpu": ("CpuLimit", "gateway_timeout", "retry"),
    "memory": ("MemoryLimit", "bad_request", "refused"),
    "output": ("OutputLimit", "bad_request", "refused"),
    "crash": ("Crash", "internal", "retry"),
}
Reason = Literal["timeout", "cpu", "memory", "output", "crash"]


@pytest.mark.parametrize("retry_network_errors", [False, True])
@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("name", THROWN)
def test_a_throw_means_what_the_table_says(name: str, kind: Kind, retry_network_errors: bool) -> None:
    code, status = THROWN[name]
    if name == "DropEvent" and kind in {Kind.INSERT, Kind.SOURCE_INSERT}:
        code, status = "filtered", "dropped"
    if name == "FetchError" and retry_network_errors:
        code, status = "retry", "retry"
    came = judge_throw(kind, Thrown(name, "why", "at 1:2"), retry_network_errors=retry_network_errors)
    assert came[0] is Status(status)
    assert (came[1].name, came[1].message, came[1].stack, came[1].code) == (name, "why", "at 1:2", Code(code))


@pytest.mark.parametrize("retry_network_errors", [False, True])
@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("reason", get_args(Reason))
def test_a_limit_means_what_the_table_says(reason: Reason, kind: Kind, retry_network_errors: bool) -> None:
    name, code, status = KILLED[reason]
    came = judge_throw(kind, Killed(reason, "5 s passed"), retry_network_errors=retry_network_errors)
    assert came[0] is Status(status)
    assert (came[1].name, came[1].message, came[1].code) == (name, "5 s passed", Code(code))


def test_every_reason_to_be_killed_is_in_the_table() -> None:
    assert set(get_args(get_type_hints(Killed)["reason"])) == set(KILLED)


@given(st.text(), st.sampled_from(Kind), st.booleans())
def test_any_other_throw_is_a_fault_of_the_code(name: str, kind: Kind, retry_network_errors: bool) -> None:
    if name not in THROWN:
        status, problem = judge_throw(kind, Thrown(name, ""), retry_network_errors=retry_network_errors)
        assert (status, problem.code) == (Status.REFUSED, Code.BAD_REQUEST)


def test_only_what_may_mend_is_tried_again() -> None:
    retried = {code for code in Code if status_of(code) is Status.RETRY}
    assert retried == {Code.RETRY, Code.GATEWAY_TIMEOUT, Code.INTERNAL}
    assert {code for code in Code if status_of(code) is Status.DROPPED} == {Code.FILTERED}


def test_choice_16_an_uncaught_network_error_is_retried_only_with_the_switch() -> None:
    ending = Thrown("FetchError", "request to https://example.com/ failed, reason: ECONNRESET")
    assert judge_throw(Kind.DESTINATION, ending, retry_network_errors=False)[0] is Status.REFUSED
    status, problem = judge_throw(Kind.DESTINATION, ending, retry_network_errors=True)
    assert (status, problem.code, problem.name) == (Status.RETRY, Code.RETRY, "FetchError")


def test_dropping_counts_only_where_the_kind_is_known_to_be_an_insert() -> None:
    ending = Thrown("DropEvent", "not for us")
    assert problem_of(ending).code is Code.BAD_REQUEST
    assert problem_of(ending, kind=Kind.SOURCE_INSERT).code is Code.FILTERED


@pytest.mark.parametrize(
    ("name", "asked", "kept"),
    [
        ("RetryError", 90.0, 90.0),
        ("RetryError", None, None),
        ("RetryError", "90", 90.0),
        ("RetryError", "Thu, 01 Jan 1970 00:10:00 GMT", 540.0),
        ("RetryError", "soon", None),
        ("RetryError", -1.0, None),
        ("RetryError", float("inf"), None),
        ("RetryError", float("nan"), None),
        ("ValidationError", 90.0, None),
    ],
)
def test_what_an_error_asks_to_wait_is_kept_where_it_is_tried_again(
    name: str, asked: float | str | None, kept: float | None
) -> None:
    assert problem_of(Thrown(name, "later", retry_after=asked), at=60.0).retry_after == kept
