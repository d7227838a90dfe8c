"""Laws of what goes over the wire and into the store: pages, cursors, ids, queries, decoding, settings, sealed values."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode

import msgspec
import pytest
from hypothesis import assume, given, strategies as st

from isthmus.functions import SettingDefinition, SettingType
from isthmus_server.api.decoding import decode
from isthmus_server.api.function_types import CreateFunctionInput, ListFunctionsQuery
from isthmus_server.api.mediatypes import MEDIA_TYPES, accepts_json, is_json
from isthmus_server.api.pagination import PaginationInput, cursor_of, page_of, pagination_of
from isthmus_server.api.problems import Problem
from isthmus_server.api.queries import nested
from isthmus_server.api.throttle import Throttle
from isthmus_server.api.times import iso, milliseconds
from isthmus_server.store import (
    MASK,
    KeyRing,
    Page,
    ResourceType,
    SettingValues,
    StoreError,
    Unfit,
    class_id,
    function_id,
    new_key,
    webhook_token,
)
from isthmus_server.store.ids import ksuid, new_class_id
from isthmus_server.store.instance_settings import EMPTY, put
from isthmus_server.store.webhooks import read_webhook

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def tried(action: Callable[..., Any], *arguments: Any) -> Any:
    """What an action gives, or how it refuses."""
    try:
        return action(*arguments)
    except (Problem, Unfit) as exc:
        return exc


# ------------------------------------------------------------ pages


@given(st.integers(0, 60), st.integers(1, 20))
def test_pages_hold_a_list_once_and_in_order(total: int, count: int) -> None:
    entries, seen, cursor = list(range(total)), [], None
    while True:
        page = page_of(PaginationInput(cursor=cursor, count=count))
        seen += entries[page.offset : page.offset + page.count]
        said = pagination_of(page, total)
        assert said.total_entries == total
        assert page_of(PaginationInput(cursor=said.current, count=count)) == page
        if said.previous is not None:
            assert page_of(PaginationInput(cursor=said.previous, count=count)).offset == page.offset - count
        if said.next is None:
            break
        cursor = said.next
    assert seen == entries


@given(st.integers(0, 10**12))
def test_a_cursor_is_read_back(offset: int) -> None:
    assert page_of(PaginationInput(cursor=cursor_of(offset))) == Page(offset, 200)


@given(st.text(max_size=30))
def test_any_other_cursor_is_refused(text: str) -> None:
    page = tried(page_of, PaginationInput(cursor=text))
    if isinstance(page, Problem):
        assert page.status == 422
    else:
        assert page == Page() or cursor_of(page.offset).rstrip("=") == text.rstrip("=")


@given(st.integers(1, 1000), st.integers(0, 10**6), st.sampled_from(ResourceType))
def test_four_ways_to_write_a_page_are_one(count: int, offset: int, kind: ResourceType) -> None:
    cursor = cursor_of(offset)
    written: list[dict[str, Any]] = [
        {"pagination.count": count, "pagination.cursor": cursor},
        {"pagination[count]": count, "pagination[cursor]": cursor},
        {"pagination": json.dumps({"count": count, "cursor": cursor})},
    ]
    wanted = ListFunctionsQuery(resource_type=kind, pagination=PaginationInput(cursor=cursor, count=count))
    for pairs in written:
        query = nested(parse_qsl(urlencode(pairs | {"resourceType": kind.value})))
        assert decode(ListFunctionsQuery, query, from_text=True) == wanted
    body = {"resourceType": kind.value, "pagination": {"count": count, "cursor": cursor}}
    assert decode(ListFunctionsQuery, body, from_text=True) == wanted


@given(st.lists(st.tuples(st.text(alphabet='ab.[]{}"0', max_size=8), st.text(max_size=5)), max_size=8))
def test_any_query_is_an_object(pairs: list[tuple[str, str]]) -> None:
    found = nested(pairs)
    assert len(found) <= len(pairs)
    for name, value in pairs:
        if (
            re.fullmatch(r"[ab0]+", name)
            and [other.split(".")[0].split("[")[0] for other, _ in pairs].count(name) == 1
        ):
            assert found[name] == value or value.startswith("{")


# ------------------------------------------------------------ decoding


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=4)]
    flag: bool = False
    number: Annotated[int, msgspec.Meta(ge=0, le=9)] | None = None
    kinds: tuple[ResourceType, ...] = ()
    inner: PaginationInput = PaginationInput()
    free: dict[str, Any] = msgspec.field(default_factory=dict)


FIELDS = {
    "text": st.text(max_size=6),
    "flag": st.booleans(),
    "number": st.none() | st.integers(-2, 12),
    "kinds": st.lists(st.sampled_from([*(kind.value for kind in ResourceType), "X"]), max_size=3),
    "inner": st.fixed_dictionaries(
        {}, optional={"count": st.integers(-1, 1002), "cursor": st.none() | st.text()}
    ),
    "free": st.dictionaries(st.text(), JSON, max_size=2),
}


@given(st.fixed_dictionaries({}, optional={name: value | JSON for name, value in FIELDS.items()}) | JSON)
def test_a_value_is_refused_exactly_where_msgspec_refuses_it(value: Any) -> None:
    assume("\0" not in str(value))
    try:
        wanted: object = msgspec.convert(value, Sample)
    except msgspec.ValidationError:
        wanted = None
    found = tried(decode, Sample, value)
    if isinstance(found, Problem):
        assert wanted is None
        assert found.status == 422
        assert all(error.message and error.field is not None for error in found.errors)
        fields = [error.field for error in found.errors]
        assert len(fields) == len(set(fields))
    else:
        assert found == wanted


@given(JSON)
def test_any_body_is_a_function_or_refused(value: Any) -> None:
    with pytest.raises(Problem):
        decode(CreateFunctionInput, value)


# ------------------------------------------------------------ media types


@given(
    st.lists(st.sampled_from([*MEDIA_TYPES, "*/*", "text/html", "", "application/json;q=0", "x"]), max_size=5)
)
def test_a_list_accepts_json_where_one_of_it_does(parts: list[str]) -> None:
    good = any(part in {*MEDIA_TYPES, "*/*"} for part in parts)
    assert accepts_json(",".join(parts)) == (good or not ",".join(parts))


@given(st.text(max_size=60))
def test_any_header_is_judged(text: str) -> None:
    assert accepts_json(text) in {True, False}
    assert is_json(text) == (text.partition(";")[0].strip().lower() in MEDIA_TYPES)


# ------------------------------------------------------------ ids and times


@given(st.sampled_from(ResourceType))
def test_ids_have_segments_shapes(kind: ResourceType) -> None:
    bare = new_class_id(kind)
    whole = function_id(kind, bare)
    assert re.fullmatch(r"sfnc_[0-9A-Za-z]{22}|(dfn|ifnd|ifns)_[0-9a-f]{24}", whole)
    assert class_id(whole) == class_id(bare) == bare


@given(st.integers(1_400_000_000, 5_000_000_000), st.integers(1, 10**6), st.binary(min_size=16, max_size=16))
def test_ksuids_sort_by_their_second(now: int, later: int, chance: bytes) -> None:
    first, second = ksuid(now, lambda _: chance), ksuid(now + later, lambda _: bytes(16))
    assert re.fullmatch(r"[0-9A-Za-z]{27}", first)
    assert first < second


def test_a_ksuid_is_as_others_write_it() -> None:
    payload = bytes.fromhex("B5A1CD34B5F99D1154FB6853345C9735")
    assert ksuid(1_400_000_000 + 0x0669F7EF, lambda _: payload) == "0ujtsYcgvSTl8PAuAdqWYSMnLOv"


@given(
    st.text(alphabet=string.ascii_letters + string.digits, min_size=1),
    st.text(alphabet=string.ascii_letters, min_size=1),
)
def test_a_webhooks_token_is_read_back(source: str, secret: str) -> None:
    token = webhook_token(source, secret)
    assert read_webhook(token) == (source, secret)
    assert read_webhook(token.rstrip("=").replace("+", "-").replace("/", "_")) == (source, secret)


@given(st.text(max_size=60))
def test_any_other_token_is_none_or_names_something(text: str) -> None:
    read = read_webhook(text)
    assert read is None or all(read)


@given(st.integers(0, 4_000_000_000_000))
def test_times_are_read_back(at: int) -> None:
    assert milliseconds(iso(at), "t") == at


# ------------------------------------------------------------ settings

NAMES = st.sampled_from(["a", "b", "c"])
TYPES = {
    SettingType.STRING: st.text(max_size=4),
    SettingType.BOOLEAN: st.booleans(),
    SettingType.ARRAY: st.lists(st.text(max_size=3), max_size=3),
    SettingType.TEXT_MAP: st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
}


@st.composite
def definitions(draw: st.DrawFn) -> tuple[SettingDefinition, ...]:
    names = draw(st.lists(NAMES, unique=True))
    return tuple(
        SettingDefinition(
            name=name,
            type=draw(st.sampled_from(SettingType)),
            required=draw(st.booleans()),
            sensitive=draw(st.booleans()),
        )
        for name in names
    )


@st.composite
def fitting(draw: st.DrawFn, defined: tuple[SettingDefinition, ...]) -> dict[str, object]:
    return {
        each.name: draw(
            TYPES[each.type].filter(lambda value: value not in {"", MASK} if isinstance(value, str) else True)
        )
        for each in defined
        if each.required or draw(st.booleans())
    }


@given(st.data())
def test_what_fits_is_kept_and_what_is_sensitive_is_not_shown(data: st.DataObject) -> None:
    defined = data.draw(definitions())
    values = data.draw(fitting(defined))
    kept = put(defined, EMPTY, values)
    assert kept.values == values
    assert kept.secret == {each.name for each in defined if each.sensitive} & values.keys()
    assert kept.shown.keys() | kept.masked.keys() == values.keys()
    assert not kept.shown.keys() & kept.secret
    assert put(defined, kept, kept.shown | kept.masked) == kept, "what is shown can be sent back"
    assert put(defined, kept, kept.shown) == kept, "what is secret need not be"
    for value in values.values():
        assert not isinstance(value, str) or len(value) < 3 or value not in repr(kept)


@given(st.data())
def test_what_is_secret_stays_secret_under_any_definition(data: st.DataObject) -> None:
    before, after = data.draw(definitions()), data.draw(definitions())
    had = put(before, EMPTY, data.draw(fitting(before)))
    try:
        now = put(after, had, data.draw(st.dictionaries(NAMES, st.just(MASK))))
    except Unfit:
        return
    for name in had.secret & now.values.keys():
        if now.values[name] == had.values[name]:
            assert name in now.secret


@given(definitions(), st.dictionaries(NAMES | st.text(max_size=3), JSON, max_size=4))
def test_any_values_fit_or_are_refused_by_field(
    defined: tuple[SettingDefinition, ...], values: dict[str, Any]
) -> None:
    kept = tried(put, defined, EMPTY, values)
    if isinstance(kept, Unfit):
        fields = [problem.field for problem in kept.problems]
        assert len(fields) == len(set(fields))
        assert all(field.startswith("settings.") for field in fields)
    else:
        assert kept.values == {name: value for name, value in values.items() if value is not None}
        assert kept.values.keys() <= {each.name for each in defined}


def test_settings_show_no_value() -> None:
    kept = SettingValues(values={"a": "sesame"}, secret=frozenset({"a"}))
    assert "sesame" not in f"{kept!r}{kept}"


# ------------------------------------------------------------ sealed values

OLD, NEW = new_key(), new_key()


@given(st.binary(max_size=100), st.text(max_size=20))
def test_what_is_sealed_opens_in_its_place_and_nowhere_else(plain: bytes, place: str) -> None:
    ring = KeyRing.from_text(OLD)
    sealed = ring.seal(plain, place)
    assert ring.open(sealed, place) == plain
    assert KeyRing.from_text(f"{NEW} {OLD}").open(sealed, place) == plain
    assert len(plain) < 8 or plain not in sealed
    with pytest.raises(StoreError):
        ring.open(sealed, place + "x")
    with pytest.raises(StoreError):
        KeyRing.from_text(NEW).open(sealed, place)


@given(st.binary(min_size=1, max_size=20), st.data())
def test_what_was_changed_does_not_open(plain: bytes, data: st.DataObject) -> None:
    ring = KeyRing.from_text(OLD)
    sealed = bytearray(ring.seal(plain, "here"))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(StoreError):
        ring.open(bytes(sealed), "here")
    with pytest.raises(StoreError):
        ring.open(bytes(sealed[: data.draw(st.integers(0, len(sealed) - 1))]), "here")


# ------------------------------------------------------------ rates


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 4)), max_size=30), st.integers(1, 10))
def test_nobody_gets_more_than_a_windows_points(calls: list[tuple[float, int]], points: int) -> None:
    now, granted = 0.0, []
    throttle = Throttle(points, 60.0, lambda: now)
    for wait, cost in calls:
        now += wait
        answer = tried(throttle.consume, ("me",), cost)
        if isinstance(answer, Problem):
            assert answer.status == 429
            assert int(answer.headers["Retry-After"]) >= 1
        else:
            granted.append((now, cost))
    for start, _ in granted:
        within = sum(cost for at, cost in granted if start <= at < start + 60.0)
        assert within <= 2 * points, "a span of one window touches two at most"
