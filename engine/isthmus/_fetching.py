"""An embedder's own function in place of a fetcher."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, final

import msgspec
import trio

from .abc import Egress, Fetcher, FetchRequest, FetchResponse, Hop
from .capabilities import call_here
from .errors import EngineError, FetchError

__all__ = ["CallableFetcher", "FetchFunction", "fetcher_of"]

FetchFunction = Callable[[FetchRequest, Egress, int], Awaitable[FetchResponse]]
"""Sends a request within egress rules, and gives a response whose body has so many bytes at the most, or raises
:class:`isthmus.FetchError`.  Whoever carries requests holds the rules: nobody else looks at addresses."""


@final
class CallableFetcher(Fetcher):
    """Carries requests out by a function, and traces each as one hop.

    Args:
        function: as :data:`FetchFunction` says; async or plain.
        carry: calls it where it belongs.
    """

    def __init__(
        self, function: Callable[..., Any], carry: Callable[..., Awaitable[Any]] = call_here
    ) -> None:
        self._function = function
        self._carry = carry

    async def fetch(
        self,
        request: FetchRequest,
        egress: Egress,
        *,
        max_response_bytes: int,
        on_hop: Callable[[Hop], None],
    ) -> FetchResponse:
        started = trio.current_time()
        sent = Hop(
            method=request.method,
            url=request.url,
            request_headers=request.headers,
            request_body=request.body or b"",
            started=started,
        )

        def tell(**found: Any) -> None:
            on_hop(msgspec.structs.replace(sent, duration=trio.current_time() - started, **found))

        try:
            response = await self._carry(self._function, request, egress, max_response_bytes)
            if not isinstance(response, FetchResponse):
                raise TypeError(f"a fetch gives an isthmus.abc.FetchResponse, not {type(response).__name__}")
            if len(response.body) > max_response_bytes:
                raise FetchError(
                    f"content size at {request.url} over limit: {max_response_bytes}", type="max-size"
                )
        except FetchError as error:
            tell(error=str(error))
            raise
        except trio.Cancelled:
            tell(error="cancelled")
            raise
        except Exception as error:
            tell(error=f"the fetcher failed ({type(error).__name__})")
            raise
        tell(status=response.status, response_headers=response.headers, response_body=response.body)
        return response


def fetcher_of(given: Fetcher | FetchFunction) -> Fetcher:
    """A fetcher of what an embedder has handed in.

    Raises:
        EngineError: it is neither a fetcher nor a function.
    """
    if isinstance(given, Fetcher):
        return given
    if not callable(given):
        raise EngineError(
            f"what fetches is an isthmus.abc.Fetcher or an async function, not {type(given).__name__}"
        )
    return CallableFetcher(given)
