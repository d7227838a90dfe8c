"""What a source function returns as the answer to its webhook: ``{status, headers, body}``."""

from __future__ import annotations

import re
from typing import Final, final

import msgspec
from starlette.responses import Response

from .answers import json_answer

__all__ = ["custom_response"]

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_CONNECTION: Final = frozenset(
    (
        "connection",
        "content-length",
        "date",
        "keep-alive",
        "proxy-connection",
        "server",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
"""Headers that are the connection's, and the server's to say."""
_WITHOUT_BODY: Final = frozenset({204, 304})


@final
class _Written(msgspec.Struct, frozen=True):
    """As a function returns it; another object than one with a status or a body is taken for none."""

    status: int = 200
    headers: dict[str, str | int | float | bool | list[str]] = {}
    body: msgspec.Raw = msgspec.Raw(b"null")


_WRITTEN = msgspec.json.Decoder(_Written)
_STRING = msgspec.json.Decoder(str)


def custom_response(value: bytes) -> Response:
    """Make a response of the JSON text of what a function returned; one that cannot be sent is 502, and says why."""
    try:
        written = _WRITTEN.decode(value)
    except (msgspec.ValidationError, RecursionError) as exc:
        return _invalid(f"it is no {{status, headers, body}}: {exc}")
    if not 200 <= written.status <= 599:
        return _invalid("its status is not between 200 and 599")
    body = bytes(written.body)
    kind = "application/json"
    if body.startswith(b'"'):
        body, kind = _STRING.decode(body).encode(), "text/plain; charset=utf-8"
    elif body == b"null":
        body = b""
    if written.status in _WITHOUT_BODY:
        body = b""
    response = Response(body, written.status)
    for name, values in written.headers.items():
        if name.lower() in _CONNECTION:
            continue
        for each in values if isinstance(values, list) else [values]:
            text = each if isinstance(each, str) else msgspec.json.encode(each).decode()
            if not _NAME.fullmatch(name) or not _VALUE.fullmatch(text):
                return _invalid("a header of it is none")
            response.headers.append(name, text)
    if body and "content-type" not in response.headers:
        response.headers["content-type"] = kind
    return response


def _invalid(why: str) -> Response:
    return json_answer(
        {"success": False, "error": "InvalidResponse", "message": f"what the function returned: {why}"}, 502
    )
