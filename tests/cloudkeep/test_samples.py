"""What Prometheus is shown of the database."""

from datetime import timedelta

from cloudkeep.metrics import Metrics
from cloudkeep.samples import samples_of_database
from services.clock import now
from storage.models import JobKind
from tests.cloudkeep.test_metrics import shown
from tests.storage.rows import enqueue


async def test_jobs_are_shown_as_the_database_knows_them(database: str) -> None:
    for kind, minutes in ((JobKind.COMPRESS, 5), (JobKind.COMPRESS, 1), (JobKind.REASSEMBLE, -1)):
        await enqueue(kind, run_after=now() - timedelta(minutes=minutes))
    published = Metrics()
    async with published.running(question=samples_of_database):
        seen = await shown(published)
        assert seen["cloudkeep_jobs_open[COMPRESS][QUEUED]"] == 2
        assert seen["cloudkeep_jobs_open[REASSEMBLE][QUEUED]"] == 1
        assert 300 <= seen["cloudkeep_oldest_job_wait_seconds[COMPRESS]"] < 900
        assert seen["cloudkeep_oldest_job_wait_seconds[REASSEMBLE]"] == 0
