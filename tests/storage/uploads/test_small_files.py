"""Publication of small files in groups."""

import asyncio
from collections.abc import AsyncIterator, Collection
from datetime import timedelta
from uuid import UUID

import pytest

from storage.accounts import accounts
from storage.jobs.models import Job, JobState
from storage.uploads import small_files
from storage.uploads.small_files import VerifiedFile
from tests.storage.racing import open_pool
from tests.storage.rows import LATER, LEASE, NOW, SHA256, claim, claim_or_none, new_account, new_upload, receive_all

pytestmark = pytest.mark.postgres


class Publication:
    """A publication of two small files, which waits in its step in the store."""

    def __init__(self) -> None:
        self.is_in_step, self.may_end = asyncio.Event(), asyncio.Event()
        self.published: set[UUID] = set()

    async def publish_bytes(self, keys: Collection[UUID]) -> None:
        self.published |= set(keys)
        self.is_in_step.set()
        await self.may_end.wait()

    async def run(self) -> set[UUID]:
        account = await new_account()
        self.uploads = [await new_upload(account, chunks=1) for _ in range(3)]
        for upload in self.uploads:
            await receive_all(upload)
        job = await claim()
        # The worker still has the job with which it came to the others.
        await Job.filter(id=job.id).update(lease_until=LATER)
        claimed = await small_files.claim_more(job, account.id, NOW + LEASE, NOW)
        assert claimed
        files = [VerifiedFile(upload, str(upload.id), SHA256, None, None) for upload in claimed.uploads]
        return await small_files.publish(claimed, files, NOW, self.publish_bytes)


@pytest.fixture
async def publication(database_url: str) -> AsyncIterator[tuple[Publication, asyncio.Task[set[UUID]]]]:
    """A publication that has arrived at its step in the store."""
    async with open_pool(database_url):
        publication = Publication()
        running = asyncio.create_task(publication.run())
        await publication.is_in_step.wait()
        yield publication, running
        publication.may_end.set()
        await running


Running = tuple[Publication, asyncio.Task[set[UUID]]]


async def test_the_account_can_be_changed_while_bytes_are_synced(publication: Running) -> None:
    async def change() -> bool:
        return True

    account_id = publication[0].uploads[0].account_id
    assert await asyncio.wait_for(accounts.locked(account_id, change), 5)


async def test_no_other_worker_gets_a_job_whose_bytes_are_published(publication: Running) -> None:
    started, running = publication
    # The leases have expired, but the rows of the jobs are locked until the end of the transaction.
    taking = asyncio.create_task(claim_or_none(NOW + LEASE + timedelta(seconds=1)))
    waiting = [job async for job in Job.filter(state=JobState.RUNNING, subject_id__in=list(started.published))]
    assert len(waiting) == 2
    assert not taking.done()
    started.may_end.set()
    assert await running == started.published
    assert await taking is None
