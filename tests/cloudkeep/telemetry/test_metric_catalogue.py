"""The metrics of the database, and the documentation of all metrics."""

import re
from datetime import timedelta
from pathlib import Path

from cloudkeep.telemetry import metric_catalogue
from cloudkeep.telemetry.metric_catalogue import samples_of_database
from cloudkeep.telemetry.metrics import Metrics
from services.core.clock import now
from storage.jobs.models import JobKind
from tests.cloudkeep.telemetry.test_metrics import shown
from tests.storage.rows import enqueue

OPERATIONS = Path(metric_catalogue.__file__).parents[2] / "docs" / "operations.md"


async def test_the_metrics_of_jobs_are_those_of_the_database(database: str) -> None:
    for kind, minutes in ((JobKind.COMPRESS, 5), (JobKind.COMPRESS, 1), (JobKind.REASSEMBLE, -1)):
        await enqueue(kind, run_after=now() - timedelta(minutes=minutes))
    published = Metrics()
    async with published.running(query=samples_of_database):
        samples = await shown(published)
        assert samples["cloudkeep_jobs_open[COMPRESS][QUEUED]"] == 2
        assert samples["cloudkeep_jobs_open[REASSEMBLE][QUEUED]"] == 1
        assert 300 <= samples["cloudkeep_oldest_job_wait_seconds[COMPRESS]"] < 900
        assert samples["cloudkeep_oldest_job_wait_seconds[REASSEMBLE]"] == 0


def test_the_documented_metrics_and_labels_are_those_that_exist() -> None:
    described: dict[str, set[str]] = {}
    for line in OPERATIONS.read_text().splitlines():
        if line.startswith("| `cloudkeep_"):
            _, names, labels, *_ = line.split("|")
            described |= {name: set(re.findall(r"`(\w+)`", labels)) for name in re.findall(r"`(\w+)`", names)}
    shown = {
        metric.name if metric.gauge or metric.histogram else f"{metric.name}_total": set(metric.labels)
        for metric in vars(metric_catalogue).values()
        if isinstance(metric, metric_catalogue.Metric)
    }
    assert described == shown


def test_alerts_and_dashboards_only_use_existing_metrics() -> None:
    names = {metric.name for metric in vars(metric_catalogue).values() if isinstance(metric, metric_catalogue.Metric)}
    (watched,) = re.findall(r"```promql\n(.*?)```", OPERATIONS.read_text(), re.DOTALL)
    queried = {re.sub(r"_(total|bucket)$", "", name) for name in re.findall(r"cloudkeep_\w+", watched)}
    assert queried
    assert queried <= names
