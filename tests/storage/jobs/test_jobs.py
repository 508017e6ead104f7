"""Job rows: one claim each, and only the holder of the lease can change a job."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from tortoise import connections

from storage.jobs import jobs
from storage.jobs.models import Job, JobKind, JobState
from tests.storage.rows import LEASE, NOW, claim, claim_or_none, enqueue

pytestmark = pytest.mark.usefixtures("database")

AFTER_LEASE = NOW + LEASE + timedelta(microseconds=1)


async def look(job: Job) -> Job:
    return await Job.get(id=job.id)


async def row_of(job: Job) -> Any:
    return await Job.get(id=job.id).values()


# Leases


async def test_a_job_whose_lease_ran_out_is_claimed_again() -> None:
    await enqueue()
    dead = await claim(owner="dead")
    assert await claim_or_none(NOW + LEASE) is None
    taken = await claim(owner="next", moment=AFTER_LEASE)
    assert (taken.id, taken.lease_owner, taken.attempts) == (dead.id, "next", 2)
    assert taken.lease_token != dead.lease_token


async def test_a_renewed_lease_holds_longer() -> None:
    await enqueue()
    job = await claim()
    assert await jobs.renew(job, AFTER_LEASE + LEASE)
    assert await claim_or_none(AFTER_LEASE) is None
    assert await jobs.renew(job, AFTER_LEASE + 2 * LEASE)


async def test_an_expired_lease_can_be_renewed_until_another_worker_claims_the_job() -> None:
    await enqueue()
    slow = await claim()
    assert await jobs.renew(slow, AFTER_LEASE)
    await claim(moment=AFTER_LEASE + LEASE)
    assert not await jobs.renew(slow, AFTER_LEASE + 2 * LEASE)


Write = Callable[[Job], Awaitable[object]]
WRITES: dict[str, Write] = {
    "renew": lambda job: jobs.renew(job, NOW + 10 * LEASE),
    "save_progress": lambda job: jobs.save_progress(job, {"percent": 99.0}),
    "finish": jobs.finish,
    "fail": lambda job: jobs.fail(job, "INTERNAL", "reason"),
    "postpone": lambda job: jobs.postpone(job, NOW + LEASE, "reason"),
    "give_back": lambda job: jobs.give_back(job, NOW),
}


@pytest.mark.parametrize("write", WRITES)
async def test_who_lost_the_lease_changes_nothing(write: str) -> None:
    await enqueue()
    stale = await claim()
    await claim(moment=AFTER_LEASE)
    before = await row_of(stale)
    assert not await WRITES[write](stale)
    assert await row_of(stale) == before


@pytest.mark.parametrize("end", ["finish", "fail", "postpone", "give_back"])
@pytest.mark.parametrize("write", WRITES)
async def test_a_job_that_was_ended_or_given_back_is_out_of_reach(end: str, write: str) -> None:
    await enqueue()
    job = await claim()
    await WRITES[end](job)
    before = await row_of(job)
    assert not await WRITES[write](job)
    assert await row_of(job) == before


# How an attempt ends


async def test_a_finished_job_is_done() -> None:
    await enqueue()
    job = await claim()
    assert await jobs.finish(job)
    stored = await look(job)
    assert (stored.state, stored.lease_token, stored.lease_until) == (JobState.DONE, None, None)
    assert await claim_or_none(AFTER_LEASE) is None


async def test_a_job_that_failed_says_why() -> None:
    await enqueue()
    job = await claim()
    assert await jobs.fail(job, "NOT_A_VIDEO", "There is no video in it.")
    stored = await look(job)
    assert (stored.state, stored.error_code, stored.error_message) == (
        JobState.FAILED,
        "NOT_A_VIDEO",
        "There is no video in it.",
    )
    assert await claim_or_none(AFTER_LEASE) is None


async def test_a_postponed_job_is_tried_again_later() -> None:
    await enqueue()
    job = await claim()
    assert await jobs.postpone(job, NOW + timedelta(seconds=5), "attempt 1 failed")
    assert await claim_or_none(NOW + timedelta(seconds=4)) is None
    again = await claim(moment=NOW + timedelta(seconds=5))
    assert (again.attempts, again.error_message) == (2, "attempt 1 failed")


async def test_an_attempt_that_is_given_back_does_not_count() -> None:
    await enqueue()
    await jobs.give_back(await claim(), NOW)
    await jobs.give_back(await claim(), NOW)
    assert (await claim()).attempts == 1


async def test_what_a_dead_worker_held_is_released_by_its_name() -> None:
    for _ in range(3):
        await enqueue()
    mine = [await claim(owner="dead"), await claim(owner="dead")]
    others = await claim(owner="alive")
    assert await jobs.release("dead", NOW) == 2
    assert {(await claim(owner="next")).id for _ in mine} == {job.id for job in mine}
    assert await jobs.renew(others, NOW + 2 * LEASE)
    assert not await jobs.renew(mine[0], NOW + 2 * LEASE)


async def test_an_attempt_in_which_the_worker_died_counts() -> None:
    await enqueue()
    await claim(owner="dead")
    await jobs.release("dead", NOW)
    assert (await claim()).attempts == 2


async def test_what_was_ended_is_not_released() -> None:
    await enqueue()
    job = await claim(owner="dead")
    await jobs.finish(job)
    assert await jobs.release("dead", NOW) == 0
    assert (await look(job)).state is JobState.DONE


async def test_progress_is_stored_for_later_watchers() -> None:
    subject = await enqueue()
    await jobs.save_progress(await claim(), {"percent": 12.5, "speed": None})
    found = await jobs.find(JobKind.REASSEMBLE, subject)
    assert found
    assert found.progress == {"percent": 12.5, "speed": None}


# Queueing again


@pytest.mark.parametrize("end", ["finish", "fail", "postpone"])
async def test_a_job_that_is_queued_again_starts_again(end: str) -> None:
    subject = await enqueue()
    job = await claim()
    await jobs.save_progress(job, {"percent": 50.0})
    await WRITES[end](job)
    await enqueue(subject_id=subject, run_after=NOW)
    fresh = await look(job)
    assert (fresh.state, fresh.attempts, fresh.run_after) == (JobState.QUEUED, 0, NOW)
    assert [fresh.lease_owner, fresh.lease_token, fresh.lease_until, fresh.progress] == [None] * 4
    assert [fresh.error_code, fresh.error_message] == [None] * 2


async def test_who_worked_on_a_job_that_was_queued_again_has_lost_it() -> None:
    subject = await enqueue()
    stale = await claim()
    await enqueue(subject_id=subject)
    assert not await jobs.finish(stale)
    assert (await claim()).attempts == 1


async def test_a_subject_has_one_job_of_each_kind() -> None:
    subject = await enqueue()
    await enqueue(JobKind.COMPRESS, subject)
    await enqueue(JobKind.COMPRESS, subject)
    assert await Job.filter(subject_id=subject).count() == 2


async def test_a_job_is_found_by_kind_and_subject() -> None:
    subject = await enqueue(JobKind.COMPRESS)
    assert await jobs.find(JobKind.REASSEMBLE, subject) is None
    assert await jobs.find(JobKind.COMPRESS, uuid4()) is None
    assert await jobs.find(JobKind.COMPRESS, subject)


async def test_jobs_that_only_a_newer_version_knows_are_not_counted() -> None:
    await enqueue(JobKind.COMPRESS)
    await enqueue(JobKind.REASSEMBLE)
    await connections.get("default").execute_query("UPDATE job SET kind = 'NEWER' WHERE kind = 'REASSEMBLE'")
    assert [(kind, number) for kind, _, number, _ in await jobs.count_open()] == [(JobKind.COMPRESS, 1)]


async def test_a_reason_of_any_length_can_be_stored() -> None:
    await enqueue()
    job = await claim()
    assert await jobs.fail(job, "INTERNAL", "x" * 10_000)
    assert (await look(job)).state is JobState.FAILED


async def test_the_stored_reason_of_a_failure_quotes_no_presigned_url(database: str) -> None:
    await enqueue()
    job = await claim()
    assert await jobs.fail(job, "INTERNAL", "No answer from https://host/key?a=1&X-Amz-Signature=" + "0a" * 300)
    assert (await Job.get()).error_message == "No answer from https://host/key?a=1&X-Amz-Signature=***"
