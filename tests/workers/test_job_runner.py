"""Running one job: the handler's exception decides whether it is retried, waits or has failed."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from services.core.clock import now
from services.core.errors import ErrorCode
from services.media.errors import NotAVideo
from storage.database.connection import atomically
from storage.errors import NoSpace
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind, JobState
from tests.support.waiting import eventually
from tests.workers.conftest import Start, ended, new_upload, queue
from workers import job_runner
from workers.job_context import JobContext
from workers.job_type import Failure, Postponed

REASSEMBLE = JobKind.REASSEMBLE


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
    monkeypatch.setattr(job_runner, "BACKOFF_SECONDS", 2.0)
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


async def test_a_postponed_job_runs_again_when_its_pause_is_over(start: Start) -> None:
    upload = await new_upload()

    async def handler(job: Job) -> None:
        raise Postponed(timedelta(hours=1), "the mail server is away")

    async def postponed() -> Job | None:
        return await Job.get_or_none(subject_id=upload.id, attempts=1, state=JobState.QUEUED)

    async with start(handler, attempts=1):
        await queue(REASSEMBLE, upload)
        job = await eventually(postponed)
    assert timedelta(minutes=59) < job.run_after - now() <= timedelta(hours=1)
    assert job.error_message == "the mail server is away"


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


async def queue_about(subject: UUID) -> None:
    """Queue a job whose subject is no upload."""
    await atomically(lambda: jobs.enqueue(REASSEMBLE, subject, now()))


async def ignore(job: Job, context: JobContext) -> None:
    pass


def failing_into(failures: list[tuple[UUID, Failure]]) -> Callable[[Job, Failure, JobContext], Awaitable[None]]:
    """An ``on_failure`` that only changes the job's row, and records its arguments."""

    async def on_failure(job: Job, failure: Failure, context: JobContext) -> None:
        failures.append((job.subject_id, failure))
        assert await jobs.fail(job, failure.code, failure.message)

    return on_failure


async def test_what_a_final_failure_means_for_the_subject_is_up_to_the_kind(start: Start) -> None:
    subject, failures = uuid4(), list[tuple[UUID, Failure]]()

    async def handler(job: Job) -> None:
        raise NotAVideo("no picture")

    async with start(handler, on_failure=failing_into(failures), on_wait=ignore, subject="mail_id"):
        await queue_about(subject)
        job = await eventually(lambda: Job.get_or_none(subject_id=subject, state=JobState.FAILED))
    assert job.error_code == "NOT_A_VIDEO"
    assert failures == [(subject, Failure(ErrorCode.NOT_A_VIDEO, "no picture"))]


async def test_a_kind_hears_of_each_job_that_has_to_wait(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_runner, "WAIT_SECONDS", 0.05)
    monkeypatch.setattr(job_runner, "PAUSE_SECONDS", 0.05)
    subject, waiting = uuid4(), list[tuple[UUID, JobState]]()

    async def handler(job: Job) -> None:
        if not waiting:
            raise NoSpace("no room")

    async def on_wait(job: Job, context: JobContext) -> None:
        waiting.append((job.subject_id, (await Job.get(id=job.id)).state))

    async with start(handler, on_failure=failing_into([]), on_wait=on_wait, subject="mail_id"):
        await queue_about(subject)
        await eventually(lambda: Job.get_or_none(subject_id=subject, state=JobState.DONE))
    assert waiting == [(subject, JobState.QUEUED)]


async def test_a_kind_may_be_tried_more_often_than_the_settings_say(start: Start) -> None:
    subject, attempts = uuid4(), list[int]()

    async def handler(job: Job) -> None:
        attempts.append(job.attempts)
        raise RuntimeError("a lasting fault")

    async with start(
        handler, attempts=1, max_attempts=3, on_failure=failing_into([]), on_wait=ignore, subject="mail_id"
    ):
        await queue_about(subject)
        job = await eventually(lambda: Job.get_or_none(subject_id=subject, state=JobState.FAILED))
    assert (attempts, job.error_message) == ([1, 2, 3], "Gave up after 3 attempts.")
