"""Text a function made: halves of surrogate pairs mended, kinds told by their first byte."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from isthmus._rules.jsontext import Unreadable, array_of, kind_of, well_formed

surrogates = st.sampled_from(["\ud800", "\ud83d", "\udbff", "\udc00", "\ude00", "\udfff"])
texts = st.lists(
    surrogates | st.sampled_from(["\\", "\\ud800", "u", '"', "\n", "d83d"]) | st.text(max_size=2)
).map("".join)


@given(texts)
def test_only_lone_surrogates_are_replaced(text: str) -> None:
    came = json.dumps({"a": text}).encode()
    # Parsing joins the halves that belong together; what is left over is alone.
    expected = re.sub("[\ud800-\udfff]", "\ufffd", json.loads(came)["a"])
    mended = well_formed(came)
    assert msgspec.json.decode(mended) == {"a": expected}
    if expected == json.loads(came)["a"]:
        assert mended == came


@given(st.lists(st.none() | st.integers() | texts | st.lists(st.booleans())))
def test_an_array_comes_apart_into_its_elements(values: list[Any]) -> None:
    parts = array_of(json.dumps(values, indent=2).encode())
    assert len(parts) == len(values)
    for part, value in zip(parts, values, strict=True):
        if not isinstance(value, str):
            assert json.loads(bytes(part)) == value


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (b"{}", "an object"),
        (b" \n\t{}", "an object"),
        (b"[]", "an array"),
        (b'"x"', "a string"),
        (b"-1", "a number"),
        (b"0", "a number"),
        (b"true", "a boolean"),
        (b"false", "a boolean"),
        (b"null", "null"),
        (b"", "nothing"),
        (b"  ", "nothing"),
        (b"undefined", "something that is not JSON"),
    ],
)
def test_the_first_byte_tells_the_kind(text: bytes, kind: str) -> None:
    assert kind_of(text) == kind
    assert kind_of(msgspec.Raw(text)) == kind


def test_depth_is_told_from_text_that_is_not_json() -> None:
    with pytest.raises(Unreadable) as deep:
        array_of(b"[" * 9_000 + b"]" * 9_000)
    assert not deep.value.malformed
    with pytest.raises(Unreadable) as broken:
        array_of(b"[1,]")
    assert broken.value.malformed
    with pytest.raises(msgspec.ValidationError):
        array_of(b"{}")
