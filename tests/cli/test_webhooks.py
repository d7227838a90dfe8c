"""Webhooks as lines of a file."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given

from isthmus import InvalidInput, Request
from isthmus._cli.webhooks import webhook
from isthmus.testing.strategies import requests


@given(requests())
def test_a_request_comes_back_as_it_was_written(request: Request) -> None:
    written = {
        "url": request.url,
        "method": request.method,
        "headers": request.headers,
        "body_base64": base64.b64encode(request.body).decode(),
    }
    assert webhook(json.dumps(written).encode()) == request


@pytest.mark.parametrize(
    ("body", "raw"),
    [
        ("a=b&c=d", b"a=b&c=d"),
        ({"a": 1}, b'{"a":1}'),
        ([1], b"[1]"),
        ("é", "é".encode()),
        (None, b""),
        ("", b""),
    ],
)
def test_a_body_is_text_or_json(body: Any, raw: bytes) -> None:
    text = json.dumps({"headers": {"X": "y"}, "body": body}, separators=(",", ":"))
    assert webhook(text.encode()).body == raw


def test_json_has_the_type_of_json_unless_it_says_another() -> None:
    assert webhook(b'{"body":{}}').headers == (("Content-Type", "application/json"),)
    told = webhook(b'{"body":{},"headers":{"content-type":"application/cloudevents+json"}}')
    assert told.headers == (("content-type", "application/cloudevents+json"),)


def test_a_header_may_have_several_values() -> None:
    assert webhook(b'{"headers":{"A":["1","2"]},"body":"x"}').headers == (("A", "1"), ("A", "2"))


@pytest.mark.parametrize(
    "text", [b'{"event":"x"}', b"[1]", b'"text"', b'{"url":"/x"}', b'{"body":1,"other":2}']
)
def test_anything_else_is_a_body(text: bytes) -> None:
    assert webhook(text) == Request(headers=(("Content-Type", "application/json"),), body=text)


def test_a_url_may_be_a_path() -> None:
    assert webhook(b'{"url":"/in?a=1","body":"x"}').url == "https://localhost/in?a=1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'{"body":', "a webhook is JSON"),
        (b'{"body":"x","headers":5}', "does not fit"),
        (b'{"body_base64":"***"}', "not Base64"),
    ],
)
def test_what_is_no_webhook(text: bytes, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        webhook(text)
