"""The claim loop: every job ends once, whatever happens to the worker that runs it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.core.clock import now
from services.media.errors import NotAVideo
from storage.blobs import LocalBlobStore
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind, JobState
from storage.uploads.models import Upload, UploadStatus
from tests.support.waiting import eventually
from tests.workers.conftest import Start, new_upload, queue
from workers import loop

REASSEMBLE = JobKind.REASSEMBLE


async def ended(upload: Upload) -> Job | None:
    job = await jobs.find(REASSEMBLE, upload.id)
    return job if job and job.state in {JobState.DONE, JobState.FAILED} else None


async def test_a_queued_job_is_run_and_done(start: Start) -> None:
    upload = await new_upload()
    ran: list[UUID] = []

    async def handler(job: Job) -> None:
        ran.append(job.subject_id)

    async with start(handler):
        await queue(REASSEMBLE, upload)
        job = await eventually(lambda: ended(upload))
    assert (job.state, ran) == (JobState.DONE, [upload.id])


async def test_a_fault_is_tried_again_until_it_works(start: Start) -> None:
    upload = await new_upload()
    attempts: list[int] = []

    async def handler(job: Job) -> None:
        attempts.append(job.attempts)
        if len(attempts) < 3:
            raise RuntimeError("a passing fault")

    async with start(handler):
        await queue(REASSEMBLE, upload)
        job = await eventually(lambda: ended(upload))
    assert (job.state, attempts) == (JobState.DONE, [1, 2, 3])


async def test_the_pause_before_another_attempt_stays_short_however_many_there_were(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "BACKOFF_SECONDS", 2.0)
    upload = await new_upload()
    await queue(REASSEMBLE, upload)
    await Job.filter(subject_id=upload.id).update(attempts=62)

    async def handler(job: Job) -> None:
        raise RuntimeError("a passing fault")

    async def postponed() -> Job | None:
        return await Job.get_or_none(subject_id=upload.id, attempts=63, state=JobState.QUEUED)

    async with start(handler, attempts=64):
        job = await eventually(postponed)
    assert job.run_after < now() + timedelta(minutes=5)


async def test_a_fault_that_stays_fails_the_job_and_its_upload_with_a_reason(start: Start) -> None:
    upload = await new_upload()

    async def handler(job: Job) -> None:
        raise RuntimeError("a lasting fault")

    async with start(handler, attempts=2):
        await queue(REASSEMBLE, upload)
        job = await eventually(lambda: ended(upload))
    await upload.refresh_from_db()
    assert (job.state, job.attempts, upload.status) == (JobState.FAILED, 2, UploadStatus.FAILED)
    assert upload.error_message == "Gave up after 2 attempts."


async def test_a_refusal_fails_at_once_with_its_code(start: Start) -> None:
    upload = await new_upload()
    attempts: list[int] = []

    async def handler(job: Job) -> None:
        attempts.append(job.attempts)
        raise NotAVideo("no picture")

    async with start(handler):
        await queue(REASSEMBLE, upload)
        job = await eventually(lambda: ended(upload))
    assert (job.state, job.error_code, attempts) == (JobState.FAILED, "NOT_A_VIDEO", [1])


async def test_a_failed_compression_leaves_the_upload_ready_with_an_error(start: Start) -> None:
    upload = await new_upload(status=UploadStatus.COMPRESSING)

    async def handler(job: Job) -> None:
        raise NotAVideo("no picture")

    async with start(handler, JobKind.COMPRESS):
        await queue(JobKind.COMPRESS, upload)
        ready = await eventually(lambda: Upload.get_or_none(id=upload.id, status=UploadStatus.READY))
    assert ready.error_code == "NOT_A_VIDEO"


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


async def test_a_worker_that_is_told_to_stop_while_it_claims_gives_back_what_it_got(start: Start) -> None:
    upload = await new_upload()
    await queue(REASSEMBLE, upload)

    async def handler(job: Job) -> None:
        await asyncio.sleep(3600)

    for turns in range(30):
        chosen = asyncio.Event()

        def choose(due: Sequence[Job], _: datetime, chosen: asyncio.Event = chosen) -> Sequence[Job]:
            chosen.set()
            return due

        async with start(handler, choose=choose):
            await chosen.wait()
            for _ in range(turns):
                await asyncio.sleep(0)
        job = await Job.get(subject_id=upload.id)
        assert (job.state, job.attempts, job.lease_token) == (JobState.QUEUED, 0, None)


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


async def test_an_upload_whose_time_is_over_expires_and_its_place_is_freed(start: Start) -> None:
    upload = await new_upload()
    await Upload.filter(id=upload.id).update(expires_at=now() - timedelta(seconds=1))

    async def handler(job: Job) -> None:
        pass

    async with start(handler):
        await eventually(lambda: Upload.get_or_none(id=upload.id, status=UploadStatus.EXPIRED))


async def test_what_a_crash_left_of_an_aborted_upload_is_swept(start: Start, store: LocalBlobStore) -> None:
    upload = await new_upload(status=UploadStatus.ABORTED)
    await store.stage(str(upload.id), 1_000)

    async def handler(job: Job) -> None:
        pass

    async def gone() -> bool:
        return [found async for found in store.staged()] == []

    async with start(handler):
        await eventually(gone)
