"""The fetcher: redirects, limits, hops; what is on the wire is the pool's."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable
from typing import final

import msgspec
import trio

from isthmus.abc import Egress, Fetcher, FetchRequest, FetchResponse, Hop
from isthmus.errors import EngineClosed, EngineError, FetchError

from ._bodies import ENCODINGS, Body, TooLarge
from ._dial import Dialer, Resolve, Route, forwarded, resolve
from ._faults import Fault, body_error, request_error
from ._pool import Exchange, Pool
from ._requests import MAX_REDIRECTS, Head, head_of, redirected, url_of
from ._urls import Url
from .egress import Rules, rules_of

__all__ = ["HttpFetcher"]

# Below the 1,024 files a process is commonly given, with room for everything else.
MAX_CONNECTIONS = 512
MAX_KEEPALIVE = 128

# Node's servers hang up after 5 seconds of silence, and its own client after 4 (undici): a request
# that sets out as the server hangs up is lost, and only an idempotent one can be sent again.
KEEPALIVE = 4.0

# Generous: what ends a fetch is the call's own time limit, this only frees the connection.
CONNECT_TIMEOUT = 10.0

# A redirect's body is of no use; one this short is read nevertheless, as it saves the connection.
_REDIRECT_BODY = 4 * 1024


@final
class HttpFetcher(Fetcher):
    """Carries requests out over HTTP/1.1 and HTTP/2, as node-fetch 2 would, within egress rules.

    Connections are kept per egress rules, so that none that was made under lenient rules serves
    a request under strict ones.  Nothing is taken from the environment, no cookie is kept.

    Through a proxy the egress rules are put to the target's name and to its addresses as this
    machine sees them; see :mod:`isthmus_fetch.egress` for what that cannot cover.

    Args:
        ssl_context: decides which certificates are trusted; its ALPN protocols are set here.  By
            default the system's, as OpenSSL finds them (``SSL_CERT_FILE``, ``SSL_CERT_DIR``).
        resolve: looks a name up; by default the system does.
        http2: offer HTTP/2 where there is TLS.
        max_connections: in use at the same time; a request beyond them waits.
        max_keepalive: kept idle at the same time.
        keepalive: seconds an idle connection is kept.
        connect_timeout: seconds from looking a name up to the end of the TLS handshake.
    """

    def __init__(
        self,
        *,
        ssl_context: ssl.SSLContext | None = None,
        resolve: Resolve = resolve,
        http2: bool = True,
        max_connections: int = MAX_CONNECTIONS,
        max_keepalive: int = MAX_KEEPALIVE,
        keepalive: float = KEEPALIVE,
        connect_timeout: float = CONNECT_TIMEOUT,
    ) -> None:
        if max_connections < 1 or max_keepalive < 0:
            raise EngineError(
                "HttpFetcher takes max_connections from 1 and max_keepalive from 0, "
                f"not {max_connections!r} and {max_keepalive!r}"
            )
        self._context = ssl_context
        self._alpn = ["h2", "http/1.1"] if http2 else ["http/1.1"]
        self._ready = False
        self._agent = ""
        self._closed = False
        self._dialer = Dialer(context=self._tls, resolve=resolve, timeout=connect_timeout)
        self._pool = Pool(
            self._dialer.dial,
            max_connections=max_connections,
            max_keepalive=max_keepalive,
            keepalive=keepalive,
        )

    async def fetch(
        self,
        request: FetchRequest,
        egress: Egress,
        *,
        max_response_bytes: int,
        on_hop: Callable[[Hop], None],
    ) -> FetchResponse:
        """Send a request and follow its redirects; see :meth:`isthmus.abc.Fetcher.fetch`.

        Raises:
            FetchError: no response came, or the rules forbid the request.
            EngineError: the egress rules are malformed.
            EngineClosed: the fetcher has been closed.
        """
        rules = rules_of(egress)
        url = url_of(request)
        for count in range(MAX_REDIRECTS + 1):
            if self._closed:
                raise EngineClosed("the fetcher has been closed")
            head = head_of(request, url, agent=self._user_agent(), encodings=ENCODINGS)
            hop = _Hop(request, url, head)
            try:
                following = await self._hop(hop, egress, rules, max_response_bytes)
            except FetchError as exc:
                hop.error = str(exc)
                raise
            except trio.Cancelled:
                hop.error = "cancelled"
                raise
            finally:
                on_hop(hop.value())
            if following is None:
                return hop.response(redirected=count > 0)
            request, url = following
        raise FetchError(f"maximum redirect reached at: {hop.url}", type="max-redirect")

    async def aclose(self) -> None:
        """Close pooled connections; requests under way on shared ones fail, none can follow."""
        self._closed = True
        self._pool.close()
        await trio.lowlevel.checkpoint()

    async def _hop(
        self, hop: _Hop, egress: Egress, rules: Rules, limit: int
    ) -> tuple[FetchRequest, Url] | None:
        """One request and its response; where to go next if that is a redirect, else None."""
        url = hop.url
        route = Route(egress=egress, scheme=url.scheme, host=url.host, port=url.port, address=url.address)
        try:
            reason = rules.refuse_name(url.host, url.port)
            reason = reason or rules.refuse_host_header(hop.head.headers[0][1], url.port)
            if reason:
                raise Fault("EACCES", reason)
            if forwarded(rules, route):
                await self._dialer.judge(route)
            exchange = await self._pool.send(route, hop.head, hop.request.body)
        except Fault as fault:
            raise request_error(url, fault) from fault
        try:
            hop.exchange = exchange
            following = redirected(hop.request, url, exchange.status, exchange.headers)
            if following is None:
                await _read(hop, exchange, limit)
            else:
                await _drain(exchange)
            return following
        finally:
            exchange.close()

    def _tls(self) -> ssl.SSLContext:
        # Late: reading the system's certificates takes 25 ms, which only HTTPS needs to pay.
        if not self._ready:
            self._context = self._context or ssl.create_default_context()
            self._context.set_alpn_protocols(self._alpn)
            self._ready = True
        assert self._context is not None  # noqa: S101 -- for the type checker; set above
        return self._context

    def _user_agent(self) -> str:
        if not self._agent:
            from importlib import metadata  # here, as it takes 10 ms to import

            try:
                self._agent = f"isthmus/{metadata.version('isthmus')}"
            except metadata.PackageNotFoundError:  # run from a source tree
                self._agent = "isthmus"
        return self._agent


@final
class _Hop:
    """One hop in the making."""

    def __init__(self, request: FetchRequest, url: Url, head: Head) -> None:
        self.request = request
        self.url = url
        self.head = head
        self.exchange: Exchange | None = None
        self.body: Body | None = None
        self.error = ""
        self._started = trio.current_time()

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
        if (exchange := self.exchange) is None:
            return hop
        return msgspec.structs.replace(
            hop,
            status=exchange.status,
            response_headers=exchange.headers,
            response_body=self.body.value() if self.body else b"",
            address=exchange.address,
            http_version=exchange.http_version,
        )

    def response(self, *, redirected: bool) -> FetchResponse:
        assert self.exchange is not None  # noqa: S101 -- for the type checker
        assert self.body is not None  # noqa: S101 -- as above
        return FetchResponse(
            status=self.exchange.status,
            reason=self.exchange.reason,
            headers=self.exchange.headers,
            body=self.body.value(),
            url=str(self.url),
            redirected=redirected,
        )


async def _read(hop: _Hop, exchange: Exchange, limit: int) -> None:
    bodiless = hop.head.method == "HEAD" or exchange.status in {204, 304}
    encoding = "" if bodiless else _header(exchange, "content-encoding")
    hop.body = Body(encoding, limit)
    try:
        if not bodiless and not encoding and _length(exchange) > limit:
            raise TooLarge
        while data := await exchange.receive():
            hop.body.feed(data)
    except TooLarge as exc:
        raise FetchError(f"content size at {hop.url} over limit: {limit}", type="max-size") from exc
    except Fault as fault:
        raise body_error(hop.url, fault) from fault


async def _drain(exchange: Exchange) -> None:
    """Read a short body to its end for the connection's sake; of a failure the next hop will know."""
    if 0 <= _length(exchange) <= _REDIRECT_BODY:
        with contextlib.suppress(Fault):
            while await exchange.receive():
                pass


def _header(exchange: Exchange, name: str) -> str:
    return next((value for key, value in exchange.headers if key.lower() == name), "")


def _length(exchange: Exchange) -> int:
    """What Content-Length says, -1 where it says nothing."""
    text = _header(exchange, "content-length")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else -1
