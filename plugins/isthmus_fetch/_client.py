"""Fetch by an embedder's own client of httpx: its pool, its certificates, its proxies; the rules are held here.

As with a proxy, it is the client that connects.  Names and the addresses that this machine sees are judged before it is
asked, each redirect anew; where it sees other addresses, by a proxy or by a second answer of the resolver, the rules of
its own network decide.  Its cookies and its credentials are its owner's, and are sent for no function.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING

from isthmus.abc import Egress, FetchRequest, FetchResponse
from isthmus.errors import FetchError

from ._faults import Fault, body_error, fault_of, request_error
from ._requests import MAX_REDIRECTS, Head, head_of, redirected, url_of
from .egress import Rules, rules_of

if TYPE_CHECKING:
    import httpx

    from ._urls import Url

__all__ = ["over_client"]

ENCODINGS = "gzip, deflate"


def over_client(
    client: httpx.AsyncClient,
) -> Callable[[FetchRequest, Egress, int], Awaitable[FetchResponse]]:
    """Make what ``open_engine(fetcher=...)`` takes of a client, which stays its owner's to close.

    Args:
        client: used where the engine was opened: in the asyncio loop, or in Trio.
    """

    async def fetch(request: FetchRequest, egress: Egress, most: int) -> FetchResponse:
        rules = rules_of(egress)
        if rules.proxy is not None:
            raise FetchError(
                f"request to {request.url} failed, reason: a client has its own proxies, not an instance's"
            )
        url = url_of(request)
        for count in range(MAX_REDIRECTS + 1):
            head = head_of(request, url, agent=client.headers["user-agent"], encodings=ENCODINGS)
            await _judge(rules, url, head)
            response, body, following = await _exchange(client, request, url, head, most)
            if following is None:
                return FetchResponse(
                    status=response.status_code,
                    reason=response.reason_phrase,
                    headers=_headers(response),
                    body=body,
                    url=str(url),
                    redirected=count > 0,
                )
            request, url = following
        raise FetchError(f"maximum redirect reached at: {url}", type="max-redirect")

    return fetch


async def _judge(rules: Rules, url: Url, head: Head) -> None:
    import anyio  # with httpx, which stands on it

    try:
        reason = rules.refuse_name(url.host, url.port) or rules.refuse_host_header(
            head.headers[0][1], url.port
        )
        if not reason and url.address is not None:
            reason = rules.refuse_address(url.host, url.address, url.port)
        elif not reason:
            try:
                found = await anyio.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
            except OSError as error:
                raise fault_of(error, "getaddrinfo", url.host) from error
            for *_, place in found:
                reason = reason or rules.refuse_address(
                    url.host, ip_address(str(place[0]).partition("%")[0]), url.port
                )
        if reason:
            raise Fault("EACCES", reason)
    except Fault as fault:
        raise request_error(url, fault) from fault


async def _exchange(
    client: httpx.AsyncClient, request: FetchRequest, url: Url, head: Head, most: int
) -> tuple[httpx.Response, bytes, tuple[FetchRequest, Url] | None]:
    """One request, and its response read whole; or where to go next."""
    import httpx

    sent = httpx.Request(
        head.method,
        str(url),
        headers=[(name.encode("ascii"), value.encode("latin-1")) for name, value in head.headers],
        content=request.body,
    )
    try:
        response = await client.send(sent, stream=True, auth=None, follow_redirects=False)
    except httpx.HTTPError as error:
        raise request_error(url, _fault(error, "connect")) from error
    try:
        following = redirected(request, url, response.status_code, _headers(response))
        body = b"" if following is not None else await _read(response, url, most)
        return response, body, following
    finally:
        await response.aclose()


async def _read(response: httpx.Response, url: Url, most: int) -> bytes:
    import httpx

    parts: list[bytes] = []
    size = 0
    try:
        async for part in response.aiter_bytes():
            size += len(part)
            if size <= most:
                parts.append(part)
            else:
                # What reads next finds it closed, and ends all the generators of the client's in one another.
                await response.aclose()
    except httpx.TransportError as error:
        if size <= most:
            raise body_error(url, _fault(error, "read")) from error
    except (httpx.DecodingError, httpx.StreamError) as error:
        if size <= most:
            raise body_error(url, Fault("Z_DATA_ERROR", str(error))) from error
    if size > most:
        raise FetchError(f"content size at {url} over limit: {most}", type="max-size")
    return b"".join(parts)


def _fault(error: Exception, doing: str) -> Fault:
    """What a client's exception comes to; those of several addresses are in a group, of which the first counts."""
    cause: BaseException | None = error
    while cause is not None and not (isinstance(cause, OSError) and cause.errno is not None):
        if isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[0]
        else:
            cause = cause.__cause__ or cause.__context__
    return fault_of(error if cause is None else cause, doing)


def _headers(response: httpx.Response) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw)
