"""Fetch for functions: HTTP/1.1 and HTTP/2 on Trio, within egress rules.

Importing this package imports no HTTP library: a process that fetches nothing does
not pay for one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from isthmus.hookspecs import hookimpl

if TYPE_CHECKING:
    from isthmus.abc import Fetcher

    from ._client import over_client as over_client
    from ._fetcher import HttpFetcher as HttpFetcher
    from .egress import check_egress as check_egress

__all__ = ["HttpFetcher", "check_egress", "isthmus_fetcher", "over_client"]


@hookimpl
def isthmus_fetcher() -> Fetcher:
    """Offer a fetcher with default settings."""
    from ._fetcher import HttpFetcher

    return HttpFetcher()


def __getattr__(name: str) -> object:
    if name == "HttpFetcher":
        from ._fetcher import HttpFetcher

        return HttpFetcher
    if name == "over_client":
        from ._client import over_client

        return over_client
    if name == "check_egress":
        from .egress import check_egress

        return check_egress
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
