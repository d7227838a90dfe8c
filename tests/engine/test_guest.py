"""What guests and hosts say to each other is what was meant, whatever the bytes."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, strategies as st

from isthmus.abc import FetchRequest, FetchResponse
from isthmus.guest import fetch_request, shown_response


def made(**fields: object) -> FetchRequest:
    base = {"url": "http://a.example/", "method": "post", "headers": [("a", "b")], "body": None}
    return fetch_request(**{**base, "encoded": False, "redirect": "follow", **fields})  # type: ignore[arg-type] # on purpose


@given(body=st.binary())
def test_a_body_comes_through_as_bytes(body: bytes) -> None:
    assert made(body=base64.b64encode(body).decode(), encoded=True).body == body
    shown = shown_response(FetchResponse(status=200, body=body))
    text = str(shown["body"])
    assert (base64.b64decode(text) if shown.get("base64") else text.encode()) == body


@given(body=st.text())
def test_text_goes_as_utf8_and_half_a_pair_is_refused(body: str) -> None:
    try:
        expected = body.encode()
    except UnicodeEncodeError:
        with pytest.raises(ValueError, match="surrogate"):
            made(body=body)
    else:
        assert made(body=body).body == expected


def test_headers_may_be_pairs_or_a_mapping_and_methods_are_upper_case() -> None:
    assert made() == made(headers={"a": "b"}, method="POST")
    assert made().headers == (("a", "b"),)


@pytest.mark.parametrize(
    "fields",
    [{"body": "a", "encoded": True}, {"redirect": "perhaps"}, {"url": 1}, {"headers": [("a",)]}],
    ids=["not Base64", "no such redirect", "no URL", "no pair"],
)
def test_what_is_no_request_is_a_value_error(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- of msgspec, or of base64
        made(**fields)
