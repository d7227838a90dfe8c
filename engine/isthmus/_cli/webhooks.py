"""Webhooks for source functions, as lines of a file: whole requests, or their bodies alone."""

from __future__ import annotations

import base64
from typing import final
from urllib.parse import urljoin

import msgspec

from isthmus.errors import InvalidInput
from isthmus.events import Request

__all__ = ["webhook"]

_ABSENT = msgspec.Raw()
_DEFAULT = Request()


@final
class _Whole(msgspec.Struct, forbid_unknown_fields=True):
    url: str = _DEFAULT.url
    method: str = _DEFAULT.method
    headers: dict[str, str | list[str]] | list[tuple[str, str]] = {}
    body: msgspec.Raw = _ABSENT
    body_base64: str = ""


_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_WHOLE = msgspec.json.Decoder(_Whole)
_TEXT = msgspec.json.Decoder(str)


def webhook(text: bytes) -> Request:
    """Read one webhook.

    ``{"method", "url", "headers", "body"}``, each of which may be left out but not both of the last
    two, is a whole request.  Its body is text, sent as it is, or a JSON value, sent as JSON;
    ``body_base64`` is for bytes that are no text.  Any other JSON is the body of a request.

    Raises:
        InvalidInput: it is not JSON, or a field of the request has not its type.
    """
    try:
        fields = _FIELDS.decode(text)
    except msgspec.ValidationError:
        return _of_body(text)
    except (ValueError, RecursionError) as exc:
        reason = str(exc).removeprefix("JSON is malformed: ")
        raise InvalidInput(f"a webhook is JSON, and this is not: {reason}") from None
    if not fields.keys() <= set(_Whole.__struct_fields__) or fields.keys().isdisjoint(
        {"headers", "body", "body_base64"}
    ):
        return _of_body(text)
    try:
        return _of_request(_WHOLE.decode(text))
    except msgspec.DecodeError as exc:  # of the body's text as well, which is looked into only here
        raise InvalidInput(f"a webhook's request does not fit: {exc}") from None


def _of_body(text: bytes) -> Request:
    return Request(headers=(("Content-Type", "application/json"),), body=text)


def _of_request(whole: _Whole) -> Request:
    pairs = whole.headers.items() if isinstance(whole.headers, dict) else whole.headers
    headers = [
        (name, value) for name, values in pairs for value in ([values] if isinstance(values, str) else values)
    ]
    body = b""
    if whole.body_base64:
        try:
            body = base64.b64decode(whole.body_base64, validate=True)
        except ValueError as exc:  # binascii.Error, or of letters beyond ASCII
            raise InvalidInput(f"a webhook's body_base64 is not Base64: {exc}") from None
    elif (raw := bytes(whole.body)) and raw != b"null":
        if raw.startswith(b'"'):
            body = _TEXT.decode(raw).encode()
        else:
            body = raw
            if not any(name.lower() == "content-type" for name, _ in headers):
                headers.append(("Content-Type", "application/json"))
    return Request(
        url=whole.url if "://" in whole.url else _below_default(whole.url),
        method=whole.method.upper(),
        headers=tuple(headers),
        body=body,
    )


def _below_default(url: str) -> str:
    try:
        return urljoin(_DEFAULT.url, url)
    except ValueError as exc:
        raise InvalidInput(f"a webhook's url is none: {exc}") from None
