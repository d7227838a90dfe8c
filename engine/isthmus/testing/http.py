"""The network in a test: responses that are written down, and the requests that came."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, final

import msgspec

from isthmus.abc import Fetcher, FetchRequest, FetchResponse
from isthmus.errors import FetchError
from isthmus.hookspecs import hookimpl

from .runtime import MockFetcher

__all__ = ["SINK_URL", "HttpStub", "StubResponse", "compact"]

SINK_URL: Final = "https://sink.isthmus.test"
"""Every stub answers what is sent below it with 200 and ``{"ok":true}``, unless a response of its own fits."""

NO_STUB: Final = "ENOSTUB"
"""``FetchError.code`` of a request that no response was written down for."""

_ABSENT = msgspec.Raw()


def compact(text: msgspec.Raw) -> bytes:
    """JSON as machines write it: how its file is laid out is nothing to a function."""
    return msgspec.json.format(bytes(text), indent=-1) if bytes(text) else b""


@final
class StubResponse(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is answered, and to what; the first response that fits is taken.

    Attributes:
        method: upper case, "" for any.
        url: of the request, with ``*`` for anything; one without a ``?`` fits whatever the query is.
        body_contains: text that has to be in the request's body.
        status: of the response.
        headers: of the response; a ``content-type`` is added to a body that has none.
        body: JSON to answer with; a string is sent as text.
        error: no response comes, but a network error of this code: ``ECONNREFUSED``, ``ETIMEDOUT``.
        times: requests it is there for, 0 for any number.
    """

    method: str = ""
    url: str = "*"
    body_contains: str = ""
    status: int = 200
    headers: dict[str, str] = {}
    body: msgspec.Raw = _ABSENT
    error: str = ""
    times: int = 0

    def fits(self, request: FetchRequest) -> bool:
        """Whether it is for a request."""
        url = request.url if "?" in self.url else request.url.partition("?")[0]
        pattern = ".*".join(map(re.escape, self.url.split("*")))
        return (
            self.method.upper() in {"", request.method}
            and re.fullmatch(pattern, url, re.DOTALL) is not None
            and self.body_contains.encode() in (request.body or b"")
        )

    def answer(self, request: FetchRequest) -> FetchResponse:
        """The response to a request.

        Raises:
            FetchError: none comes.
        """
        if self.error:
            text = f"request to {request.url} failed, reason: {self.error}"
            raise FetchError(text, code=self.error)
        body, kind = compact(self.body), "application/json"
        if body.startswith(b'"'):
            body, kind = msgspec.json.decode(body, type=str).encode(), "text/plain; charset=utf-8"
        headers = list(self.headers.items())
        if body and not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("content-type", kind))
        return FetchResponse(status=self.status, headers=tuple(headers), body=body, url=request.url)


_SINK = StubResponse(url=f"{SINK_URL}*", body=msgspec.Raw(b'{"ok":true}'))


@final
class HttpStub:
    """A network without one: a plugin whose fetcher answers what was written down, and nothing else.

    A request that no response fits gets a :class:`isthmus.FetchError` of the code ``ENOSTUB``.  Egress
    rules mean nothing to it.  The engine may run in another thread than whoever looks at the requests.

    Args:
        responses: see :meth:`respond`, which adds to them.
        otherwise: makes the response to what none of them fits.

    Attributes:
        requests: all that were made.
        unanswered: those of them that no response was there for.
    """

    def __init__(
        self,
        responses: Iterable[StubResponse] = (),
        *,
        otherwise: Callable[[FetchRequest], StubResponse] | None = None,
    ) -> None:
        self._responses = list(responses)
        self._otherwise = otherwise
        self._uses: dict[int, int] = {}
        self._fetcher = MockFetcher(self.answer)
        self.requests: list[FetchRequest] = []
        self.unanswered: list[FetchRequest] = []

    @hookimpl
    def isthmus_fetcher(self) -> Fetcher:
        """Takes the place of the fetcher that is installed."""
        return self._fetcher

    @property
    def sink_url(self) -> str:
        """A URL below which everything is answered, for the setting that takes an API's."""
        return SINK_URL

    def respond(
        self,
        method: str = "",
        url: str = "*",
        *,
        status: int = 200,
        json: object = None,
        text: str | None = None,
        headers: Mapping[str, str] | None = None,
        error: str = "",
        body_contains: str = "",
        times: int = 0,
    ) -> None:
        """Write down a response; what is written down later is asked first.

        Args:
            method: "" for any.
            url: with ``*`` for anything; one without a ``?`` fits whatever the query is.
            status: of the response.
            json: its body, as JSON.
            text: its body, as text.
            headers: of the response.
            error: no response comes, but a network error of this code (``ECONNREFUSED``).
            body_contains: text that has to be in the request's body.
            times: requests it is there for, 0 for any number.

        Raises:
            ValueError: there are two bodies, or a response and an error.
        """
        if (json is not None) + (text is not None) + bool(error) > 1:
            raise ValueError("a response has one of json, text and error")
        given = text if text is not None else json
        body = _ABSENT if given is None else msgspec.Raw(msgspec.json.encode(given))
        self._responses.insert(
            0,
            StubResponse(
                method=method,
                url=url,
                body_contains=body_contains,
                status=status,
                headers=dict(headers or {}),
                body=body,
                error=error,
                times=times,
            ),
        )

    def answer(self, request: FetchRequest) -> FetchResponse:
        """The response to a request.

        Raises:
            FetchError: what fits is a network error, or nothing fits.
        """
        self.requests.append(request)
        for response in self._responses:
            uses = self._uses.get(id(response), 0)
            if (response.times and uses >= response.times) or not response.fits(request):
                continue
            self._uses[id(response)] = uses + 1
            return response.answer(request)
        if self._otherwise is not None:
            return self._otherwise(request).answer(request)
        if _SINK.fits(request):
            return _SINK.answer(request)
        self.unanswered.append(request)
        raise FetchError(
            f"request to {request.url} failed, reason: the test has no response for {request.method} {request.url}",
            code=NO_STUB,
        )

    def json(self, index: int = -1) -> Any:
        """The body of a request that was made, the last one by default, decoded.

        Raises:
            IndexError: there were not so many requests.
            ValueError: its body is not JSON.
        """
        return msgspec.json.decode(self.requests[index].body or b"")

    def header(self, name: str, index: int = -1) -> str | None:
        """A header of a request that was made, the last one by default, whatever the case of its name; None for none.

        Raises:
            IndexError: there were not so many requests.
        """
        values = [value for key, value in self.requests[index].headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None
