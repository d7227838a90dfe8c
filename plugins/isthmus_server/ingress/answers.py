"""What senders are told: JSON, and when to come back where something was not taken."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, final

import msgspec
from starlette.responses import Response

from isthmus.pipelinefiles import Entrance

__all__ = ["ACCEPTED", "Refusal", "check_available", "json_answer"]


def json_answer(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A response of JSON."""
    return Response(msgspec.json.encode(content), status, headers, media_type="application/json")


UNAVAILABLE_PAUSE: Final = 60.0
"""Seconds after which somebody may have mended a source."""

ACCEPTED: Final[Mapping[str, object]] = {"success": True}


@final
class Refusal(Exception):
    """A request is not taken; raised by whatever finds out, and answered in one place.

    Args:
        status: of HTTP.
        code: a word for programs.
        message: a sentence for people, without anything that the sender did not send.
        after: seconds after which it makes sense to send it again, or None.
        headers: further ones of the response.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        after: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.after = after
        self.headers = dict(headers or {})

    def answer(self) -> Response:
        """The response."""
        headers = self.headers
        if self.after is not None:
            seconds = str(max(1, math.ceil(self.after)))
            headers |= {"Retry-After": seconds}
            if self.status == 429:
                headers |= {"X-RateLimit-Reset": seconds}
        return json_answer(
            {"success": False, "code": self.code, "message": self.message}, self.status, headers
        )


LOCKED_PAUSE: Final = 600.0
"""Seconds after which a quota may be another."""


def check_available(entrance: Entrance, *, webhook: bool) -> None:
    """See whether a source can be run.

    Args:
        entrance: of the source.
        webhook: what came is one, and no event.

    Raises:
        Refusal: it cannot.
    """
    if entrance.locked == "all" or (webhook and entrance.locked):
        raise Refusal(429, "quota_used", "the quota of this month is used up", after=LOCKED_PAUSE)
    if not entrance.available:
        raise Refusal(
            503, "source_unavailable", "the source cannot take anything now", after=UNAVAILABLE_PAUSE
        )
