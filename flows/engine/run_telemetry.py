"""Counts of a run for OpenTelemetry collectors and Prometheus: items, seconds, failures, bytes, and what is queued.

Off unless OpenTelemetry's own variable OTEL_METRICS_EXPORTER says where they go: `otlp` sends them to the collector at
OTEL_EXPORTER_OTLP_ENDPOINT, during the run and at its end; `prometheus` serves them on OTEL_EXPORTER_PROMETHEUS_HOST
and _PORT (localhost, 9464) while the process runs. Several may be given, separated by commas. Names of instruments and
attributes follow OpenTelemetry's semantic conventions; no video is named.
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from flows.engine.outcome import Item, Observer, Outcome, Step, Summary
from tasks.errors import SemflowError

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import MetricReader

VARIABLE = "OTEL_METRICS_EXPORTER"
PROMETHEUS = "prometheus"
HOST, PORT = "OTEL_EXPORTER_PROMETHEUS_HOST", "OTEL_EXPORTER_PROMETHEUS_PORT"
DEFAULT_PORT = 9464
"""OpenTelemetry's own default."""
STAGE, RESULT = "semflow.stage", "semflow.result"
SECONDS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)
"""Bounds of the histogram of an item's seconds."""
FLUSH_MS = 5000
"""Milliseconds that the end of a run waits for a collector."""
log = logging.getLogger("semflow")


def make_telemetry() -> list[Observer]:
    """The observer that the environment asks for; [] where it asks for none, or, with a warning, where it cannot be."""
    names = tuple(
        name for part in os.environ.get(VARIABLE, "").split(",") if (name := part.strip()) not in ("", "none")
    )
    if not names or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return []
    try:
        return [RunTelemetry(*_open_provider(names))]
    except ImportError as error:
        log.warning("%s is set, but %s is not installed: pip install 'semflow[telemetry]'", VARIABLE, error.name)
    except (SemflowError, OSError, ValueError) as error:
        log.warning("this run is not measured: %s", error)
    return []


class RunTelemetry:
    """An Observer that counts; those of `provider`'s readers which send, `senders`, have sent all when the run ends."""

    def __init__(self, provider: MeterProvider, senders: Sequence[MetricReader] = ()) -> None:
        self._senders = senders
        meter = provider.get_meter("semflow")
        self._items = meter.create_counter("semflow.items", "{item}", "items that ended, by stage and result")
        self._retries = meter.create_counter("semflow.item.retries", "{attempt}", "attempts that will be repeated")
        self._seconds = meter.create_histogram(
            "semflow.item.duration",
            "s",
            "wall time of computed items in their workers",
            explicit_bucket_boundaries_advisory=SECONDS,
        )
        self._bytes = meter.create_counter("semflow.artifacts.size", "By", "bytes of the artifacts that were made")
        self._queued = meter.create_up_down_counter("semflow.items.queued", "{item}", "items that have not ended")
        self._waiting: set[Item] = set()

    def on_planned(self, items: Sequence[Item], expected_s: Mapping[Item, float], workers: int) -> None:
        """See Observer."""
        del expected_s, workers
        for item in set(items) - self._waiting:
            self._queued.add(1, {STAGE: item.stage})
        self._waiting |= set(items)

    def on_started(self, item: Item, worker: int, attempt: int) -> None:
        """See Observer."""

    def on_progress(self, item: Item, step: Step) -> None:
        """See Observer."""

    def on_ended(self, outcome: Outcome, final: bool) -> None:
        """See Observer."""
        stage = {STAGE: outcome.stage}
        if not final:
            self._retries.add(1, stage)
            return
        self._leave(outcome.item)
        self._items.add(1, {**stage, RESULT: outcome.result})
        if outcome.result == "computed":
            self._seconds.record(outcome.seconds, stage)
        if outcome.bytes:
            self._bytes.add(outcome.bytes, stage)

    def on_message(self, level: int, message: str) -> None:
        """See Observer."""

    def on_finished(self, summary: Summary) -> None:
        """See Observer."""
        del summary
        for item in list(self._waiting):
            self._leave(item)
        # Not the provider's own force_flush: the reader for Prometheus would show everything twice from then on.
        for sender in self._senders:
            try:
                sender.force_flush(FLUSH_MS)
            except Exception as error:  # a collector that is away must not fail a run that has finished
                log.debug("telemetry: %s", error)

    def _leave(self, item: Item) -> None:
        if item in self._waiting:
            self._waiting.discard(item)
            self._queued.add(-1, {STAGE: item.stage})


@functools.cache
def _open_provider(names: tuple[str, ...]) -> tuple[MeterProvider, list[MetricReader]]:
    """One for all runs of this process, so that counts go on from run to run, as Prometheus expects."""
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource

    logging.getLogger("opentelemetry.exporter").setLevel(logging.ERROR)  # not a line for each try
    readers = {name: _make_reader(name) for name in names}
    service = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", "semflow")})
    # Not at exit: the end of each run sends everything, and a collector that is away would hold the process up again.
    provider = MeterProvider([*readers.values()], service, shutdown_on_exit=False)
    return provider, [reader for name, reader in readers.items() if name != PROMETHEUS]


def _make_reader(name: str) -> MetricReader:
    maker = _READERS.get(name)
    if maker is None:
        raise SemflowError(f"{VARIABLE} must be among {', '.join(_READERS)} and none, got {name!r}")
    return maker()


def _make_otlp_reader() -> MetricReader:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    return PeriodicExportingMetricReader(OTLPMetricExporter(), export_timeout_millis=FLUSH_MS)


def _make_console_reader() -> MetricReader:
    from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, PeriodicExportingMetricReader

    return PeriodicExportingMetricReader(ConsoleMetricExporter())


def _make_prometheus_reader() -> MetricReader:
    from opentelemetry.exporter.prometheus import PrometheusMetricReader
    from prometheus_client import start_http_server

    port = os.environ.get(PORT, str(DEFAULT_PORT))
    if not port.isdecimal():
        raise SemflowError(f"{PORT} must be a port, got {port!r}")
    start_http_server(int(port), os.environ.get(HOST, "localhost"))
    return PrometheusMetricReader()


_READERS: Mapping[str, Callable[[], MetricReader]] = {
    "otlp": _make_otlp_reader,
    PROMETHEUS: _make_prometheus_reader,
    "console": _make_console_reader,
}
