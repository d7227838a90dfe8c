"""What comes in: Segment-style events, and the webhooks of source functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import msgspec

__all__ = ["Event", "Request"]

Event = bytes | str | Mapping[str, Any]
"""An event: its JSON text, which is passed on as it came, or a mapping that JSON can hold."""


@final
class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook as it arrived, for the ``onRequest`` handler of a source function.

    Attributes:
        url: with its query; Segment's form is ``https://fn.segmentapis.com/?...``.
        method: upper case.
        headers: in order, names as sent.
        body: raw, as signatures were made over it.
    """

    url: str = "https://localhost/"
    method: str = "POST"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
