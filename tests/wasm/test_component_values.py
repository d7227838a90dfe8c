"""WIT as it is read, and values that cross by its types."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest
from hypothesis import given, strategies as st

from isthmus_wasmtime import wit
from isthmus_wasmtime._components import ambient, fields, function, http, requests, streams
from isthmus_wasmtime._components.fitting import CLOSED, HANDLERS, RUN, given as interfaces
from isthmus_wasmtime._components.handles import Handles
from isthmus_wasmtime._components.native import SIZE, delete
from isthmus_wasmtime._components.offers import OFFERS
from isthmus_wasmtime._components.reading import MOST_ELEMENTS, reading
from isthmus_wasmtime._components.types import (
    Borrow,
    Enum,
    Function,
    List,
    Option,
    Own,
    Primitive,
    Record,
    Result,
    Tuple,
    Type,
    Variant,
)
from isthmus_wasmtime._components.values import pack
from isthmus_wasmtime._components.wit import parse
from isthmus_wasmtime._components.writing import writing

U8, STRING = Primitive("u8"), Primitive("string")


def test_every_function_that_can_be_called_is_there() -> None:
    assert all((ambient, fields, function, http, requests, streams))
    declared = {
        (each.name, name)
        for each in interfaces().values()
        if each.name not in {HANDLERS, RUN}
        for name in each.functions
    }
    assert declared == set(OFFERS)


def test_nothing_that_is_declared_takes_a_handle_nobody_gives() -> None:
    taken = {
        kind.resource
        for each in interfaces().values()
        for made in each.functions.values()
        for _, kind in made.parameters
        if isinstance(kind, Own | Borrow)
    }
    assert not taken & CLOSED


def test_the_world_is_published_in_the_package() -> None:
    assert wit().name == "wit"
    text = (wit() / "function.wit").read_text("utf-8")
    assert "package isthmus:function@0.1.0;" in text
    assert set(parse(text)) == {name for name in interfaces() if name.startswith("isthmus:")}


def test_wit_is_read() -> None:
    text = """
      package a:b@1.2.3;
      /// What for.
      interface one {
        type text = string;
        resource thing { constructor(name: text); close: func(); of: static func(other: borrow<thing>) -> thing; }
        record pair { left: u8, right: option<list<text>>, }
        variant either { left(pair), right }
        enum color { red, green }
        go: func(in: either, how: color) -> result<tuple<u8, thing>, text>;
        stop: func() -> result<_, color>;
      }
      interface two { use one.{thing, pair}; use a:b/one@1.2.3.{color}; go: func(pair: pair, to: borrow<thing>, color: color); }
      world all { import one; export two; }
    """
    one, two = parse(text).values()
    pair = Record((("left", U8), ("right", Option(List(STRING)))))
    color = Enum(("red", "green"))
    assert one.functions == {
        "[constructor]thing": Function((("name", STRING),), Own("a:b/one#thing")),
        "[method]thing.close": Function((("self", Borrow("a:b/one#thing")),), None),
        "[static]thing.of": Function((("other", Borrow("a:b/one#thing")),), Own("a:b/one#thing")),
        "go": Function(
            (("in", Variant((("left", pair), ("right", None)))), ("how", color)),
            Result(Tuple((U8, Own("a:b/one#thing"))), STRING),
        ),
        "stop": Function((), Result(None, color)),
    }
    assert two.functions == {
        "go": Function((("pair", pair), ("to", Borrow("a:b/one#thing")), ("color", color)), None)
    }
    assert (two.name, two.version) == ("a:b/two", "1.2.3")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("package a:b@1.0.0; interface i { go: func() -> thing; }", "speaks of 'thing'"),
        ("package a:b@1.0.0; interface i { go: fun(); }", "'fun' where 'func' is expected"),
        ("package a:b@1.0.0; interfaces", "'interfaces' where a package"),
        ("package a:b@1.0.0; interface i { go: func(a: u8 b: u8); }", "'b' where '\\)' is expected"),
        ("package a:b@1.0.0; interface i { $", r"cannot go on with '\$'"),
    ],
)
def test_what_is_no_wit_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse(text)


# -- values


NUMBERS = {f"{sign}{bits}": (sign, bits) for sign in "us" for bits in (8, 16, 32, 64)}


def _number(name: str) -> st.SearchStrategy[Any]:
    sign, bits = NUMBERS[name]
    return (
        st.integers(0, 2**bits - 1) if sign == "u" else st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    )


def _texts() -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


LEAVES: list[tuple[Type, st.SearchStrategy[Any]]] = [
    *((Primitive(name), _number(name)) for name in NUMBERS),
    (Primitive("f64"), st.floats(allow_nan=False)),
    (Primitive("f32"), st.floats(width=32, allow_nan=False)),
    (Primitive("bool"), st.booleans()),
    (Primitive("char"), st.characters(exclude_categories=["Cs"])),
    (STRING, _texts()),
    (List(U8), st.binary(max_size=40)),
    (Enum(("a", "b")), st.sampled_from("ab")),
    (Result(None, None), st.sampled_from([("ok", None), ("err", None)])),
]
Sort = tuple[Type, st.SearchStrategy[Any]]


def _larger(inner: st.SearchStrategy[Sort]) -> st.SearchStrategy[Sort]:
    several = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        # None is what an option without a payload is, so that one within another is not told apart
        inner.filter(lambda of: not isinstance(of[0], Option)).map(
            lambda of: (Option(of[0]), st.none() | of[1])
        ),
        inner.filter(lambda of: of[0] != U8).map(lambda of: (List(of[0]), st.lists(of[1], max_size=3))),
        several.map(lambda of: (Tuple(tuple(t for t, _ in of)), st.tuples(*(v for _, v in of)).map(list))),
        several.map(
            lambda of: (
                Record(tuple((f"f{i}", t) for i, (t, _) in enumerate(of))),
                st.fixed_dictionaries({f"f{i}": v for i, (_, v) in enumerate(of)}),
            )
        ),
        several.map(
            lambda of: (
                Variant((("none", None), *((f"c{i}", t) for i, (t, _) in enumerate(of)))),
                st.one_of(
                    st.just(("none", None)),
                    *(v.map(lambda x, i=i: (f"c{i}", x)) for i, (_, v) in enumerate(of)),  # type: ignore[misc] # i is bound
                ),
            )
        ),
        st.tuples(inner, inner).map(
            lambda of: (
                Result(of[0][0], of[1][0]),
                of[0][1].map(lambda x: ("ok", x)) | of[1][1].map(lambda x: ("err", x)),
            )
        ),
    )


def typed() -> st.SearchStrategy[tuple[Type, Any]]:
    sorts = st.recursive(st.sampled_from(LEAVES), _larger, max_leaves=6)
    return sorts.flatmap(lambda sort: sort[1].map(lambda value: (sort[0], value)))


class Nowhere:
    context: Any = None
    handles = Handles()


@given(typed())
def test_what_is_written_is_read_again(case: tuple[Type, Any]) -> None:
    kind, value = case
    written = ctypes.create_string_buffer(pack(writing(kind)(value, Nowhere())), SIZE)
    at = ctypes.addressof(written)
    try:
        assert reading(kind)(at, Nowhere()) == value
    finally:
        delete(at)


def test_a_list_of_very_many_things_is_refused() -> None:
    kind = List(Tuple(()))
    written = ctypes.create_string_buffer(pack(writing(List(U8))(bytes(MOST_ELEMENTS + 1), Nowhere())), SIZE)
    with pytest.raises(ValueError, match=f"{MOST_ELEMENTS} are the most"):
        reading(kind)(ctypes.addressof(written), Nowhere())
    delete(ctypes.addressof(written))
