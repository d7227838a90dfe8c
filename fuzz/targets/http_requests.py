"""Whatever is sent over HTTP is answered below 500, tells no secret, and arrives just where the answer says that it was taken."""

from __future__ import annotations

import gzip
import json
import logging

import trio
import trio.testing
from tests.ingress.conftest import KEY, SECRET, opened

from fuzz.generators import HttpRequest, http_request
from isthmus_server.ingress import IngressLimits
from isthmus_server.ingress.messages import CALLS

LIMITS = IngressLimits(batch_bytes=4000, event_bytes=1000, webhook_bytes=2000, batch_events=20)
TAKEN = 200
SPOKEN = {b"@KEY": KEY.encode(), b"@SECRET": SECRET.encode()}
"""What stands in an input for what only who is let in knows."""

logging.getLogger("isthmus").setLevel(logging.CRITICAL)


def check(data: bytes) -> None:
    """A request as it is on the wire; ``!gzip`` before it packs the body."""
    packed = data.startswith(b"!gzip\n")
    for word, meant in SPOKEN.items():
        data = data.replace(word, meant)
    request = http_request(data.removeprefix(b"!gzip\n"))
    if request is None:
        return
    if packed:
        headers = (*request.headers, (b"Content-Encoding", b"gzip"))
        request = request._replace(headers=headers, body=gzip.compress(request.body, mtime=0))
    trio.run(_hold, request, clock=trio.testing.MockClock(autojump_threshold=0))


async def _hold(request: HttpRequest) -> None:
    async with opened(limits=LIMITS) as door:
        answer = await door.client.request(
            request.method, request.target, headers=list(request.headers), content=request.body
        )
        assert answer.status_code < 500, answer.text
        told = answer.text
        assert SECRET not in told or SECRET.encode() in request.body
        assert KEY not in told or KEY.encode() in request.body
        await door.pipeline.drain()
        arrived = [json.loads(text) for text in door.texts]
        assert len(arrived) <= LIMITS.batch_events
        if answer.status_code != TAKEN or request.method.upper() != "POST":  # the client writes it so
            assert not arrived, f"{answer.status_code}, and {len(arrived)} arrived"
            return
        for event, text in zip(arrived, door.texts, strict=True):
            assert event["type"] in CALLS
            assert event["messageId"]
            assert "writeKey" not in event
            assert KEY.encode() not in text or KEY.encode() in request.body
