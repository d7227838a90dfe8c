"""Webhooks: one URL for each source, whose function turns them into events.

The URL is Segment's, ``/?b=`` and the Base64 of ``SOURCE::SECRET``; or ``/webhooks/SOURCE`` with the secret in the header
``X-Segment-Source-Function-Token`` or as a bearer token.  The function sees neither.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Final, NamedTuple, final
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from isthmus import Outcome, Request, Status

from .answers import ACCEPTED, Refusal, check_available, json_answer
from .bodies import read_body
from .customresponses import custom_response
from .limits import IngressLimits
from .rates import Turnstile
from .sources import Enter, Entrance, Sources

__all__ = ["TOKEN_HEADER", "Webhooks"]

TOKEN_HEADER: Final = "x-segment-source-function-token"  # noqa: S105 -- a header's name

_JSON: Final = re.compile(r"application/(?:json|[\w.!#$&^-]+\+json)")
_FORM: Final = "application/x-www-form-urlencoded"
_HOST: Final = re.compile(r"[A-Za-z0-9._-]+(?::\d{1,5})?|\[[0-9A-Fa-f:.]+\](?::\d{1,5})?")
_RETRY_AFTER: Final = 60.0
"""Seconds after which a sender that is to try again may: the least of Segment's first waits."""


class _Presented(NamedTuple):
    source: str
    secret: str
    headers: frozenset[str]  # those that held the secret, in lower case


@final
class Webhooks:
    """Takes webhooks.

    Args:
        enter: gives who may send, and where it goes.
        limits: bounds.
        turnstile: rates.
        public_url: what senders see of this server, without a path; "" for what they say themselves.
        received: told of the source and of each webhook that it lets in; must not block.
    """

    def __init__(
        self,
        enter: Enter,
        limits: IngressLimits,
        turnstile: Turnstile,
        *,
        public_url: str = "",
        received: Callable[[str, Request], None],
    ) -> None:
        self._enter = enter
        self._limits = limits
        self._turnstile = turnstile
        self._public_url = public_url.rstrip("/")
        self._received = received

    async def take(self, request: HttpRequest) -> Response:
        """Answer a webhook once what came of it is durable."""
        presented = _presented(request)
        if not presented.source:
            raise Refusal(404, "not_found", "there is nothing here; a webhook's URL names its source")
        with self._enter() as serving:
            entrance = _entrance(serving.sources, presented)
            _check_method(request, entrance)
            self._turnstile.take(entrance, 1)
        # Without what serves now in hand: a sender may take its time.
        body = await read_body(request, most=self._limits.webhook_bytes, patience=self._limits.patience)
        webhook = self._webhook(request, body, presented)
        with self._enter() as serving:
            entrance = _entrance(serving.sources, presented)
            self._received(entrance.source, webhook)
            if entrance.run_later:
                await serving.pipeline.receive(entrance.source, webhook)
                return json_answer(ACCEPTED)
            outcome = await serving.pipeline.answer(
                entrance.source, webhook, retries=not entrance.sender_retries
            )
        return _answer(outcome, entrance)

    def _webhook(self, request: HttpRequest, body: bytes, presented: _Presented) -> Request:
        headers = tuple(
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in request.headers.raw
            if name.decode("latin-1").lower() not in presented.headers
        )
        query = [(name, value) for name, value in _query(request) if name != "b"]
        url = f"{self._origin(request)}{request.scope.get('raw_path', b'/').decode('latin-1').partition('?')[0]}"
        return Request(
            url=f"{url}?{urlencode(query)}" if query else url,
            method=request.method,
            headers=headers,
            body=body,
        )

    def _origin(self, request: HttpRequest) -> str:
        if self._public_url:
            return self._public_url
        host = request.headers.get("host", "")
        return f"{request.scope['scheme']}://{host if _HOST.fullmatch(host) else 'localhost'}"


def _query(request: HttpRequest) -> list[tuple[str, str]]:
    return parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)


def _presented(request: HttpRequest) -> _Presented:
    """The source and the secret that a request names."""
    source = request.path_params.get("source")
    if source is None:
        coded = next((value for name, value in _query(request) if name == "b"), "")
        # "+" and "/" of the alphabet are spelt otherwise in URLs, and padding is left out, as people do.
        coded = coded.replace(" ", "+").replace("-", "+").replace("_", "/").rstrip("=")
        try:
            text = base64.b64decode(coded + "=" * (-len(coded) % 4), validate=True).decode()
        except (binascii.Error, ValueError):
            text = ""
        source, _, secret = text.partition("::")
        return _Presented(source, secret, frozenset())
    if token := request.headers.get(TOKEN_HEADER):
        return _Presented(source, token, frozenset({TOKEN_HEADER}))
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return _Presented(source, token.strip(), frozenset({"authorization"}))
    return _Presented(source, "", frozenset())


def _entrance(sources: Sources, presented: _Presented) -> Entrance:
    entrance = sources.by_secret(presented.source, presented.secret) if presented.secret else None
    if entrance is None:
        raise Refusal(401, "unknown_source", "there is no source of this id and secret")
    check_available(entrance, webhook=True)
    return entrance


def _check_method(request: HttpRequest, entrance: Entrance) -> None:
    """POST with JSON or a form; what a function answers by itself may also be asked for."""
    if request.method != "POST":
        if entrance.custom_response and request.method in {"GET", "HEAD"}:
            return
        raise Refusal(405, "method_not_allowed", "a webhook is sent with POST", headers={"Allow": "POST"})
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refusal(415, "unsupported_encoding", "the body of a webhook has no Content-Encoding")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _FORM and not _JSON.fullmatch(kind):
        raise Refusal(400, "bad_request", f"the Content-Type of a webhook is application/json or {_FORM}")


def _answer(outcome: Outcome, entrance: Entrance) -> Response:
    problem = outcome.problem
    name = problem.name if problem else ""
    if outcome.status is Status.REFUSED:
        return json_answer({"success": False, "error": name}, 400)
    if outcome.status is Status.RETRY:
        if entrance.sender_retries:
            after = str(int(_RETRY_AFTER))
            return json_answer({"success": False, "error": name}, 503, {"Retry-After": after})
        return json_answer({"success": True, "retrying": True, "error": name}, 202)
    if entrance.custom_response and outcome.value is not None:
        return custom_response(bytes(outcome.value))
    return json_answer(ACCEPTED)
