"""Traces and metrics by OpenTelemetry, sent to a collector over OTLP/HTTP.

Switched on by OpenTelemetry's own variables: where ``OTEL_EXPORTER_OTLP_ENDPOINT`` (or that of traces, or of metrics) names a
collector, and ``OTEL_SDK_DISABLED`` is not ``true``.  Else nothing of it is imported.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from isthmus import hookimpl
from isthmus.errors import PluginError

if TYPE_CHECKING:
    from isthmus.calls import CallEvent
    from isthmus.pipelines import Observation

    from ._telemetry import Telemetry

__all__ = ["is_wanted", "isthmus_middlewares", "isthmus_observers", "isthmus_pipeline_observers"]

_ENDPOINTS: Final = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
)


def is_wanted(environ: Mapping[str, str]) -> bool:
    """Whether variables name a collector, and do not switch OpenTelemetry off."""
    return environ.get("OTEL_SDK_DISABLED", "").lower() != "true" and any(map(environ.get, _ENDPOINTS))


@hookimpl
def isthmus_observers() -> Sequence[Callable[[CallEvent], None]]:
    """Calls: metrics of all, and spans of those that are made within a request."""
    return [_of_the_process().calls.observe] if is_wanted(os.environ) else []


@hookimpl
def isthmus_pipeline_observers() -> Sequence[Callable[[Observation], None]]:
    """Deliveries and their attempts."""
    return [_of_the_process().deliveries.observe] if is_wanted(os.environ) else []


@hookimpl
def isthmus_middlewares() -> Sequence[Callable[[Any], Any]]:
    """Requests, which go on a trace that their sender has begun."""
    return [_of_the_process().around] if is_wanted(os.environ) else []


@cache
def _of_the_process() -> Telemetry:
    """One of a process: its exporters have threads, and what a request began its deliveries go on."""
    try:
        from ._telemetry import Telemetry
    except ModuleNotFoundError as exc:
        raise PluginError(
            f"isthmus_otel needs {exc.name!r}, which is not installed: pip install 'isthmus[otel]'"
        ) from exc
    return Telemetry.to_collector(os.environ)
