"""Every kind of function, type of event and set of handlers against a table written from the prose."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from isthmus._rules.dispatch import (
    EVENT_HANDLERS,
    HANDLERS,
    Chosen,
    Ignored,
    PassThrough,
    Unsupported,
    choose,
    choose_batch,
)
from isthmus.functions import Kind
from isthmus.testing.strategies import EVENT_TYPES

SEVEN = {"onIdentify", "onTrack", "onPage", "onScreen", "onGroup", "onAlias", "onDelete"}
ALL_NAMES = sorted(SEVEN | {"onBatch", "onRequest", "onIdentity", "toString"})

# One row a rule, the first that fits counts: kind, the type is of the spec, its handler is there,
# pass_through -> what happens.  None fits both.
TABLE = [
    (Kind.DESTINATION, True, True, None, "run"),
    (Kind.DESTINATION, True, False, None, "unsupported"),
    (Kind.DESTINATION, False, None, None, "ignored"),
    (Kind.INSERT, True, True, None, "run"),
    (Kind.INSERT, True, False, False, "unsupported"),
    (Kind.INSERT, True, False, True, "passes"),
    (Kind.INSERT, False, None, False, "unsupported"),
    (Kind.INSERT, False, None, True, "passes"),
    (Kind.SOURCE_INSERT, True, True, None, "run"),
    (Kind.SOURCE_INSERT, True, False, False, "unsupported"),
    (Kind.SOURCE_INSERT, True, False, True, "passes"),
    (Kind.SOURCE_INSERT, False, None, False, "unsupported"),
    (Kind.SOURCE_INSERT, False, None, True, "passes"),
]

handler_sets = st.frozensets(st.sampled_from(ALL_NAMES))
event_types = (
    st.sampled_from(EVENT_TYPES) | st.none() | st.text() | st.sampled_from(["Track", "batch", "request"])
)


def expected(kind: Kind, event_type: str | None, handlers: frozenset[str], pass_through: bool) -> str:
    in_spec = event_type in EVENT_TYPES
    there = in_spec and "on" + str(event_type).capitalize() in handlers
    for row_kind, row_spec, row_there, row_pass, result in TABLE:
        if (
            row_kind is kind
            and row_spec == in_spec
            and row_there in {None, there}
            and row_pass in {None, pass_through}
        ):
            return result
    raise AssertionError("the table has a gap")


@given(
    st.sampled_from([Kind.DESTINATION, Kind.INSERT, Kind.SOURCE_INSERT]),
    event_types,
    handler_sets,
    st.booleans(),
)
def test_events_go_where_the_table_says(
    kind: Kind, event_type: str | None, handlers: frozenset[str], pass_through: bool
) -> None:
    choice = choose(kind, event_type, handlers, pass_through=pass_through)
    handler = "on" + str(event_type).capitalize() if event_type in EVENT_TYPES else ""
    match expected(kind, event_type, handlers, pass_through):
        case "run":
            assert choice == Chosen(handler)
            assert handler in HANDLERS[kind]
        case "passes":
            assert choice == PassThrough(handler)
        case "ignored":
            assert choice == Ignored("")
        case "unsupported":
            assert isinstance(choice, Unsupported)
            assert choice.handler == handler
            assert choice.message.endswith(" not supported")
            assert (event_type or "")[:64] in choice.message


@given(event_types, handler_sets, st.booleans())
def test_a_webhook_goes_to_on_request_whatever_it_carries(
    event_type: str | None, handlers: frozenset[str], pass_through: bool
) -> None:
    choice = choose(Kind.SOURCE, event_type, handlers, pass_through=pass_through)
    if "onRequest" in handlers:
        assert choice == Chosen("onRequest")
    else:
        assert choice == Unsupported("onRequest", "request not supported")


@given(st.sampled_from(Kind), handler_sets)
def test_a_batch_goes_whole_to_destinations_and_destination_inserts_only(
    kind: Kind, handlers: frozenset[str]
) -> None:
    takes_it = kind in {Kind.DESTINATION, Kind.INSERT} and "onBatch" in handlers
    expected = Chosen("onBatch") if takes_it else Unsupported("onBatch", "batch not supported")
    assert choose_batch(kind, handlers) == expected


def test_the_handlers_of_each_kind() -> None:
    assert {
        Kind.SOURCE: {"onRequest"},
        Kind.DESTINATION: SEVEN | {"onBatch"},
        Kind.INSERT: SEVEN | {"onBatch"},
        Kind.SOURCE_INSERT: SEVEN,
    } == HANDLERS
    assert tuple(EVENT_HANDLERS) == EVENT_TYPES
    assert set(EVENT_HANDLERS.values()) == SEVEN


@pytest.mark.parametrize("kind", [Kind.INSERT, Kind.SOURCE_INSERT])
def test_choice_2_an_insert_without_a_handler_blocks_the_event_or_lets_it_pass(kind: Kind) -> None:
    handlers = frozenset({"onIdentify"})
    assert choose(kind, "track", handlers, pass_through=False) == Unsupported(
        "onTrack", "track not supported"
    )
    assert choose(kind, "track", handlers, pass_through=True) == PassThrough("onTrack")
    # A type nobody knows is a type without a handler.
    assert choose(kind, "wave", handlers, pass_through=False) == Unsupported("", "wave not supported")
    assert choose(kind, "wave", handlers, pass_through=True) == PassThrough("")


def test_an_event_without_a_type_says_so() -> None:
    choice = choose(Kind.INSERT, None, frozenset(), pass_through=False)
    assert choice == Unsupported("", "event without a type not supported")


def test_a_long_type_is_cut_in_the_message() -> None:
    choice = choose(Kind.INSERT, "x" * 10_000, frozenset(), pass_through=False)
    assert isinstance(choice, Unsupported)
    assert len(choice.message) < 100
