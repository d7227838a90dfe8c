"""What guests ask in JSON, read: every nonsense is an error that says so, whatever its depth."""

from __future__ import annotations

import msgspec
import pytest

from isthmus.abc import FetchRequest, FetchResponse
from isthmus_wasmtime._operations import joined_headers, parse_http_request, parse_operation

DEEP = b'{"op":"log","text":"t","url":"u","more":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.mark.parametrize("text", [b"", b"[]", b'{"method":"GET"}', b'{"url":1}', b'{"url":"\xff"}', DEEP])
def test_what_is_no_http_request_is_said_to_be_none(text: bytes) -> None:
    with pytest.raises(ValueError, match="http_request was given no request"):
        parse_http_request(text, None)


def test_nothing_is_asked_too_deeply() -> None:
    with pytest.raises(ValueError, match="what was asked of the host is no request"):
        parse_operation(DEEP)


def test_an_http_request_has_a_method_in_capitals_and_headers_in_order() -> None:
    text = b'{"url":"https://a/","method":"put","headers":{"X-B":"1","A":"2"}}'
    expected = FetchRequest(url="https://a/", method="PUT", headers=(("X-B", "1"), ("A", "2")), body=b"\xff")
    assert parse_http_request(text, b"\xff") == expected
    assert parse_http_request(b'{"url":"https://a/"}', None).method == "GET"


def test_headers_of_one_name_are_joined() -> None:
    response = FetchResponse(status=200, headers=(("Set-Cookie", "a"), ("X", "1"), ("set-cookie", "b")))
    assert msgspec.json.decode(joined_headers(response)) == {"set-cookie": "a, b", "x": "1"}
