"""A sensitive value survives in no usual encoding, and nothing else is touched."""

from __future__ import annotations

import base64
import html
import json
import re
import string
import time
import timeit
from collections.abc import Callable
from functools import partial
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import example, given, strategies as st

from isthmus._redact import Redactor

# How a value gets into text, by name.
ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "json": json.dumps,
    "json, not ascii": lambda value: json.dumps(value, ensure_ascii=False),
    "json, upper-case escapes": lambda value: json.dumps(value).replace("\\u00e", "\\u00E"),
    "json in json": lambda value: json.dumps(json.dumps({"token": value})),
    "json in json in json": lambda value: json.dumps(json.dumps(json.dumps(value))),
    "json with escaped slashes": lambda value: json.dumps(value).replace("/", "\\/"),
    "encodeURIComponent": lambda value: quote(value, safe="!'()*"),
    "encodeURI": lambda value: quote(value, safe=";,/?:@&=+$-_.!~*'()#"),
    "percent, all": lambda value: quote(value, safe=""),
    "percent, lower case": lambda value: "".join(
        char if char in string.ascii_letters + string.digits else quote(char, safe="").lower()
        for char in value
    ),
    "percent, twice": lambda value: quote(quote(value, safe=""), safe=""),
    "form": lambda value: urlencode({"key": value}),
    "form, plus": quote_plus,
    "json in a form": lambda value: urlencode({"payload": json.dumps({"key": value})}),
    "xml": lambda value: html.escape(value),
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64, unpadded": lambda value: base64.b64encode(value.encode()).decode().rstrip("="),
    "base64url": lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
    "base64 in a url": lambda value: quote(base64.b64encode(value.encode()).decode(), safe=""),
    "hex": lambda value: value.encode().hex(),
    "HEX": lambda value: value.encode().hex().upper(),
    "basic, user": lambda value: "Basic " + base64.b64encode(f"{value}:x".encode()).decode(),
    "basic, password": lambda value: "basic " + base64.b64encode(f"me:{value}".encode()).decode(),
    "basic, in json": lambda value: json.dumps(
        {"Authorization": "Basic " + base64.urlsafe_b64encode(f"a:{value}".encode()).decode()}
    ),
    "basic, in a url": lambda value: quote(
        "Basic " + base64.b64encode(f"ab:{value}".encode()).decode(), safe=""
    ),
}

# Values are like real keys, with every character that some encoder treats apart.  The capital Z
# in front keeps them out of the words around them and of the marks.
values = st.text(
    st.sampled_from(string.ascii_letters + string.digits + "-_.~!*'()/+=&<>\"\\ \n\t%:;,?@#$[]{}|^`\x1b")
    | st.characters(min_codepoint=0xA1, exclude_categories=["Cs"]),
    min_size=4,
    max_size=24,
).map(lambda text: f"Z{text}Z")


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(value=values)
def test_a_value_survives_in_no_encoding(encoding: str, value: str) -> None:
    redact = Redactor({"apiKey": (value,)})
    encoded = ENCODINGS[encoding](value)
    text = f"sent ({encoded}) at once"
    redacted = redact(text)
    assert "[redacted:apiKey]" in redacted
    assert encoded not in redacted
    assert value not in redacted
    assert redacted.startswith("sent (")
    assert redacted.endswith(") at once")
    assert redact(redacted) == redacted


@given(st.text(), st.dictionaries(st.sampled_from("abc"), st.lists(values).map(tuple), max_size=3))
def test_text_without_a_value_stays_as_it_is(text: str, sensitive: dict[str, tuple[str, ...]]) -> None:
    if not any(value in text for group in sensitive.values() for value in group):
        assert Redactor(sensitive)(text) == text


@given(st.lists(values, min_size=1, max_size=4, unique=True), st.data())
def test_several_values_each_under_its_name(secrets: list[str], data: st.DataObject) -> None:
    redact = Redactor({f"s{index}": (value,) for index, value in enumerate(secrets)})
    order = data.draw(st.permutations(secrets))
    redacted = redact(" ~ ".join(order))
    assert [value for value in secrets if value in redacted] == []


def test_the_longest_of_overlapping_values_wins() -> None:
    redact = Redactor({"short": ("secret",), "long": ("secret-and-more",)})
    assert redact("a secret-and-more b secret c") == "a [redacted:long] b [redacted:short] c"


def test_a_short_value_is_replaced_as_a_word_only() -> None:
    redact = Redactor({"pin": ("42",)})
    assert redact('pin 42, "42", (42) in 1420, a42 or 42b') == (
        'pin [redacted:pin], "[redacted:pin]", ([redacted:pin]) in 1420, a42 or 42b'
    )


def test_a_mark_never_holds_a_value() -> None:
    assert Redactor({"password": ("password",)})("my password is") == "my [redacted] is"
    assert Redactor({"a": ("redacted",)})("it is redacted") == "it is ***"
    assert Redactor({"a": ("redacted", "*")})("it is redacted") == "it is "


def test_a_line_of_a_key_is_found_on_its_own() -> None:
    line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"
    pem = f"-----BEGIN PRIVATE KEY-----\n{line}\nshort\n-----END PRIVATE KEY-----\n"
    redact = Redactor({"key": (pem,)})
    assert redact(f"read {line} and short") == "read [redacted:key] and short"
    assert redact(json.dumps({"pem": pem})) == '{"pem": "[redacted:key]"}'


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_long_value_survives_in_no_encoding_either(encoding: str) -> None:
    value = '{"key": "a+b/c=", "é😀": "\\\\n"}\nshort\n' * 2 + "0123456789abcdef+/-_" * 8 + "\ttail\n"
    redacted = Redactor({"key": (value,)})(f"sent ({ENCODINGS[encoding](value)}) at once")
    assert redacted.count("[redacted:key]") == 1
    assert redacted.startswith("sent (")
    assert redacted.endswith(") at once")
    assert len(redacted) < 100  # and the value has more than twice that


def test_a_part_of_a_long_value_is_hidden_from_its_beginning_on() -> None:
    value = "".join(map(str, range(1000, 1100)))
    redact = Redactor({"key": (value,)})
    assert redact(f"a {value[:300]} b") == f"a [redacted:key]{value[256:300]} b"


def test_a_key_whose_lines_are_parted_by_escapes_is_found_by_its_lines() -> None:
    lines = [f"MIIEvQIBADANBgkqhkiG9w0BAQEFAASC{number:032}" for number in range(20)]
    redact = Redactor({"key": ("\\n".join(lines),)})
    assert redact("\n".join(lines)) == "\n".join(["[redacted:key]"] * 20)


@given(values, st.binary(max_size=5), st.binary(max_size=5))
def test_a_value_is_found_within_the_base64_of_more(value: str, before: bytes, after: bytes) -> None:
    redact = Redactor({"k": (f"{value}longer",)})
    encoded = base64.b64encode(before + f"{value}longer".encode() + after).decode()
    redacted = redact(f"<{encoded}>")
    assert redacted.count("[redacted:k]") == 1
    assert len(redacted) - len("<[redacted:k]>") <= 16


def test_looking_through_a_text_without_values_makes_no_expression(monkeypatch: pytest.MonkeyPatch) -> None:
    pem = "\n".join(f"{number:064x}/+" for number in range(1000))
    with monkeypatch.context() as patched:
        patched.setattr(re, "compile", None)
        redact = Redactor({"key": (pem,), "token": ("xoxb-1234567890",)})
        assert redact("nothing to be seen, 0000") == "nothing to be seen, 0000"
    assert redact(json.dumps({"pem": pem})) == '{"pem": "[redacted:key]"}'


def test_a_basic_token_without_a_value_stays_and_what_hides_in_it_does_not() -> None:
    token = base64.b64encode(b"me:nothing here").decode()
    assert Redactor({"k": ("Zvalue-1",)})(f"Basic {token}") == f"Basic {token}"
    assert Redactor({"k": (token,)})(f"Basic {token}x") == "Basic [redacted:k]x"
    assert Redactor({"k": ("Zvalue-1",)})("Basic instinct, basic maths") == "Basic instinct, basic maths"


@given(
    values, st.integers(0, 60), st.integers(0, 60), st.integers(0, 120), st.sampled_from(sorted(ENCODINGS))
)
def test_a_cut_through_a_value_shows_no_part_of_it(
    value: str, before: int, after: int, limit: int, encoding: str
) -> None:
    redact = Redactor({"k": (value,)})
    encoded = ENCODINGS[encoding](value)
    body = ("." * before + "(" + encoded + ")" + "." * after).encode()
    shown = redact.head(body, limit)
    whole = redact(body.decode())
    assert whole.startswith(shown)
    assert encoded not in shown
    if limit >= len(body):
        assert shown == whole
    if limit <= before + 1:
        assert shown == body[:limit].decode()


@example("Z000000000000000\n00000000Z", 200)  # cut behind the first character of a line
@given(values, st.integers(4, 200))
def test_what_is_left_of_a_value_that_was_cut_off_is_hidden(value: str, size: int) -> None:
    value *= 20
    redact = Redactor({"k": (value,)})
    assert redact("Before: " + value[:size], cut_off=True) == "Before: [redacted:k]"
    assert redact("Before: " + value[:3], cut_off=True) == "Before: " + value[:3]


def test_the_head_of_a_body_without_secrets_is_its_head() -> None:
    assert Redactor({}).head("na\u00efve".encode(), 3) == "na\ufffd"
    assert Redactor({"k": ("Zvalue",)}).head("na\u00efve".encode(), 3) == "na\u00ef"


def test_no_value_is_in_the_repr() -> None:
    redact = Redactor({"apiKey": ("Zsecret-value",), "other": ()})
    assert repr(redact) == "<Redactor of apiKey, other>"
    assert not hasattr(redact, "__dict__")


def test_without_values_a_call_costs_next_to_nothing_and_copies_nothing() -> None:
    text = "x" * 10_000
    for redact in (Redactor({}), Redactor({"empty": ("",), "none": ()})):
        assert redact(text) is text
    redact, other = Redactor({}), Redactor({"k": ("a value",)})
    costs = [
        min(timeit.repeat(partial(each, text), number=100, repeat=20, timer=time.thread_time))
        for each in (redact, other)
    ]
    assert costs[0] < costs[1] / 3


@pytest.mark.parametrize(
    "text", ["\\" * 20_000, "%25" * 7_000, "Basic+" * 3_000, '\\"' * 10_000, "Z" * 20_000, "&amp;" * 5_000]
)
def test_a_hostile_text_costs_time_in_proportion_to_its_length(text: str) -> None:
    redact = Redactor({"k": ('"\\"\n\\\\\\\\Z&"%ZZZZ', "ZZZZZZZZ\\", "\\\\\\\\\\\\\\\\")})
    whole, quarter = (
        min(timeit.repeat(partial(redact, part), number=1, repeat=5, timer=time.thread_time))
        for part in (text, text[: len(text) // 4])
    )
    assert whole < 12 * quarter + 0.05  # by the square it would take sixteen times as long, and seconds


def test_a_token_is_hidden_even_where_no_mark_can_stand_in_its_place() -> None:
    token = base64.b64encode(b"me:redacted").decode()
    assert Redactor({"a": ("redacted", "*")})(f"Basic {token}!") == "Basic !"
