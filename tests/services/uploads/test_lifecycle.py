"""Retries of failed steps: each runs once, even if requested repeatedly, and only if it can succeed."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.core.clock import now
from services.core.errors import ExpectedError
from services.media.errors import NotAVideo
from services.uploads.errors import ChunksMissing, QuotaExceeded, UploadClosed
from services.uploads.init.new_upload import UploadPolicy
from services.uploads.uploads import Uploads
from storage.drive.models import Blob, FileVersion
from storage.jobs.models import Job, JobKind, JobState
from storage.uploads.models import Upload, UploadStatus
from tests.services.conftest import LIFETIME, Bench, a_file
from tests.services.maintenance.test_scrub import stored

S = UploadStatus
INTERNAL = {"error_code": "INTERNAL", "error_message": "Gave up after 5 attempts."}
COMPRESS = {"preset": "FAST", "max_height": None}


async def upload_with(bench: Bench, owner: UUID, **changes: Any) -> Upload:
    upload = await bench.uploads.init(owner, a_file())
    await Upload.filter(id=upload.id).update(**changes)
    return await Upload.get(id=upload.id)


async def with_a_file(bench: Bench, owner: UUID, folder: Path, **changes: Any) -> Upload:
    await stored(bench, folder, "a-blob")
    file = await FileVersion.create(
        account_id=owner, name="a", mime_type="video/mp4", blob_id=(await Blob.get(key="a-blob")).id
    )
    return await upload_with(bench, owner, status=S.READY, version_id=file.id, compress=COMPRESS, **changes)


async def queued(upload: Upload) -> list[tuple[JobKind, JobState, int]]:
    return [(job.kind, job.state, job.attempts) for job in await Job.filter(subject_id=upload.id)]


async def test_a_compression_that_failed_is_queued_once_however_often_it_is_asked_for(
    bench: Bench, ada: UUID, tmp_path: Path
) -> None:
    upload = await with_a_file(bench, ada, tmp_path, error_code="COMPRESSION_FAILED")
    failed = await bench.uploads.reload(upload)
    found = await asyncio.gather(*(bench.uploads.retry(failed) for _ in range(5)))
    assert {(each.status, each.error_code) for each in found} == {(S.COMPRESSING, None)}
    assert await queued(upload) == [(JobKind.COMPRESS, JobState.QUEUED, 0)]


async def test_a_reassembly_that_failed_by_an_internal_error_starts_again(bench: Bench, ada: UUID) -> None:
    upload = await upload_with(bench, ada, status=S.FAILED, **INTERNAL)
    await Job.create(
        kind=JobKind.REASSEMBLE, subject_id=upload.id, state=JobState.FAILED, attempts=5, run_after=upload.created_at
    )
    again = await bench.uploads.retry(await bench.uploads.reload(upload))
    assert (again.status, again.error_code, again.error_message) == (S.REASSEMBLING, None, None)
    assert await queued(upload) == [(JobKind.REASSEMBLE, JobState.QUEUED, 0)]


@pytest.mark.parametrize("status", [S.REASSEMBLING, S.COMPRESSING, S.READY])
async def test_what_is_under_way_or_has_ended_well_is_left_alone(bench: Bench, ada: UUID, status: S) -> None:
    upload = await upload_with(bench, ada, status=status)
    assert (await bench.uploads.retry(await bench.uploads.reload(upload))).status is status
    assert await queued(upload) == []


REFUSED: dict[str, tuple[dict[str, Any], type[ExpectedError]]] = {
    "receiving": ({"status": S.RECEIVING}, ChunksMissing),
    "aborted": ({"status": S.ABORTED}, UploadClosed),
    "expired": ({"status": S.EXPIRED}, UploadClosed),
    "not the declared file": ({"status": S.FAILED, "error_code": "CHECKSUM_MISMATCH"}, UploadClosed),
    "not a video": ({"status": S.READY, "error_code": "NOT_A_VIDEO"}, NotAVideo),
}


@pytest.mark.parametrize(("changes", "refusal"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_cannot_end_better_is_refused(
    bench: Bench, ada: UUID, changes: dict[str, Any], refusal: type[ExpectedError]
) -> None:
    upload = await upload_with(bench, ada, **changes)
    with pytest.raises(refusal):
        await bench.uploads.retry(await bench.uploads.reload(upload))
    assert (await Upload.get(id=upload.id)).status is upload.status
    assert await queued(upload) == []


async def test_a_failed_upload_counts_in_the_quota_so_its_retry_always_fits(bench: Bench, ada: UUID) -> None:
    upload = await upload_with(bench, ada, status=S.FAILED, **INTERNAL)
    policy = UploadPolicy(2**40, LIFETIME, quota=upload.size)
    uploads = Uploads(bench.store, bench.progress, bench.notifications, policy)
    with pytest.raises(QuotaExceeded):
        await uploads.init(ada, a_file(1))
    assert (await uploads.retry(await uploads.reload(upload))).status is S.REASSEMBLING


async def test_a_failed_upload_expires_with_its_bytes_and_keeps_its_reason(bench: Bench, ada: UUID) -> None:
    upload = await upload_with(bench, ada, status=S.FAILED, expires_at=now() - timedelta(seconds=1), **INTERNAL)
    kept = await upload_with(bench, ada, status=S.FAILED, **INTERNAL)
    assert [await bench.uploads.expire() for _ in range(2)] == [1, 0]
    assert [area.key async for area in bench.store.staging_areas()] == [str(kept.id)]
    expired = await bench.uploads.reload(upload)
    assert (expired.status, expired.error_code) == (S.EXPIRED, "INTERNAL")
    assert (await bench.uploads.space(ada)).reserved == kept.size
    with pytest.raises(UploadClosed):
        await bench.uploads.retry(expired)


async def test_a_retry_and_the_expiry_of_a_failed_upload_agree_on_which_was_first(bench: Bench, ada: UUID) -> None:
    for _ in range(5):
        old = await upload_with(bench, ada, status=S.FAILED, expires_at=now() - timedelta(seconds=1), **INTERNAL)
        _, again = await asyncio.gather(bench.uploads.expire(), bench.uploads.retry(old))
        assert again.status in {S.EXPIRED, S.REASSEMBLING}
        assert (await bench.uploads.reload(old)).status is again.status
        assert await bench.store.holds(str(old.id)) is (again.status is S.REASSEMBLING)


async def test_a_failed_upload_that_is_not_tried_again_can_be_given_up(bench: Bench, ada: UUID) -> None:
    upload = await upload_with(bench, ada, status=S.FAILED, **INTERNAL)
    assert (await bench.uploads.complete(await bench.uploads.reload(upload))).status is S.FAILED
    assert (await bench.uploads.abort(await bench.uploads.reload(upload))).status is S.ABORTED
    assert [found.key async for found in bench.store.staging_areas()] == []
    with pytest.raises(UploadClosed):
        await bench.uploads.retry(await bench.uploads.reload(upload))


async def test_an_upload_that_was_not_the_declared_file_stays_failed(bench: Bench, ada: UUID) -> None:
    upload = await upload_with(bench, ada, status=S.FAILED, error_code="CHECKSUM_MISMATCH")
    with pytest.raises(UploadClosed):
        await bench.uploads.abort(await bench.uploads.reload(upload))
    assert (await Upload.get(id=upload.id)).status is S.FAILED
