"""What traces and metrics are made with, and where they go."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final, Self, final

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import MeterProvider as AnyMeterProvider, NoOpMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import NoOpTracerProvider, TracerProvider as AnyTracerProvider

from ._calls import Calls
from ._deliveries import Deliveries
from ._requests import Requests

__all__ = ["Telemetry"]

SCOPE: Final = "isthmus"


@final
class Telemetry:
    """Makes spans and numbers.

    Args:
        tracers: where spans go.
        meters: where numbers go.

    Attributes:
        calls: of functions.
        deliveries: with their attempts.
    """

    def __init__(self, tracers: AnyTracerProvider, meters: AnyMeterProvider) -> None:
        tracer, meter = tracers.get_tracer(SCOPE, version(SCOPE)), meters.get_meter(SCOPE, version(SCOPE))
        self.calls = Calls(tracer, meter)
        self.deliveries = Deliveries(tracer, meter)
        self._requests = (tracer, meter)

    @classmethod
    def to_collector(cls, environ: Mapping[str, str]) -> Self:
        """Send to the collector that OpenTelemetry's variables name, from threads of their own, until the process ends.

        ``OTEL_TRACES_EXPORTER=none`` and ``OTEL_METRICS_EXPORTER=none`` leave one of the two out.
        """
        named = "OTEL_SERVICE_NAME" in environ or SERVICE_NAME in environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
        resource = Resource.create() if named else Resource.create({SERVICE_NAME: SCOPE})
        tracers: AnyTracerProvider = NoOpTracerProvider()
        meters: AnyMeterProvider = NoOpMeterProvider()
        if environ.get("OTEL_TRACES_EXPORTER") != "none":
            provider = tracers = TracerProvider(resource=resource)
            provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        if environ.get("OTEL_METRICS_EXPORTER") != "none":
            meters = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())], resource=resource)
        return cls(tracers, meters)

    def around(self, application: Any) -> Requests:
        """Put spans and numbers around an ASGI application."""
        return Requests(application, *self._requests)
