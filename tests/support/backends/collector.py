"""A collector of traces, as OTLP over HTTP wants it: it decodes requests and stores the spans."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Span:
    """A received span. IDs are in hex; a root has no ``parent``."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    attributes: dict[str, str | int]


@dataclass
class Collector:
    """The spans that arrived at ``url``."""

    url: str
    spans: list[Span] = field(default_factory=list)
    raw: bytes = b""

    def take(self, body: bytes) -> None:
        """Decode a request."""
        self.raw += body
        for batch in ExportTraceServiceRequest.FromString(body).resource_spans:
            about = {pair.key: pair.value.string_value for pair in batch.resource.attributes}
            for scope in batch.scope_spans:
                for span in scope.spans:
                    told = {pair.key: pair.value.int_value or pair.value.string_value for pair in span.attributes}
                    ids = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
                    self.spans.append(Span(about["service.name"], span.name, *ids, told))


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector for the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/v1/traces"
            collector.take(body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector = Collector(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
