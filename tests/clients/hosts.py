"""Hosts that answer what service clients fetch: by a stand-in server, or with what a service has been seen to answer."""

from __future__ import annotations

from typing import final
from urllib.parse import urlsplit

import httpx
from tests.javascript import FakeHost

from isthmus.abc import FetchRequest, FetchResponse


@final
class ServerHost(FakeHost):
    """Sends everything to one server on loopback, under the name of the host that it was for."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    async def fetch(self, request: FetchRequest) -> FetchResponse:
        self.requests.append(request)
        meant = urlsplit(request.url)
        headers = [(name, value) for name, value in request.headers if name.lower() != "host"]
        url = f"http://127.0.0.1:{self._port}{request.url.partition(meant.netloc)[2] or '/'}"
        async with httpx.AsyncClient() as client:
            made = client.build_request(
                request.method, url, headers=[*headers, ("host", meant.netloc)], content=request.body
            )
            answer = await client.send(made)
        return FetchResponse(
            status=answer.status_code,
            reason=answer.reason_phrase,
            headers=tuple(answer.headers.multi_items()),
            body=answer.content,
            url=request.url,
        )
