"""Webhooks as a guest reads them: a body that is text is text, any other is Base64 and says so."""

from __future__ import annotations

import base64

import msgspec

from isthmus import Request

__all__ = ["shown_request"]


def shown_request(argument: bytes) -> bytes:
    """``{"url", "method", "headers": [[name, value], ...], "body", "base64"?}`` of an :class:`isthmus.Request`."""
    request = msgspec.json.decode(argument, type=Request)
    shown: dict[str, object] = {"url": request.url, "method": request.method, "headers": request.headers}
    try:
        shown["body"] = request.body.decode()
    except UnicodeDecodeError:
        shown["body"] = base64.b64encode(request.body).decode()
        shown["base64"] = True
    return msgspec.json.encode(shown)
