"""The claim loop: every job is claimed once, whatever happens to the worker that runs it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from services.core.clock import now
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind, JobState
from tests.support.waiting import eventually
from tests.workers.conftest import Start, ended, new_upload, queue
from workers.job_context import JobContext

REASSEMBLE = JobKind.REASSEMBLE


async def test_a_queued_job_is_run_and_done(start: Start) -> None:
    upload = await new_upload()
    ran: list[UUID] = []

    async def handler(job: Job) -> None:
        ran.append(job.subject_id)

    async with start(handler):
        await queue(REASSEMBLE, upload)
        job = await eventually(lambda: ended(upload))
    assert (job.state, ran) == (JobState.DONE, [upload.id])


async def test_of_two_workers_one_runs_the_job(start: Start) -> None:
    upload = await new_upload()
    ran: list[str] = []

    async def handler(job: Job) -> None:
        ran.append(str(job.lease_owner))
        await asyncio.sleep(0.3)

    async with start(handler, name="one"), start(handler, name="two"):
        await queue(REASSEMBLE, upload)
        await eventually(lambda: ended(upload))
        await asyncio.sleep(0.2)
    assert len(ran) == 1


async def test_a_worker_that_stops_gives_its_job_back_without_spending_an_attempt(start: Start) -> None:
    upload = await new_upload()
    began = asyncio.Event()

    async def handler(job: Job) -> None:
        began.set()
        await asyncio.sleep(3600)

    async with start(handler):
        await queue(REASSEMBLE, upload)
        await began.wait()
    job = await Job.get(subject_id=upload.id)
    assert (job.state, job.attempts, job.lease_token) == (JobState.QUEUED, 0, None)


async def test_a_worker_that_is_stopped_while_it_claims_gives_back_what_it_got(start: Start) -> None:
    upload = await new_upload()
    await queue(REASSEMBLE, upload)

    async def handler(job: Job) -> None:
        await asyncio.sleep(3600)

    for turns in range(30):
        chosen = asyncio.Event()
        async with start(handler, claim_order=partial(noting, chosen)):
            await chosen.wait()
            for _ in range(turns):
                await asyncio.sleep(0)
        job = await Job.get(subject_id=upload.id)
        assert (job.state, job.attempts, job.lease_token) == (JobState.QUEUED, 0, None)


def noting(chosen: asyncio.Event, _: JobContext) -> jobs.Choice:
    """A claim order that sets ``chosen`` when it is used."""

    def choose(due: Sequence[Job], _: datetime) -> Sequence[Job]:
        chosen.set()
        return due

    return choose


async def test_a_worker_runs_as_many_jobs_of_a_kind_at_once_as_the_kind_allows(start: Start) -> None:
    uploads, running, most = [await new_upload() for _ in range(4)], list[UUID](), list[int]()
    two_run = asyncio.Event()
    for upload in uploads:
        await queue(REASSEMBLE, upload)

    async def handler(job: Job) -> None:
        running.append(job.subject_id)
        most.append(len(running))
        if len(running) == 2:
            two_run.set()
        await two_run.wait()
        # Time for a third one to start, if it could.
        await asyncio.sleep(0.1)
        running.remove(job.subject_id)

    async def all_done() -> bool:
        return await Job.filter(state=JobState.DONE).count() == len(uploads)

    async with start(handler, concurrency=2):
        await eventually(all_done)
    assert max(most) == 2


async def test_a_worker_takes_up_at_once_what_a_dead_one_of_its_name_held(start: Start) -> None:
    upload = await new_upload()
    await queue(REASSEMBLE, upload)
    assert await jobs.claim([REASSEMBLE], "one", timedelta(days=1), now())

    async def handler(job: Job) -> None:
        pass

    async with start(handler, name="one"):
        job = await eventually(lambda: ended(upload))
    assert (job.state, job.attempts) == (JobState.DONE, 2)


async def test_a_lease_that_ran_out_is_claimed_by_another_worker(start: Start) -> None:
    upload = await new_upload()
    await queue(REASSEMBLE, upload)
    assert await jobs.claim([REASSEMBLE], "dead", timedelta(seconds=0.2), now())

    async def handler(job: Job) -> None:
        pass

    async with start(handler, name="alive"):
        job = await eventually(lambda: ended(upload))
    assert (job.state, job.lease_owner) == (JobState.DONE, "alive")
