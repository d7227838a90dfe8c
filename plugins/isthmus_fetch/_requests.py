"""Requests as they go out: checked, completed, and after a redirect made anew.

Completed with node-fetch's defaults, stripped of what is the connection's business.

Sources: node-fetch 2 (``getNodeRequestOptions``, the redirect branch of ``fetch``); the Fetch
standard, "HTTP-redirect fetch"; RFC 9110 section 7.6.1 for hop-by-hop headers.
"""

from __future__ import annotations

import base64
import re
from typing import final

import msgspec

from isthmus.abc import FetchRequest
from isthmus.errors import FetchError

from ._urls import BadUrl, Url, parse_url

__all__ = ["MAX_REDIRECTS", "Head", "head_of", "redirected", "url_of"]

MAX_REDIRECTS = 20  # node-fetch's and the Fetch standard's

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BAD_IN_VALUE = re.compile(r"[^\t\x20-\x7e\x80-\xff]")
_SHOWN = 60  # characters of a bad header name that a message repeats

# The connection's business, not the request's: this side sets them where it needs them.
_HOP_BY_HOP = frozenset(
    {"connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)

# A tunnel, an echo of the request's secrets, and Microsoft's name for the latter.
_FORBIDDEN_METHODS = frozenset({"CONNECT", "TRACE", "TRACK"})

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SECRETS = frozenset({"authorization", "cookie", "cookie2", "proxy-authorization", "www-authenticate"})
_OF_THE_BODY = frozenset(
    {"content-encoding", "content-language", "content-length", "content-location", "content-type"}
)


@final
class Head(msgspec.Struct, frozen=True, kw_only=True):
    """A request without its body, as it is sent.

    Attributes:
        target: path and query.
        headers: in order, Host first.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]


def url_of(request: FetchRequest) -> Url:
    """The URL of a request.

    Raises:
        FetchError: it is not one that can be fetched.
    """
    try:
        return parse_url(request.url)
    except BadUrl as exc:
        raise FetchError(str(exc), code="ERR_INVALID_URL", type="invalid-url") from exc


def head_of(request: FetchRequest, url: Url, *, agent: str, encodings: str) -> Head:
    """Complete a request.

    Args:
        request: as the function made it.
        url: its URL, taken apart.
        agent: the User-Agent where the function names none.
        encodings: the Accept-Encoding where the function names none.

    Raises:
        FetchError: the method or a header is not one that HTTP can carry.
    """
    method = request.method
    if not _TOKEN.fullmatch(method) or method.upper() in _FORBIDDEN_METHODS:
        raise FetchError(
            f"{method[:_SHOWN]!r} is not a method that can be fetched with",
            code="ERR_INVALID_ARG_VALUE",
            type="invalid-request",
        )
    headers = [(name, _value(name, value)) for name, value in request.headers if _kept(name)]
    given = {name.lower() for name, _ in headers}
    for name, value in (("accept", "*/*"), ("user-agent", agent), ("accept-encoding", encodings)):
        if name not in given:
            headers.append((name, value))
    if "authorization" not in given and (credentials := url.credentials) is not None:
        headers.append(("authorization", "Basic " + base64.b64encode(credentials).decode()))
    if request.body is not None:
        headers.append(("content-length", str(len(request.body))))
    elif method in {"POST", "PUT"}:
        headers.append(("content-length", "0"))
    hosts = [header for header in headers if header[0].lower() == "host"]
    if len(hosts) > 1:
        raise FetchError("a request has one Host header", code="ERR_INVALID_CHAR", type="invalid-request")
    rest = [header for header in headers if header[0].lower() != "host"]
    return Head(method=method, target=url.target, headers=(*(hosts or [("host", url.netloc)]), *rest))


def _kept(name: str) -> bool:
    if not _TOKEN.fullmatch(name):
        raise FetchError(
            f"{name[:_SHOWN]!r} is not a legal HTTP header name",
            code="ERR_INVALID_HTTP_TOKEN",
            type="invalid-request",
        )
    lower = name.lower()
    return lower not in _HOP_BY_HOP and not lower.startswith("proxy-")


def _value(name: str, value: str) -> str:
    if _BAD_IN_VALUE.search(value):
        # Not the value: it may be a secret.
        raise FetchError(
            f"the value of the header {name!r} holds a character that HTTP cannot carry",
            code="ERR_INVALID_CHAR",
            type="invalid-request",
        )
    return value.strip(" \t")


def redirected(
    request: FetchRequest, url: Url, status: int, headers: tuple[tuple[str, str], ...]
) -> tuple[FetchRequest, Url] | None:
    """What to ask next after a response, and where; None where the response is the answer.

    Raises:
        FetchError: the response is a redirect that the request does not take, or to no URL.
    """
    if status not in _REDIRECTS or request.redirect == "manual":
        return None
    if request.redirect == "error":
        raise FetchError(
            f"uri requested responds with a redirect, redirect mode is set to error: {url}",
            type="no-redirect",
        )
    location = next((value for name, value in headers if name.lower() == "location"), None)
    if location is None:
        return None
    try:
        target = parse_url(_text(location), url)
    except BadUrl as exc:
        raise FetchError(
            f"uri requested responds with an invalid redirect URL: {location[:200]!r} ({exc})",
            type="invalid-redirect",
        ) from exc
    if target.fragment is None:
        target = msgspec.structs.replace(target, fragment=url.fragment)
    method, body, dropped = request.method, request.body, frozenset[str]()
    if (status == 303 and method not in {"GET", "HEAD"}) or (status in {301, 302} and method == "POST"):
        method, body, dropped = "GET", None, _OF_THE_BODY
    if target.origin != url.origin:
        # Host too: it named the server that was left.
        dropped |= _SECRETS | {"host"}
    return (
        msgspec.structs.replace(
            request,
            url=str(target),
            method=method,
            body=body,
            headers=tuple(header for header in request.headers if header[0].lower() not in dropped),
        ),
        target,
    )


def _text(location: str) -> str:
    """A Location as its sender meant it: headers come as Latin-1, and servers write UTF-8 into them."""
    try:
        return location.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return location
