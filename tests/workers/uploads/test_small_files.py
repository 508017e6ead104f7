"""Small files are reassembled in groups, with the promises of single ones."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.core.clock import now
from services.uploads.published_record import read_record
from storage.accounts.models import Account
from storage.blobs import LocalBlobStore
from storage.drive.models import FileVersion, Item, ItemKind
from storage.errors import BlobNotFound, PartsRefused, StorageError
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind, JobState
from storage.uploads import small_files as rows
from storage.uploads.models import Upload, UploadStatus
from tests.support.server import digest
from tests.workers.conftest import full_upload
from tests.workers.uploads.test_reassemble import claim, damage, stored
from workers.job_context import JobContext
from workers.uploads import small_files
from workers.uploads.reassemble import reassemble

READY = UploadStatus.READY


def content(number: int) -> bytes:
    return bytes([number]) * (10 + number)


async def begin(store: LocalBlobStore, count: int = 5, **more: Any) -> list[Upload]:
    """Full uploads of one account."""
    uploads = [await full_upload(store, content(number), **more) for number in range(count)]
    owner = uploads[0].account_id
    await Upload.all().update(account_id=owner)
    return [await Upload.get(id=upload.id) for upload in uploads]


async def statuses(uploads: list[Upload]) -> list[UploadStatus]:
    return [(await Upload.get(id=upload.id)).status for upload in uploads]


async def reassemble_one(context: JobContext) -> None:
    job = await claim()
    await reassemble(job, context)


async def test_one_claimed_job_stores_all_small_files_of_the_account(
    context: JobContext, store: LocalBlobStore
) -> None:
    uploads = await begin(store)
    await reassemble_one(context)
    assert await statuses(uploads) == [READY] * 5
    for number, upload in enumerate(uploads):
        row = await Upload.get(id=upload.id).select_related("version__blob")
        assert row.version
        blob = row.version.blob
        assert await stored(store, blob.key, blob.size) == content(number)
        assert (blob.sha256, (await read_record(store, blob.key)) is not None) == (digest(content(number)), True)
    assert await Item.filter(kind=ItemKind.FILE).count() == 5
    assert await Job.filter(state=JobState.DONE).count() == 5
    owner = await Account.get(id=uploads[0].account_id)
    assert owner.original_bytes == sum(len(content(number)) for number in range(5))


async def test_large_files_and_those_of_other_accounts_are_left_to_their_own_jobs(
    context: JobContext, store: LocalBlobStore
) -> None:
    (small,) = await begin(store, 1)
    large, foreign = await full_upload(store, bytes(rows.MAX_SIZE + 1)), await full_upload(store, b"x")
    await Upload.filter(id=large.id).update(account_id=small.account_id)
    await reassemble_one(context)
    assert await statuses([small, large, foreign]) == [READY, UploadStatus.REASSEMBLING, UploadStatus.REASSEMBLING]


async def test_a_damaged_file_is_left_to_its_own_job_and_keeps_no_other(
    context: JobContext, store: LocalBlobStore, tmp_path: Path
) -> None:
    uploads = await begin(store)
    damage(tmp_path, uploads[3], 0)
    await reassemble_one(context)
    assert (await statuses(uploads)).count(READY) == 4
    await reassemble_one(context)
    assert (await statuses(uploads))[3] is UploadStatus.RECEIVING


@pytest.mark.parametrize("step", ["_prepared", "_verified"])
async def test_files_whose_group_failed_are_stored_one_by_one(
    context: JobContext, store: LocalBlobStore, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    async def fail(*_: object) -> None:
        raise OSError("a failure")

    uploads = await begin(store, 3)
    monkeypatch.setattr(small_files, step, fail)
    for _ in uploads:
        await reassemble_one(context)
    assert await statuses(uploads) == [READY] * 3


@pytest.mark.parametrize("error", [PartsRefused([0]), BlobNotFound("gone")])
async def test_a_file_whose_bytes_cannot_be_combined_is_left_to_its_own_job(
    context: JobContext, store: LocalBlobStore, monkeypatch: pytest.MonkeyPatch, error: StorageError
) -> None:
    uploads = await begin(store, 3)
    seal = LocalBlobStore.seal

    async def refuse_one(store: LocalBlobStore, area: str, parts: Any) -> None:
        if area == uploads[1].staging_area:
            raise error
        await seal(store, area, parts)

    monkeypatch.setattr(LocalBlobStore, "seal", refuse_one)
    await reassemble_one(context)
    assert await statuses(uploads) == [READY, UploadStatus.REASSEMBLING, READY]


async def test_no_file_is_verified_any_more_when_the_jobs_are_given_back(
    context: JobContext, store: LocalBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await begin(store, 4)
    begun, ended, ended_before = [], [], []

    async def verify(upload: Upload, *_: object) -> None:
        begun.append(upload)
        if len(begun) == 1:
            raise OSError("a failure")
        await asyncio.sleep(0.05)
        ended.append(upload)

    async def give_back(*_: object) -> None:
        ended_before.extend(ended)

    monkeypatch.setattr(small_files, "_verified", verify)
    monkeypatch.setattr(rows, "give_back", give_back)
    await reassemble_one(context)
    assert len(ended_before) == 2


async def test_claimed_jobs_of_uploads_that_have_ended_are_given_back(
    context: JobContext, store: LocalBlobStore
) -> None:
    uploads = await begin(store, 3)
    await Upload.filter(id__in=[upload.id for upload in uploads[1:]]).update(status=UploadStatus.ABORTED)
    await reassemble_one(context)
    assert await Job.filter(state=JobState.QUEUED).count() == 2


async def test_a_file_whose_lease_was_lost_is_left_out(
    context: JobContext, store: LocalBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads = await begin(store, 3)
    prepare = small_files._prepared
    taken: list[Job] = []

    async def lose_one(intact: Any, context: JobContext) -> Any:
        files = await prepare(intact, context)
        await Job.filter(subject_id=files[0].upload.id).update(lease_until=now() - timedelta(seconds=1))
        job = await jobs.claim([JobKind.REASSEMBLE], "other", timedelta(minutes=1), now())
        assert job
        taken.append(job)
        return files

    monkeypatch.setattr(small_files, "_prepared", lose_one)
    await reassemble_one(context)
    assert (await statuses(uploads)).count(READY) == 2
    await reassemble(taken[0], context)
    assert await statuses(uploads) == [READY] * 3
    assert await FileVersion.all().count() == 3
