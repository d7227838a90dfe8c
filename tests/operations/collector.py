"""A collector of OpenTelemetry's on loopback: takes OTLP over HTTP, and keeps what it is sent."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, final

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@final
class Collector:
    """What has arrived.

    Attributes:
        url: of the collector.
        bodies: as they came, decompressed.
        services: names that spans came from.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.bodies: list[bytes] = []
        self.services: set[str] = set()
        self._spans: list[Any] = []
        self._metrics: dict[str, Any] = {}

    def take(self, path: str, body: bytes) -> None:
        """Take what was posted."""
        self.bodies.append(body)
        if path == "/v1/traces":
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.services |= {
                    each.value.string_value
                    for each in resource.resource.attributes
                    if each.key == "service.name"
                }
                for scope in resource.scope_spans:
                    self._spans += scope.spans
        elif path == "/v1/metrics":
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                for scope in resource.scope_metrics:
                    self._metrics |= {metric.name: metric for metric in scope.metrics}

    def spans(self, name: str) -> list[Any]:
        """Those whose names begin so."""
        return [span for span in self._spans if span.name.startswith(name)]

    def count(self, metric: str) -> int:
        """Values of a histogram, or the sum of a counter, over all attributes."""
        found = self._metrics[metric]
        if found.WhichOneof("data") == "histogram":
            return sum(point.count for point in found.histogram.data_points)
        return sum(point.as_int for point in found.sum.data_points)


def attributes(span: Any) -> dict[str, Any]:
    """Of a span, by their keys."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes}


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector in threads of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            collector.take(self.path, body)
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    collector = Collector(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
