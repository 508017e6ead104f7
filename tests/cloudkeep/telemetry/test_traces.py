"""Traces: one trace leads from the request with the last chunk to the last job of the upload."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from cloudkeep.telemetry.traces import ReportingExporter, Traces, without_secrets
from storage import tracing
from storage.tracing import Attributes
from tests.cloudkeep.telemetry.test_metrics import look
from tests.support.backends.collector import Collector, Span, collecting
from tests.support.clips import bikes
from tests.support.process import free_port, serving
from tests.support.server import PASSWORD, Api
from tests.support.waiting import eventually

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"


async def test_one_trace_leads_from_the_last_chunk_to_both_jobs(tmp_path: Path) -> None:
    content = bikes().read_bytes()
    with collecting() as collector, serving(tmp_path, CLOUDKEEP_TRACES_URL=collector.url) as process:
        async with httpx.AsyncClient(base_url=process.url, verify=False, timeout=60) as http:
            api = Api(http)
            person = {"userId": "ada", "userName": "Ada", "email": "ada@example.org", "password": PASSWORD}
            session = await api.join(person, process.otp)
            http.headers["Authorization"] = f"Bearer {session['accessToken']}"
            upload = await api.init(content, fileName="clip.mp4", compress={"preset": "FAST"})
            (slot,) = upload["slots"]["nodes"]
            assert (await api.put(slot, content, traceparent=TRACEPARENT)).status_code == 200
            assert (await api.frames(upload["id"]))[-1]["stage"] == "READY"

            async def all_came() -> bool:
                return {"job COMPRESS", "job REASSEMBLE", "ffmpeg"} <= {span.name for span in of(TRACE, collector)}

            await eventually(all_came)

            async def worker_is_seen() -> bool:
                samples = await look(http)
                return samples.get("cloudkeep_job_runs_total[COMPRESS][done]") == 1

            await eventually(worker_is_seen)
            samples = await look(http)
            assert samples["cloudkeep_job_runs_total[REASSEMBLE][done]"] == 1
            assert samples["cloudkeep_job_run_seconds_count[COMPRESS]"] == 1
            assert samples["cloudkeep_uploads_finished_total[READY]"] == 1
            assert samples["cloudkeep_ffmpeg_seconds_total"] > 0
            assert (samples["cloudkeep_processes[api]"], samples["cloudkeep_processes[worker]"]) == (1, 1)
            assert samples["cloudkeep_process_resident_memory_bytes[worker]"] > 2**20
    spans = {span.name: span for span in of(TRACE, collector)}
    request = spans["PUT /uploads/{upload_id}/chunks/{index}"]
    assert (request.service, request.parent) == ("cloudkeep-api", TRACEPARENT.split("-")[2])
    assert request.attributes["http.response.status_code"] == 200
    assert spans["chunk"].parent == request.id
    assert spans["job REASSEMBLE"].service == "cloudkeep-worker"
    queued_by = {span.id: span for span in of(TRACE, collector)}[spans["job REASSEMBLE"].parent]
    assert (queued_by.name, queued_by.parent) == ("database transaction", spans["chunk"].id)
    assert spans["job COMPRESS"].attributes["job.attempt"] == 1
    assert spans["ffmpeg"].parent == spans["job COMPRESS"].id
    mutation = next(span for span in collector.spans if span.name == "graphql mutation")
    assert mutation.attributes["graphql.cost"]
    assert not any(secret in collector.raw for secret in (b"signature", PASSWORD.encode(), b"ada@example.org"))


def of(trace: str, collector: Collector) -> list[Span]:
    return [span for span in collector.spans if span.trace == trace]


async def test_an_unavailable_collector_does_not_affect_requests() -> None:
    traces = Traces(f"http://127.0.0.1:{free_port()}/v1/traces", "api")
    tracing.install(traces)
    try:
        with pytest.raises(ValueError, match="own"), tracing.span("one"):
            raise ValueError("own")
        with tracing.span("two"):
            assert tracing.traceparent()
    finally:
        tracing.install(None)
        await traces.close()
    assert tracing.traceparent() is None


def test_an_unavailable_collector_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    exporter = ReportingExporter(Failing())
    for _ in range(3):
        exporter.export([])
    assert caplog.messages == ["the collector does not accept traces"]


class Failing(SpanExporter):
    """An exporter that always fails."""

    def export(self, spans: object) -> SpanExportResult:
        raise OSError("away")


def test_without_a_collector_the_tracing_sdk_is_not_imported() -> None:
    program = """if True:
        import sys, cloudkeep.http.app, cloudkeep.supervisor.worker_process
        names = {name for name, module in sys.modules.items() if module}
        assert not names & {"opentelemetry.sdk.trace", "opentelemetry.sdk.metrics", "structlog", "prometheus_client"}"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_attributes_of_spans_lose_their_secrets() -> None:
    attributes: Attributes = {"url": "https://host/key?X-Amz-Signature=0a1b2c", "size": 7}
    assert without_secrets(attributes) == {"url": "https://host/key?X-Amz-Signature=***", "size": 7}
