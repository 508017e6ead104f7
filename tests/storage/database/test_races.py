"""Races between many processes on PostgreSQL, repeated many times, and what must hold whichever process is first.

Each statement of a pair runs on a connection of its own, as those of two processes do.
"""

from collections.abc import AsyncIterator, Awaitable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from storage.accounts import registrations, sessions
from storage.accounts.models import Account
from storage.accounts.registrations import RegistrationLimits
from storage.blobs.base import ReopenedStaging
from storage.budgets import limit_overrides
from storage.budgets.models import GrantKind
from storage.errors import Duplicate, OverQuota, StateChanged
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind, JobState
from storage.uploads import consistency, expiry, job_results, purge, receipts, uploads
from storage.uploads.models import Chunk, Upload, UploadStatus
from storage.uploads.receipts import ReportedChunk
from tests.storage import racing
from tests.storage.racing import open_pool
from tests.storage.rows import (
    LATER,
    LEASE,
    NOW,
    SHA256,
    insert,
    look,
    new_account,
    new_registration,
    new_upload,
    receive,
    session_of,
)

pytestmark = pytest.mark.postgres

ROUNDS = 6
LATE = LATER + timedelta(days=1)
#: Errors that services translate, except ``Undone``, which means that a lock was taken in the wrong order.
at_once = partial(racing.at_once, refusals=(Duplicate, OverQuota, StateChanged))


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[None]:
    """A pool whose connections are all open, so that calls race from the first statement on."""
    async with open_pool(database_url):
        yield


def done(found: Sequence[Any]) -> int:
    """The number of calls without an error."""
    return sum(not isinstance(one, BaseException) and bool(one) for one in found)


async def require_sound(upload: Upload) -> Upload:
    """The current upload, checked against its receipts and its job."""
    now_there = await look(upload)
    chunks = await Chunk.filter(upload_id=upload.id)
    assert now_there.received_chunks == len(chunks)
    assert now_there.received_bytes == sum(chunk.size for chunk in chunks)
    job = await jobs.find(JobKind.REASSEMBLE, upload.id)
    driven = bool(job and job.state in {JobState.QUEUED, JobState.RUNNING})
    assert driven == (now_there.status is UploadStatus.REASSEMBLING)
    return now_there


async def nearly_full(**more: Any) -> Upload:
    """An upload that lacks its last chunk."""
    upload = await new_upload(chunks=2, **more)
    await receive(upload, 0)
    return upload


async def failed() -> Upload:
    """An upload whose reassembly failed by an internal error."""
    upload = await nearly_full()
    await receive(upload, 1)
    job = await take(upload)
    await job_results.fail_job(job, status=UploadStatus.FAILED, code="INTERNAL", message="broken")
    return await look(upload)


async def take(upload: Upload) -> Job:
    """Its job, claimed."""
    await Job.filter(subject_id__not=upload.id).delete()
    job = await jobs.claim([JobKind.REASSEMBLE], "worker", LEASE, NOW)
    assert job
    return job


async def test_an_end_and_the_last_chunk_agree_on_who_was_first(pool: None) -> None:
    async def expire(upload: Upload) -> bool:
        return await expiry.expire(upload.id, LATE)

    async def abort(upload: Upload) -> bool:
        return await uploads.abort(upload.id)

    for ending in (abort, expire) * ROUNDS:
        upload = await nearly_full()
        ended, last = await at_once(ending(upload), receive(upload, 1, LATE + timedelta(days=1)))
        after = await require_sound(upload)
        assert ended is (after.status in {UploadStatus.ABORTED, UploadStatus.EXPIRED})
        assert ended is isinstance(last, StateChanged)


async def test_the_last_chunks_queue_one_reassembly(pool: None) -> None:
    for _ in range(ROUNDS):
        upload = await new_upload(chunks=4)
        found = await at_once(
            *(receive(upload, index % 4) for index in range(8)), consistency.end_receiving(upload, NOW)
        )
        assert sum(isinstance(one, Duplicate) for one in found) == 4
        assert (await require_sound(upload)).status is UploadStatus.REASSEMBLING


async def test_reports_of_the_same_slots_count_once(pool: None) -> None:
    for _ in range(ROUNDS):
        upload = await new_upload(chunks=4)
        parts = [ReportedChunk(index, upload.slot_size(index), SHA256, "etag") for index in range(4)]
        await at_once(
            *(receipts.add_reported(upload, parts[at : at + 3], NOW, LATER) for at in (0, 1, 0, 1)),
            *(receive(upload, index) for index in range(4)),
        )
        assert (await require_sound(upload)).status is UploadStatus.REASSEMBLING


async def test_a_chunk_for_a_place_that_is_given_up_is_refused(pool: None) -> None:
    for number in range(ROUNDS):
        upload = await new_upload(chunks=4, staging=f"old-{number}")
        await receive(upload, 0)
        places = [ReopenedStaging(f"new-{number}-{which}", {}) for which in range(2)]
        found = await at_once(
            *(uploads.reopen_all_slots(upload, place) for place in places),
            *(receive(upload, index) for index in (1, 2)),
        )
        after = await require_sound(upload)
        assert done(found[:2]) == 1
        assert after.staging in {place.staging for place in places}
        assert after.received_chunks == 0


async def test_of_many_that_begin_the_same_upload_one_does(pool: None) -> None:
    ada = await new_account()
    for number in range(ROUNDS):
        for same in ({"idempotency_key": f"key-{number}"}, {"sha256": f"{number:064}"}):
            found = await at_once(*(insert(fresh(ada, **same), quota=10**6) for _ in range(4)))
            assert sum(isinstance(one, Duplicate) for one in found) == 3


def fresh(account: Account, **more: Any) -> Upload:
    """An upload of 17 bytes that is not stored yet."""
    return Upload(
        account_id=account.id, file_name="a", mime_type="a/b", size=17, chunk_size=10, expires_at=LATER, **more
    )


async def test_a_quota_holds_however_many_begin_or_retry_at_once(pool: None) -> None:
    for _ in range(ROUNDS):
        old = await failed()
        account = await Account.get(id=old.account_id)
        begun: list[Awaitable[Any]] = [insert(fresh(account), quota=17 * 3) for _ in range(6)]
        found = await at_once(uploads.retry(old, NOW), *begun)
        assert sum(isinstance(one, OverQuota) for one in found) == 4
        await require_sound(old)


async def test_a_retry_and_an_end_agree_on_who_was_first(pool: None) -> None:
    for _ in range(ROUNDS):
        old = await failed()
        found = await at_once(uploads.abort_failed(old.id, "GONE"), uploads.retry(old, NOW), uploads.retry(old, NOW))
        assert done(found) == 1
        after = await require_sound(old)
        assert (after.status is UploadStatus.ABORTED) is bool(found[0])


async def test_a_job_is_ended_once_by_one_worker(pool: None) -> None:
    for _ in range(ROUNDS):
        upload = await nearly_full()
        await receive(upload, 1)
        await Job.filter(subject_id__not=upload.id).delete()
        claimed = await at_once(*(jobs.claim([JobKind.REASSEMBLE], f"w{n}", LEASE, NOW) for n in range(4)))
        (job,) = [one for one in claimed if one]
        await at_once(
            job_results.publish(job, upload, blob_key=str(uuid4()), sha256=SHA256, media=None, now=NOW),
            job_results.fail_job(job, status=UploadStatus.FAILED, code="INTERNAL", message="x"),
            job_results.reopen_slots(job, [0], LATER),
            jobs.release(str(job.lease_owner), NOW),
            consistency.queue_again(await look(upload), NOW),
        )
        after = await require_sound(upload)
        assert (after.status is UploadStatus.READY) is bool(after.version_id)


async def test_two_doctors_and_two_sweepers_do_the_same_work_once(pool: None) -> None:
    for _ in range(ROUNDS):
        upload = await nearly_full()
        await receive(upload, 1)
        await Job.filter(subject_id=upload.id).delete()
        assert (
            done(await at_once(*(consistency.queue_again(upload_now, NOW) for upload_now in [await look(upload)] * 4)))
            == 1
        )
        dead = [await nearly_full(expires_at=NOW) for _ in range(3)]
        late = await expiry.expired(LATE, 10)
        assert done(await at_once(*(expiry.expire(one.id, LATE) for one in late * 3))) == len(late) == len(dead)
        await at_once(*(purge.receipts(one) for one in dead * 2), *(purge.uploads("GONE", LATE, 100) for _ in range(4)))
        await at_once(purge.uploads("GONE", LATE, 100))
        assert not await Chunk.filter(upload_id__in=[one.id for one in dead]).exists()
        await Upload.all().delete()


async def test_a_code_is_guessed_so_often_and_no_more(pool: None) -> None:
    for number in range(ROUNDS):
        rows = [new_registration(user_id=f"u{number}", email=f"{number}@example.org") for _ in range(4)]
        await at_once(*(registrations.insert(row, RegistrationLimits(1_000, 1_000), NOW) for row in rows))
        guesses = await at_once(*(registrations.count_attempt(rows[0].id, 5) for _ in range(20)))
        assert done(guesses) == 5
        right = next(one for one in guesses if one)
        assert done(await at_once(*(registrations.complete(right, NOW) for _ in range(4)))) == 1


async def test_a_refresh_token_is_swapped_once(pool: None) -> None:
    ada = await new_account()
    for _ in range(ROUNDS):
        session = session_of(ada)
        await sessions.insert(session)
        swaps = (sessions.rotate(session.id, "first", f"new-{n}", NOW, LATER) for n in range(6))
        assert done(await at_once(*swaps)) == 1


async def test_grants_that_are_given_at_once_replace_each_other(pool: None) -> None:
    for _ in range(ROUNDS):
        ada = await new_account()
        await at_once(*(limit_overrides.change(ada.id, {GrantKind.POINTS: (n, 1.0)}, NOW) for n in range(1, 7)))
        ((_, _, capacity, _),) = await limit_overrides.find_many([ada.id])
        assert 1 <= capacity <= 6
