"""How a webhook's address names its source: Segment's ``?b=`` with base64 of ``<source id>::<secret>``."""

from __future__ import annotations

import base64
import binascii
from typing import Final

__all__ = ["read_webhook", "webhook_token"]

LENGTH: Final = 512
"""Characters of the longest token that is looked at."""


def webhook_token(source: str, secret: str) -> str:
    """The value of ``b`` in the address of a source's webhook; it is a secret."""
    return base64.b64encode(f"{source}::{secret}".encode()).decode()


def read_webhook(token: str) -> tuple[str, str] | None:
    """The source's id and the secret in a token, or None where it is none.

    Args:
        token: base64, of either alphabet, with or without padding.
    """
    if not token or len(token) > LENGTH or not token.isascii():
        return None
    plain = token.replace("-", "+").replace("_", "/").replace(" ", "+").rstrip("=")
    try:
        text = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    source, parted, secret = text.partition("::")
    return (source, secret) if source and parted and secret else None
