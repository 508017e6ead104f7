"""A host whose clock is wrong expires nothing, and takes no work from the others."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from cloudkeep.resources import clock_file
from cloudkeep.resources.clock_sync import synchronized_clock
from services.core.clock import now
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind
from storage.uploads.models import Upload, UploadStatus
from tests.services.conftest import LIFETIME, Bench, a_file
from tests.storage.rows import enqueue
from tests.support.clock import Clocks

DAYS = timedelta(days=8)
LEASE = timedelta(seconds=60)
OFF = pytest.mark.parametrize("off", [DAYS, -DAYS, timedelta(minutes=7)])


@OFF
async def test_an_open_upload_lives_as_long_as_its_lifetime(
    tmp_path: Path, bench: Bench, ada: UUID, clocks: Clocks, off: timedelta
) -> None:
    await bench.uploads.init(ada, a_file())
    clocks.host = off
    async with synchronized_clock(tmp_path / clock_file.NAME):
        await bench.uploads.init(ada, a_file())
        assert await bench.uploads.expire() == 0
        newest = await Upload.all().order_by("-expires_at").first()
        assert newest
        assert newest.expires_at < datetime.now(UTC) + LIFETIME + timedelta(minutes=2)
        clocks.passed = LIFETIME + timedelta(minutes=2)
        assert await bench.uploads.expire() == 2
    assert await Upload.filter(status=UploadStatus.EXPIRED).count() == 2


@OFF
async def test_a_lease_is_taken_from_a_dead_worker_only(
    tmp_path: Path, database: str, clocks: Clocks, off: timedelta
) -> None:
    await enqueue(JobKind.REASSEMBLE, run_after=now())
    assert await jobs.claim([JobKind.REASSEMBLE], "right", LEASE, now())
    clocks.host = off
    async with synchronized_clock(tmp_path / clock_file.NAME):
        assert await jobs.claim([JobKind.REASSEMBLE], "wrong", LEASE, now()) is None
        clocks.passed = 2 * LEASE
        job = await jobs.claim([JobKind.REASSEMBLE], "wrong", LEASE, now())
        assert job
        assert await jobs.renew(job, now() + LEASE)
        clocks.host = timedelta(0)
        assert await jobs.claim([JobKind.REASSEMBLE], "right", LEASE, now()) is None
    assert await Job.filter(lease_owner="wrong").count() == 1
