"""One request on the wire and its response, until it can be told of."""

from __future__ import annotations

import contextlib
import http
from collections.abc import AsyncIterable
from typing import TYPE_CHECKING, final

import msgspec
import trio

from isthmus.abc import FetchRequest, FetchResponse, Hop
from isthmus.errors import FetchError

from ._bodies import Body, TooLarge
from ._faults import Fault, body_error
from ._requests import Head
from ._urls import Url

if TYPE_CHECKING:
    import httpx

__all__ = ["Pending"]

# A redirect's body is of no use; one this short is read nevertheless, as it saves the connection.
_REDIRECT_BODY = 4 * 1024

# Node's, where Python's own differ with its version.
_PHRASES = {status.value: status.phrase for status in http.HTTPStatus} | {
    413: "Payload Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Entity",
}


@final
class Pending:
    """One hop while it is under way."""

    def __init__(self, request: FetchRequest, url: Url, head: Head) -> None:
        self.request = request
        self.url = url
        self.head = head
        self.response: httpx.Response | None = None
        self.status = 0
        self.headers: tuple[tuple[str, str], ...] = ()
        self.body: Body | None = None
        self.error = ""
        self._started = trio.current_time()

    def answer(self, response: httpx.Response) -> None:
        """The head of its response is there."""
        self.response = response
        self.status = response.status_code
        self.headers = tuple(
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw
        )

    def header(self, name: str) -> str:
        """A header of its response, its name in lower case."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    def length(self) -> int:
        """What Content-Length says, -1 where it says nothing."""
        text = self.header("content-length")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else -1

    def value(self) -> Hop:
        hop = Hop(
            method=self.head.method,
            url=str(self.url),
            request_headers=self.head.headers,
            request_body=self.request.body or b"",
            started=self._started,
            duration=trio.current_time() - self._started,
            error=self.error,
        )
        if self.response is None:
            return hop
        return msgspec.structs.replace(
            hop,
            status=self.status,
            response_headers=self.headers,
            response_body=self.body.value() if self.body else b"",
            address=self.response.extensions["address"],
            http_version=self.response.extensions["http_version"].decode("ascii"),
        )

    def result(self, *, redirected: bool) -> FetchResponse:
        assert self.response is not None  # noqa: S101 -- for the type checker
        assert self.body is not None  # noqa: S101 -- as above
        phrase = self.response.extensions.get("reason_phrase")
        return FetchResponse(
            status=self.status,
            # HTTP/2 has none; functions written against HTTP/1.1 read one.
            reason=_PHRASES.get(self.status, "") if phrase is None else phrase.decode("latin-1"),
            headers=self.headers,
            body=self.body.value(),
            url=str(self.url),
            redirected=redirected,
        )

    async def read(self, limit: int) -> None:
        """Take in the body.

        Raises:
            FetchError: it is larger than so many bytes, or broke off.
        """
        bodiless = self.head.method == "HEAD" or self.status in {204, 304}
        encoding = "" if bodiless else self.header("content-encoding")
        self.body = Body(encoding, limit)
        try:
            if not bodiless and not encoding and self.length() > limit:
                raise TooLarge
            async for data in self._stream():
                self.body.feed(data)
        except TooLarge as exc:
            raise FetchError(f"content size at {self.url} over limit: {limit}", type="max-size") from exc
        except Fault as fault:
            raise body_error(self.url, fault) from fault

    async def drain(self) -> None:
        """Read a short body to its end for the connection's sake; of a failure the next hop will know."""
        if 0 <= self.length() <= _REDIRECT_BODY:
            with contextlib.suppress(Fault):
                async for _ in self._stream():
                    pass

    def _stream(self) -> AsyncIterable[bytes]:
        """The body as sent: what httpx decompresses by itself it decompresses without bounds."""
        assert self.response is not None  # noqa: S101 -- for the type checker
        assert isinstance(self.response.stream, AsyncIterable)  # noqa: S101 -- as above
        return self.response.stream
