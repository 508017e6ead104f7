"""Traces by OpenTelemetry. This module is loaded only where ``CLOUDKEEP_TRACES_URL`` is set.

Spans wait in a queue of bounded length and are sent in batches by a thread of their own. Those that do not fit into it,
or that the collector does not accept, are lost: work never waits for them.
"""

import asyncio
import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from cloudkeep import __version__
from services.core.log_context import get_log_context
from storage.redaction import without_credentials
from storage.tracing import Attributes, SpanKind

QUEUE_LENGTH = 2048
EXPORT_SECONDS = 5
BATCH_MILLISECONDS = 1000
#: The longest time that a process waits at its end until its last spans are sent, in seconds.
FLUSH_SECONDS = 2.0
KINDS: Mapping[SpanKind, trace.SpanKind] = {
    "server": trace.SpanKind.SERVER,
    "consumer": trace.SpanKind.CONSUMER,
    "client": trace.SpanKind.CLIENT,
    "internal": trace.SpanKind.INTERNAL,
}

_log = logging.getLogger("cloudkeep.traces")
_PROPAGATOR = TraceContextTextMapPropagator()


class Traces:
    """A :class:`storage.tracing.Tracer`. ``role`` is that of this process, ``url`` the collector's."""

    def __init__(self, url: str, role: str) -> None:
        # The library would log every failed attempt; we log the first one.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        resource = Resource.create({"service.name": f"cloudkeep-{role}", "service.version": __version__})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        exporter = ReportingExporter(OTLPSpanExporter(url, timeout=EXPORT_SECONDS))
        self._provider.add_span_processor(
            BatchSpanProcessor(exporter, max_queue_size=QUEUE_LENGTH, schedule_delay_millis=BATCH_MILLISECONDS)
        )
        self._tracer = self._provider.get_tracer("cloudkeep", __version__)

    @contextmanager
    def span(self, name: str, kind: SpanKind, parent: str | None, attributes: Attributes) -> Iterator[None]:
        """See :class:`storage.tracing.Tracer`. Of an error only the type is recorded: its text may hold anything."""
        context = _PROPAGATOR.extract({"traceparent": parent}) if parent else None
        log_context = {f"cloudkeep.{key}": value for key, value in get_log_context().items()}
        span_attributes = without_secrets({**log_context, **attributes})
        with self._tracer.start_as_current_span(
            name, context, KINDS[kind], span_attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            except Exception as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(trace.StatusCode.ERROR)
                raise

    def add(self, attributes: Attributes) -> None:
        """See :class:`storage.tracing.Tracer`."""
        trace.get_current_span().set_attributes(without_secrets(attributes))

    def traceparent(self) -> str | None:
        """See :class:`storage.tracing.Tracer`."""
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier)
        return carrier.get("traceparent")

    async def close(self) -> None:
        """Send the remaining spans, within ``FLUSH_SECONDS``."""
        # A daemon, so that a collector that hangs does not keep the process alive.
        flush = threading.Thread(target=self._provider.shutdown, name="traces-flush", daemon=True)
        flush.start()
        await asyncio.to_thread(flush.join, FLUSH_SECONDS)


def without_secrets(attributes: Attributes) -> dict[str, str | int | float | bool]:
    """Attributes whose texts have lost their secrets."""
    return {key: without_credentials(value) if isinstance(value, str) else value for key, value in attributes.items()}


class ReportingExporter(SpanExporter):
    """Logs once that the collector does not accept spans, and once that it does again."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans. An error is a failure, and never raised."""
        try:
            result = self._exporter.export(spans)
        except Exception:
            result = SpanExportResult.FAILURE
        failing = result is not SpanExportResult.SUCCESS
        if failing != self._failing:
            self._failing = failing
            _log.warning("the collector does not accept traces" if failing else "the collector accepts traces again")
        return result

    def shutdown(self) -> None:
        """Shut down the exporter."""
        self._exporter.shutdown()
