"""Claiming a job: one claim each, in order, with any number of workers."""

import asyncio
from datetime import datetime, timedelta

import pytest

from storage.jobs import jobs
from storage.jobs.models import Job, JobKind, JobState
from tests.storage.rows import LEASE, NOW, claim, claim_or_none, enqueue, run_together

pytestmark = pytest.mark.usefixtures("database")

AFTER_LEASE = NOW + LEASE + timedelta(microseconds=1)
#: Claims until nothing is left, and prints what it got.
CLAIMER = """
from datetime import datetime, timedelta
from storage.jobs import jobs
from storage.jobs.models import JobKind
async def main(moment):
    while job := await jobs.claim(list(JobKind), "other", timedelta(hours=1), datetime.fromisoformat(moment)):
        print(job.subject_id, job.lease_token)
"""


async def test_a_claim_takes_the_job_under_a_lease() -> None:
    subject = await enqueue()
    job = await claim(owner="me")
    assert (job.subject_id, job.state, job.attempts) == (subject, JobState.RUNNING, 1)
    assert (job.lease_owner, job.lease_until) == ("me", NOW + LEASE)
    stored = await Job.get(id=job.id)
    assert (stored.state, stored.lease_token, stored.lease_until) == (job.state, job.lease_token, job.lease_until)


async def test_there_is_nothing_to_claim_at_first() -> None:
    assert await claim_or_none() is None


async def test_of_twenty_claimers_at_once_one_gets_the_job() -> None:
    await enqueue()
    claims = await asyncio.gather(*(jobs.claim([JobKind.REASSEMBLE], str(n), LEASE, NOW) for n in range(20)))
    assert len([job for job in claims if job]) == 1


async def test_twenty_claimers_at_once_get_twenty_jobs() -> None:
    """The loser of a race claims the next job, if there is one."""
    subjects = [await enqueue() for _ in range(20)]
    claims = await asyncio.gather(*(jobs.claim([JobKind.REASSEMBLE], str(n), LEASE, NOW) for n in range(20)))
    assert sorted(job.subject_id for job in claims if job) == sorted(subjects)


async def test_processes_share_the_jobs_without_overlap(database: str) -> None:
    subjects = [str(await enqueue()) for _ in range(60)]
    outputs = await run_together(database, CLAIMER, *[(NOW.isoformat(),)] * 2)
    claimed = [line.split() for output in outputs for line in output.splitlines()]
    assert sorted(subject for subject, _ in claimed) == sorted(subjects)
    assert len({token for _, token in claimed}) == 60


async def test_a_claimed_job_is_not_claimed_again() -> None:
    await enqueue()
    await claim()
    assert await claim_or_none() is None


async def test_jobs_are_claimed_in_the_order_in_which_they_are_due() -> None:
    moments = [NOW - timedelta(seconds=seconds) for seconds in (5, 30, 1, 10)]
    subjects = {moment: await enqueue(run_after=moment) for moment in moments}
    assert [(await claim()).subject_id for _ in moments] == [subjects[moment] for moment in sorted(moments)]


async def test_jobs_due_at_the_same_moment_are_claimed_in_the_order_in_which_they_were_made() -> None:
    subjects = [await enqueue() for _ in range(15)]
    assert [(await claim()).subject_id for _ in subjects] == subjects


async def test_a_job_is_not_claimed_before_its_time() -> None:
    await enqueue(run_after=NOW + timedelta(microseconds=1))
    assert await claim_or_none() is None
    assert await claim_or_none(NOW + timedelta(microseconds=1))


async def test_each_kind_has_a_lane_of_its_own() -> None:
    await enqueue(JobKind.COMPRESS)
    assert await claim_or_none(kind=JobKind.REASSEMBLE) is None
    assert (await claim(JobKind.COMPRESS)).kind is JobKind.COMPRESS


async def test_one_claimer_may_serve_several_kinds() -> None:
    await enqueue(JobKind.COMPRESS)
    await enqueue(JobKind.REASSEMBLE)
    assert await jobs.claim(list(JobKind), "me", LEASE, NOW)
    assert await jobs.claim(list(JobKind), "me", LEASE, NOW)


async def test_of_twenty_claimers_one_gets_the_job_whose_lease_ran_out() -> None:
    await enqueue()
    await claim()
    claims = await asyncio.gather(*(claim_or_none(AFTER_LEASE) for _ in range(20)))
    assert len([job for job in claims if job]) == 1


async def test_a_claimer_that_was_overtaken_right_after_its_claim_does_not_get_the_lease_of_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A machine may sleep between any two statements; two workers under one lease would both store a result."""
    await enqueue()
    take = jobs._take

    async def take_and_sleep(job: Job, owner: str, until: datetime) -> object:
        taken = await take(job, owner, until)
        monkeypatch.undo()
        assert await jobs.claim([JobKind.REASSEMBLE], "fast", LEASE, AFTER_LEASE)
        return taken

    monkeypatch.setattr(jobs, "_take", take_and_sleep)
    slow = await jobs.claim([JobKind.REASSEMBLE], "slow", LEASE, NOW)
    assert slow is None or not await jobs.renew(slow, AFTER_LEASE + LEASE)
