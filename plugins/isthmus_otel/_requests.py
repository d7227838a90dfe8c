"""Requests: a span of each, on the trace that its sender has begun (W3C Trace Context), and how long it took."""

from __future__ import annotations

import time
from typing import Any, Final, final

from opentelemetry.context import attach, detach
from opentelemetry.metrics import Meter
from opentelemetry.trace import SpanKind, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ._calls import BOUNDS

__all__ = ["Requests", "route_of"]

_NOT_TRACED: Final = frozenset({"/healthz", "/readyz"})
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def route_of(path: str) -> str:
    """What a request is for, without what its sender chose: the ids and secrets in it."""
    if path == "/":
        return "/"
    head, _, rest = path[1:].partition("/")
    if head == "v1" and rest.isascii() and rest.isalpha() and len(rest) <= 10:
        return path
    return "/webhooks/{source}" if head == "webhooks" else "/{api}"


@final
class Requests:
    """An ASGI application around another.

    Args:
        application: the other.
        tracer: makes the spans.
        meter: makes the numbers.
    """

    def __init__(self, application: Any, tracer: Tracer, meter: Meter) -> None:
        self._application = application
        self._tracer = tracer
        self._propagator = TraceContextTextMapPropagator()
        self._duration = meter.create_histogram(
            "http.server.request.duration",
            unit="s",
            description="Time to the answer.",
            explicit_bucket_boundaries_advisory=BOUNDS,
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["path"] in _NOT_TRACED:
            await self._application(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        attributes: dict[str, str | int] = {
            "http.request.method": method,
            "http.route": route_of(scope["path"]),
        }
        carried = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
            if name.lower() in {b"traceparent", b"tracestate"}
        }
        span = self._tracer.start_span(
            f"{method} {attributes['http.route']}",
            self._propagator.extract(carried),
            kind=SpanKind.SERVER,
            attributes=attributes,
        )
        status = 500
        began = time.perf_counter()

        async def telling(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        token = attach(set_span_in_context(span))
        try:
            await self._application(scope, receive, telling)
        finally:
            detach(token)
            attributes["http.response.status_code"] = status
            self._duration.record(time.perf_counter() - began, attributes)
            span.set_attribute("http.response.status_code", status)
            if status >= 500:
                span.set_status(StatusCode.ERROR)
            span.end()
