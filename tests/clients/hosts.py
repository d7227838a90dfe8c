"""Hosts that answer what service clients fetch: by a stand-in server, or with what a service has been seen to answer."""

from __future__ import annotations

import json
from base64 import b64decode
from http import HTTPStatus
from typing import NamedTuple, final
from urllib.parse import parse_qsl, urlsplit

import httpx
import trio
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
        async with httpx.AsyncClient(timeout=300) as client:
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


class Answer(NamedTuple):
    """What a service answers to requests of this method whose URL begins so."""

    method: str
    url: str
    body: object = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


@final
class ServiceHost(FakeHost):
    """Answers as a service has been seen to answer; a request that nothing is known of fails the test."""

    def __init__(self, *answers: Answer) -> None:
        super().__init__()
        self._answers = answers

    async def fetch(self, request: FetchRequest) -> FetchResponse:
        self.requests.append(request)
        await trio.lowlevel.checkpoint()
        for answer in self._answers:
            if answer.method == request.method and request.url.startswith(answer.url):
                return _response(answer, request.url)
        raise AssertionError(f"{request.method} {request.url} was not to be asked")

    def sent(self, index: int = 0) -> Sent:
        return Sent(self.requests[index])


@final
class Sent:
    """A request as a test looks at it."""

    def __init__(self, request: FetchRequest) -> None:
        self.line = f"{request.method} {request.url}"
        self.headers = {name.lower(): value for name, value in request.headers}
        self.body = request.body or b""

    @property
    def basic(self) -> str:
        """The user and password that it carries."""
        return b64decode(self.headers["authorization"].removeprefix("Basic ")).decode()

    @property
    def json(self) -> object:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))


def _response(answer: Answer, url: str) -> FetchResponse:
    is_json = not isinstance(answer.body, bytes)
    return FetchResponse(
        status=answer.status,
        reason=HTTPStatus(answer.status).phrase,
        headers=(
            *((("content-type", "application/json; charset=utf-8"),) if is_json else ()),
            *answer.headers,
        ),
        body=answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode(),
        url=url,
    )
