"""fetch: requests that the host sends, within the instance's rules and the call's limits."""

from __future__ import annotations

import base64
import json as jsons
from collections.abc import Iterable, Mapping
from typing import Any

from ._door import door, packed
from ._request import Headers

__all__ = ["Response", "afetch", "fetch"]

Body = str | bytes | Mapping[str, Any] | None
HeadersLike = Mapping[str, str] | Iterable[tuple[str, str]]


class Response:
    """What came back, whole.

    Attributes:
        status: 200, 404, ...
        reason: the text beside it.
        headers: by name, whatever its case.
        url: after redirects.
        redirected: whether there were any.
        body: bytes, decompressed.
    """

    def __init__(self, fields: dict[str, Any]) -> None:
        self.status: int = fields["status"]
        self.reason: str = fields["reason"]
        self.headers = Headers(fields["headers"])
        self.url: str = fields["url"]
        self.redirected: bool = fields["redirected"]
        body = fields["body"]
        self.body = base64.b64decode(body) if fields.get("base64") else body.encode()

    @property
    def ok(self) -> bool:
        """Whether the status is one of 200 to 299."""
        return 200 <= self.status < 300

    def text(self) -> str:
        """The body as text, what is no UTF-8 replaced."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body parsed."""
        return jsons.loads(self.body)

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.url}>"


def fetch(
    url: str,
    *,
    method: str | None = None,
    headers: HeadersLike = (),
    body: Body = None,
    json: Any = None,
    redirect: str = "follow",
) -> Response:
    """Send a request and wait for the whole response; other threads go on.

    Args:
        url: absolute, ``http`` or ``https``.
        method: GET, or POST where there is something to send.
        headers: a mapping, or pairs.
        body: text, bytes, or a mapping, which is sent as a form.
        json: what to send as JSON, in place of a body.
        redirect: ``follow``, ``manual`` or ``error``.

    Raises:
        FetchError: no response came, or the request is not allowed.
    """
    return Response(door.ask(**_operation(url, method, headers, body, json, redirect)))


async def afetch(
    url: str,
    *,
    method: str | None = None,
    headers: HeadersLike = (),
    body: Body = None,
    json: Any = None,
    redirect: str = "follow",
) -> Response:
    """As :func:`fetch`, awaited; other tasks go on."""
    return Response(await door.ask_async(**_operation(url, method, headers, body, json, redirect)))


def _operation(
    url: str, method: str | None, headers: HeadersLike, body: Body, json: Any, redirect: str
) -> dict[str, Any]:
    pairs = [
        [str(name), str(value)]
        for name, value in (headers.items() if isinstance(headers, Mapping) else headers)
    ]
    named = {name.lower() for name, _ in pairs}
    if json is not None:
        if body is not None:
            raise TypeError("a request has a body or json, not both")
        body, kind = jsons.dumps(json, allow_nan=False), "application/json"
    elif isinstance(body, Mapping):
        from urllib.parse import urlencode  # here and in requests alone, as it is slow to import

        body, kind = urlencode(body, doseq=True), "application/x-www-form-urlencoded"
    else:
        kind = "text/plain;charset=UTF-8" if isinstance(body, str) else ""
    if kind and "content-type" not in named:
        pairs.append(["Content-Type", kind])
    fields: dict[str, Any] = {
        "op": "fetch",
        "url": str(url),
        "method": (method or ("GET" if body is None else "POST")).upper(),
        "headers": pairs,
        "redirect": redirect,
    }
    if body is not None:
        fields.update(packed(body.encode() if isinstance(body, str) else bytes(body)))
    return fields
