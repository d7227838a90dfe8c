"""What guests and hosts say to each other in JSON, the same for every runtime: a request out, a response in."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

import msgspec

from .abc import FetchRequest, FetchResponse

__all__ = ["fetch_request", "shown_response"]


def fetch_request(
    *,
    url: str,
    method: str,
    headers: Mapping[str, str] | Sequence[tuple[str, str]],
    body: str | None,
    encoded: bool,
    redirect: str,
) -> FetchRequest:
    """A request as a host takes it, of what a guest has said.

    Args:
        url: absolute.
        method: in any case.
        headers: in order.
        body: text, or None for none.
        encoded: the body is Base64 of its bytes.
        redirect: ``follow``, ``manual`` or ``error``.

    Raises:
        ValueError: it is none; the message says what was expected.
    """
    data = None if body is None else body.encode()
    if data is not None and encoded:
        data = base64.b64decode(data, validate=True)
    fields = {
        "url": url,
        "method": method.upper(),
        "headers": list(headers.items()) if isinstance(headers, Mapping) else headers,
        "body": data,
        "redirect": redirect,
    }
    return msgspec.convert(fields, FetchRequest)


def shown_response(response: FetchResponse) -> dict[str, object]:
    """A response as a guest reads it: its body is text, or, where it is not UTF-8, Base64, and ``base64`` is true."""
    shown: dict[str, object] = {
        "status": response.status,
        "reason": response.reason,
        "headers": response.headers,
        "url": response.url,
        "redirected": response.redirected,
    }
    try:
        shown["body"] = response.body.decode()
    except UnicodeDecodeError:
        shown["body"] = base64.b64encode(response.body).decode()
        shown["base64"] = True
    return shown
