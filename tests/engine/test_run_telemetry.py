"""What a run counts reaches an OpenTelemetry collector and Prometheus, over real connections on this machine."""

from __future__ import annotations

import logging
import socket
import threading
import urllib.request
from collections.abc import Callable, Generator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from flows.engine import run_telemetry
from flows.engine.outcome import Item, Outcome, Summary
from flows.engine.project import Project
from flows.engine.run import run_stale_items
from flows.engine.run_telemetry import RunTelemetry, make_telemetry

pytest.importorskip("opentelemetry.sdk", reason="the extra telemetry is not installed")
Counts = dict[tuple[str, str, str], float]
"""(instrument, stage, result or "") to the sum, or to the number of values of a histogram."""


@pytest.fixture(autouse=True)
def forget_provider(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    monkeypatch.delenv(run_telemetry.VARIABLE, raising=False)
    run_telemetry._open_provider.cache_clear()
    yield
    run_telemetry._open_provider.cache_clear()


@pytest.fixture
def collector() -> Generator[tuple[str, list[bytes]]]:
    """The address of a collector, and the bodies of the requests that it got."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", bodies
    run_telemetry._open_provider(("otlp",))[0].shutdown()
    server.shutdown()
    thread.join()
    server.server_close()


def read_counts(body: bytes) -> Counts:
    """The counts of a request of OTLP."""
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

    found: Counts = {}
    for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
        for metric in (metric for scope in resource.scope_metrics for metric in scope.metrics):
            points = [(point.attributes, float(point.as_int)) for point in metric.sum.data_points]
            points += [(point.attributes, float(point.count)) for point in metric.histogram.data_points]
            for pairs, value in points:
                attributes = {pair.key: pair.value.string_value for pair in pairs}
                found[metric.name, attributes["semflow.stage"], attributes.get("semflow.result", "")] = value
    return found


def test_a_collector_gets_the_counts_of_every_run(
    reopen: Callable[[], Project], collector: tuple[str, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, bodies = collector
    monkeypatch.setenv(run_telemetry.VARIABLE, "otlp")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    summary = run_stale_items(reopen())
    counts = read_counts(bodies[-1])
    assert counts["semflow.items", "read", "computed"] == counts["semflow.item.duration", "read", ""] == 2
    made = sum(outcome.bytes for outcome in summary.outcomes if outcome.stage == "read")
    assert counts["semflow.artifacts.size", "read", ""] == made > 0
    assert {stage: n for (name, stage, _), n in counts.items() if name == "semflow.items.queued"} == dict.fromkeys(
        ("read", "count", "repeat", "join"), 0
    )
    (reopen().root / "data/raw/new.mp4").write_text("a new one")
    run_stale_items(reopen())
    assert read_counts(bodies[-1])["semflow.items", "read", "computed"] == 3


def test_prometheus_reads_the_counts_while_the_process_lives(
    reopen: Callable[[], Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv(run_telemetry.VARIABLE, "prometheus")
    monkeypatch.setenv(run_telemetry.PORT, str(port))
    run_stale_items(reopen())
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    items = [line for line in lines if line.startswith("semflow_items_total") and 'semflow_stage="join"' in line]
    assert len(items) == 1 and 'semflow_result="computed"' in items[0] and items[0].endswith(" 2.0")


def test_failures_retries_and_what_was_stopped_are_counted() -> None:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    reader = InMemoryMetricReader()
    telemetry = RunTelemetry(MeterProvider([reader], shutdown_on_exit=False))
    items = [Item(f"{name}.mp4", "read") for name in "abc"]
    telemetry.on_planned(items, {}, 1)
    telemetry.on_ended(Outcome("a.mp4", "read", "failed", error="busy"), False)
    telemetry.on_ended(Outcome("a.mp4", "read", "failed", error="busy"), True)
    telemetry.on_ended(Outcome("b.mp4", "read", "computed", 2.5), True)
    assert collect(reader)["semflow.items.queued", "read", ""] == 1
    telemetry.on_finished(Summary((), 1.0, (), {}, ""))
    counts = collect(reader)
    assert counts["semflow.items", "read", "failed"] == counts["semflow.item.retries", "read", ""] == 1
    assert counts["semflow.items.queued", "read", ""] == 0


def collect(reader: Any) -> Counts:
    found: Counts = {}
    for metric in reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics:
        for point in metric.data.data_points:
            name = metric.name, point.attributes["semflow.stage"], point.attributes.get("semflow.result", "")
            found[name] = point.value if hasattr(point, "value") else point.count
    return found


def test_nothing_is_measured_unless_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert make_telemetry() == []
    monkeypatch.setenv(run_telemetry.VARIABLE, "none")
    assert make_telemetry() == []


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        (run_telemetry.VARIABLE, "statsd", "must be among otlp, prometheus, console"),
        (run_telemetry.PORT, "http", "must be a port"),
    ],
)
def test_a_wrong_setting_is_named_and_the_run_goes_on(
    variable: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(run_telemetry.VARIABLE, "prometheus")
    monkeypatch.setenv(variable, value)
    with caplog.at_level(logging.WARNING):
        assert make_telemetry() == []
    assert words in caplog.text


def test_a_collector_that_is_away_does_not_fail_the_run(
    reopen: Callable[[], Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and not listening: refused
        monkeypatch.setenv(run_telemetry.VARIABLE, "otlp")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
        assert run_stale_items(reopen()).is_good
        run_telemetry._open_provider(("otlp",))[0].shutdown(timeout_millis=100)
