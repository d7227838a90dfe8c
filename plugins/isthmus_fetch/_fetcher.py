"""The fetcher: redirects, limits, hops; what is on the wire is the transport's."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, final

import trio

from isthmus.abc import Egress, Fetcher, FetchRequest, FetchResponse, Hop
from isthmus.errors import EngineClosed, EngineError, FetchError

from ._bodies import ENCODINGS
from ._dial import Resolve, Route, resolve
from ._faults import Fault, request_error
from ._hops import Pending
from ._requests import MAX_REDIRECTS, head_of, redirected, url_of
from ._urls import Url
from .egress import Rules, rules_of

if TYPE_CHECKING:
    import httpx

    from ._transport import Transport

__all__ = ["HttpFetcher"]

# Below the 1,024 files a process is commonly given, with room for everything else.
MAX_CONNECTIONS = 512

# As many as a busy run has under way: a connection closed for want of room is one to be made again.
MAX_KEEPALIVE = 256

# Node's servers hang up after 5 seconds of silence, and its own client after 4 (undici): a request
# that sets out as the server hangs up is lost, and only an idempotent one can be sent again.
KEEPALIVE = 4.0

# Generous: what ends a fetch is the call's own time limit, this only frees the connection.
CONNECT_TIMEOUT = 10.0


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
        max_connections: requests under way at the same time, and connections open; a request beyond
            them waits.
        max_keepalive: connections kept idle at the same time.
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
        self._agent = ""
        self._closed = False
        self._transport: Transport | None = None

        def make() -> Transport:
            from ._transport import Transport  # here, as httpx takes 70 ms to import

            return Transport(
                context=self._tls,
                resolve=resolve,
                http2=http2,
                max_connections=max_connections,
                max_keepalive=max_keepalive,
                keepalive=keepalive,
                connect_timeout=connect_timeout,
            )

        self._make = make

    def check_egress(self, egress: Egress) -> None:
        """Say, when an instance is loaded, whether its egress rules can be followed.

        Raises:
            EngineError: a rule is malformed; the message names it.
        """
        rules_of(egress)

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
            hop = Pending(request, url, head)
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
                return hop.result(redirected=count > 0)
            request, url = following
        raise FetchError(f"maximum redirect reached at: {hop.url}", type="max-redirect")

    async def aclose(self) -> None:
        """Close idle connections; requests under way go on to their end, none can follow."""
        self._closed = True
        if self._transport:
            await self._transport.aclose()

    async def _hop(
        self, hop: Pending, egress: Egress, rules: Rules, limit: int
    ) -> tuple[FetchRequest, Url] | None:
        """One request and its response; where to go next if that is a redirect, else None."""
        url = hop.url
        route = Route(egress=egress, scheme=url.scheme, host=url.host, port=url.port, address=url.address)
        try:
            reason = rules.refuse_name(url.host, url.port)
            reason = reason or rules.refuse_host_header(hop.head.headers[0][1], url.port)
            if reason:
                raise Fault("EACCES", reason)
            response = await self._send(hop, route)
        except Fault as fault:
            raise request_error(url, fault) from fault
        try:
            hop.answer(response)
            following = redirected(hop.request, url, hop.status, hop.headers)
            if following is None:
                await hop.read(limit)
            else:
                await hop.drain()
            return following
        finally:
            await response.aclose()

    async def _send(self, hop: Pending, route: Route) -> httpx.Response:
        import httpx  # here, as in __init__

        from ._streams import Upload

        self._transport = self._transport or self._make()
        request = httpx.Request(
            hop.head.method,
            str(hop.url),
            headers=[(name.encode("ascii"), value.encode("latin-1")) for name, value in hop.head.headers],
            stream=Upload(hop.request.body or b""),
            extensions={"route": route, "target": hop.head.target.encode("ascii")},
        )
        return await self._transport.handle_async_request(request)

    def _tls(self) -> ssl.SSLContext:
        # Late: reading the system's certificates takes 25 ms, which only HTTPS needs to pay.
        self._context = self._context or ssl.create_default_context()
        return self._context

    def _user_agent(self) -> str:
        if not self._agent:
            from importlib import metadata  # here, as it takes 10 ms to import

            try:
                self._agent = f"isthmus/{metadata.version('isthmus')}"
            except metadata.PackageNotFoundError:  # run from a source tree
                self._agent = "isthmus"
        return self._agent
