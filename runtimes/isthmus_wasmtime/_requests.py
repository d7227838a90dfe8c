"""Webhooks as a guest reads them: a body that is text is text, any other is Base64 and says so."""

from __future__ import annotations

from typing import final

import msgspec

__all__ = ["shown_request"]


@final
class Webhook(msgspec.Struct, frozen=True):
    """A webhook as the engine hands it to a runtime; ``base64`` holds a body that is not UTF-8."""

    url: str
    method: str
    headers: msgspec.Raw
    text: str = ""
    base64: str | None = None


def shown_request(argument: bytes) -> bytes:
    """``{"url", "method", "headers": [[name, value], ...], "body", "base64"?}`` of a webhook."""
    webhook = msgspec.json.decode(argument, type=Webhook)
    shown: dict[str, object] = {"url": webhook.url, "method": webhook.method, "headers": webhook.headers}
    shown |= {"body": webhook.text} if webhook.base64 is None else {"body": webhook.base64, "base64": True}
    return msgspec.json.encode(shown)
