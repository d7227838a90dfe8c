"""Traces and metrics of ``isthmus serve``, as a collector gets them."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trio
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.ingress.processes import KEY, SECRET, client, serving, write_pipeline

import isthmus
from isthmus import Problem, Status
from isthmus.outcomes import Code
from isthmus.pipelines import Accepted, Attempted
from isthmus.rules import Decision, Delivered, Refused, RetryAt
from isthmus_otel import is_wanted
from isthmus_otel._requests import route_of
from isthmus_otel._telemetry import Telemetry

from .collector import attributes, collecting

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
FAULT = Problem(name="RetryError", message="what an event said", code=Code.RETRY)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_webhook_is_one_trace_from_its_sender_to_the_attempt_to_deliver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pipeline(tmp_path)
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        with serving(tmp_path) as served:
            with client(served) as http:
                traced = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
                assert http.post("/webhooks/hook", json={"id": "h"}, headers=traced).status_code == 200
                assert http.post("/webhooks/hook", json={"throw": True}).status_code == 400
                assert http.post("/v1/track", json={"userId": "u", "event": "E"}).status_code == 200
            served.until(lambda: len(collector.spans("delivery destination:archive")) == 2)
            served.process.send_signal(signal.SIGTERM)
            assert served.ended() == 0  # what is left is sent on the way out
    of_trace = {span.name: span for span in collector.spans("") if span.trace_id.hex() == TRACE}
    request = of_trace["POST /webhooks/{source}"]
    assert request.parent_span_id.hex() == PARENT
    assert attributes(request)["http.response.status_code"] == 200
    for name in ("onRequest function", "delivery destination:archive", "delivery webhook:hook"):
        assert of_trace[name].parent_span_id == request.span_id
    delivery = of_trace["delivery destination:archive"]
    attempt = of_trace["attempt destination:archive"]
    assert attempt.parent_span_id == delivery.span_id
    assert attributes(attempt)["isthmus.attempt"] == 1
    assert attributes(delivery)["messaging.message.id"] == "hook:h"
    failed = next(span for span in collector.spans("onRequest function") if span.trace_id.hex() != TRACE)
    assert attributes(failed)["isthmus.status"] == "refused"
    assert failed.status.code == 2  # an error
    assert collector.services == {"isthmus"}
    assert collector.count("isthmus.call.duration") == 2
    assert collector.count("isthmus.events.accepted") == 2
    assert collector.count("http.server.request.duration") == 3
    everything = b"".join(collector.bodies)
    assert not any(secret.encode() in everything for secret in (KEY, SECRET))


def test_nothing_of_opentelemetry_is_imported_where_no_collector_is_named() -> None:
    code = (
        "import sys, trio, isthmus\n"
        "async def main():\n"
        "    async with isthmus.open_engine() as engine: print(any(p.name == 'otel' for p in engine.plugins))\n"
        "trio.run(main); print([n for n in sys.modules if n.startswith('opentelemetry')])"
    )
    environ = {"PATH": "", "OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    told = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
    )
    assert told.stdout.splitlines() == ["True", "[]"]


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_SDK_DISABLED": "TRUE"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
    ],
    ids=["nothing", "all", "traces", "disabled", "empty"],
)
def test_variables_switch_it_on(environ: dict[str, str], wanted: bool) -> None:
    assert is_wanted(environ) is wanted


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/", "/"),
        ("/v1/track", "/v1/track"),
        ("/v1/" + "a" * 40, "/{api}"),
        ("/v1/../x", "/{api}"),
        ("/webhooks/s3cret", "/webhooks/{source}"),
        ("/functions/dfn_1/versions", "/{api}"),
    ],
    ids=str,
)
def test_routes_have_nothing_in_them_that_a_sender_chose(path: str, route: str) -> None:
    assert route_of(path) == route


class Made:
    """Telemetry that is kept in memory."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.telemetry = Telemetry(self.tracers, MeterProvider([self.reader]))

    @property
    def spans(self) -> dict[str, Any]:
        return {span.name: span for span in self.all_spans}

    @property
    def all_spans(self) -> list[Any]:
        return list(self.exporter.get_finished_spans())

    def attempted(self, number: int, decision: Decision, problem: Problem | None = None) -> None:
        self.telemetry.deliveries.observe(
            Attempted(
                queue="destination:d",
                delivery="s:m",
                attempt=number,
                status=Status.RETRY if problem else Status.DELIVERED,
                problem=problem,
                decision=decision,
                at=1000.0 + number,
                age=number + 0.5,
                took=0.25,
            )
        )


def test_a_delivery_lasts_from_its_acceptance_to_its_last_attempt() -> None:
    made = Made()
    with made.tracers.get_tracer("test").start_as_current_span("request") as request:
        made.telemetry.deliveries.observe(Accepted("s", "m", ("destination:d",)))
    made.attempted(1, RetryAt(1002.0, 1.0), FAULT)
    assert "delivery destination:d" not in made.spans
    made.attempted(2, Delivered())
    delivery = made.spans["delivery destination:d"]
    assert delivery.parent.span_id == request.get_span_context().span_id
    assert (delivery.start_time, delivery.end_time) == (999_500_000_000, 1_002_000_000_000)
    assert delivery.attributes["isthmus.attempts"] == 2
    attempts = [span for span in made.all_spans if span.name.startswith("attempt")]
    assert [span.parent.span_id for span in attempts] == [delivery.context.span_id] * 2
    assert [span.status.is_ok for span in attempts] == [False, True]
    assert all("what an event said" not in span.to_json() for span in made.all_spans)


def test_what_another_process_accepted_begins_a_trace_and_what_is_given_up_is_an_error() -> None:
    made = Made()
    made.attempted(3, Refused("attempts"), FAULT)
    delivery = made.spans["delivery destination:d"]
    assert delivery.parent is None
    assert not delivery.status.is_ok


async def test_the_plugin_is_told_of_calls_pipelines_and_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    import isthmus_otel

    made = Made()
    monkeypatch.setattr(isthmus_otel, "_of_the_process", lambda: made.telemetry)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    async with isthmus.open_engine(plugins=[isthmus_otel], load_entry_points=False) as engine:
        assert engine.plugins[0].offers == ("observer", "pipeline observer", "middleware")
        (around,) = engine.middlewares

        async def fails(scope: Any, receive: Any, send: Any) -> None:
            await trio.lowlevel.checkpoint()
            raise ZeroDivisionError

        scope = {"type": "http", "method": "BREW", "path": "/v1/track", "headers": []}
        with pytest.raises(ZeroDivisionError):
            await around(fails)(scope, None, None)
    span = made.spans["_OTHER /v1/track"]
    assert span.attributes["http.response.status_code"] == 500
    assert not span.status.is_ok
