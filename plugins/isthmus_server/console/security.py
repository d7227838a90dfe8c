"""What keeps pages to themselves: the headers of every answer, and whether a form was sent by a page of this console."""

from __future__ import annotations

import hmac
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

from isthmus_server.api.problems import problem

__all__ = ["HEADERS", "check_origin", "check_proof"]

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # with no-referrer browsers would send forms without their origin
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def check_origin(request: Request, origin: str) -> None:
    """See that a form was sent by a page of this address; browsers say so of every form.

    Args:
        request: the form.
        origin: that this server is known by where what it is asked as differs, or "".

    Raises:
        Problem: 403, it was another page, or nobody says which.
    """
    given = request.headers.get("origin", "")
    host = request.headers.get("host", "")
    own = bool(host) and urlsplit(given).netloc.lower() == host.lower()
    if not own and not (origin and given == origin):
        raise problem(403, "The form was not sent by a page of this console.")
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise problem(403, "The form was not sent by a page of this console.")


def check_proof(expected: str, given: str) -> None:
    """See that a form was made for this session.

    Raises:
        Problem: 403, it was not.
    """
    if not expected or not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
        raise problem(403, "The form is of another session. Load the page anew, and try again.")
