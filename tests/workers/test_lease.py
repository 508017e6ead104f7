"""The lease of a job: renewed while the work runs; work without a lease ends at once."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.core.clock import now
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind
from tests.support.waiting import eventually
from tests.workers.conftest import Start, ended, new_upload, queue

REASSEMBLE = JobKind.REASSEMBLE


async def test_work_is_cancelled_as_soon_as_its_lease_is_lost(start: Start) -> None:
    upload = await new_upload()
    cancelled = asyncio.Event()

    async def handler(job: Job) -> None:
        try:
            others: dict[str, Any] = {
                "lease_owner": "two",
                "lease_token": UUID(int=7),
                "lease_until": now() + timedelta(days=1),
            }
            await Job.filter(id=job.id).update(**others)
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with start(handler, lease=0.4):
        await queue(REASSEMBLE, upload)
        await cancelled.wait()
    assert (await Job.get(subject_id=upload.id)).lease_token == UUID(int=7)


async def test_work_that_has_stored_its_end_may_tell_of_it(start: Start) -> None:
    upload = await new_upload()
    told = asyncio.Event()

    async def handler(job: Job) -> None:
        assert await jobs.finish(job)
        # The lease would be renewed meanwhile, and there is none any more.
        await asyncio.sleep(0.4)
        told.set()

    async with start(handler, lease=0.4):
        await queue(REASSEMBLE, upload)
        async with asyncio.timeout(30):
            await told.wait()


async def test_a_long_job_keeps_its_lease(start: Start) -> None:
    upload = await new_upload()
    ran: list[int] = []

    async def handler(job: Job) -> None:
        ran.append(job.attempts)
        await asyncio.sleep(1.5)

    async with start(handler, lease=0.5, name="one"), start(handler, lease=0.5, name="two"):
        await queue(REASSEMBLE, upload)
        await eventually(lambda: ended(upload))
    assert ran == [1]
