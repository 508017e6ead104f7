"""CRC-32s of blobs from older versions: computed once, by one worker, and never for bytes that have changed."""

import zlib
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from services.core.clock import now
from services.maintenance.checksums import crc32_of
from storage.blobs import LocalBlobStore
from storage.database.connection import atomically
from storage.drive import checksums
from storage.drive.models import Blob
from storage.errors import StateChanged
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind, JobState
from tests.support.server import digest
from tests.workers.conftest import DAY
from workers.drive.checksum import checksum
from workers.job_context import JobContext
from workers.maintenance import checksum_backfill
from workers.maintenance.checksum_backfill import ChecksumBackfill

CONTENTS = [b"first", b"", b"third" * 100_000]


@pytest.fixture
def backfill(context: JobContext) -> ChecksumBackfill:
    return ChecksumBackfill(context.store, context.membership, context.counters, rate=2.0**40)


async def stored(store: LocalBlobStore, folder: Path, content: bytes, declared: bytes | None = None) -> Blob:
    """A blob of an older version, whose row declares the digest of other bytes if any are given."""
    key = uuid4().hex
    (folder / key).write_bytes(content)
    await store.put(key, folder / key)
    return await Blob.create(key=key, size=len(content), sha256=digest(content if declared is None else declared))


async def crc32s() -> dict[str, int | None]:
    return {blob.key: blob.crc32 for blob in await Blob.all()}


async def test_every_blob_without_a_crc32_gets_it(
    backfill: ChecksumBackfill, store: LocalBlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checksum_backfill, "PAGE", 2)
    blobs = [await stored(store, tmp_path, content) for content in CONTENTS]
    await backfill.backfill_checksums()
    assert await crc32s() == {blob.key: zlib.crc32(content) for blob, content in zip(blobs, CONTENTS, strict=True)}


async def test_bytes_that_are_lost_or_changed_get_none_and_do_not_stop_the_others(
    backfill: ChecksumBackfill, store: LocalBlobStore, tmp_path: Path
) -> None:
    changed, lost, intact = [
        await stored(store, tmp_path, b"changed", b"xhanged"),
        await stored(store, tmp_path, b"lost"),
        await stored(store, tmp_path, b"intact"),
    ]
    await store.delete(lost.key)
    await backfill.backfill_checksums()
    assert await crc32s() == {changed.key: None, lost.key: None, intact.key: zlib.crc32(b"intact")}


async def test_only_the_first_of_the_live_workers_does_it(
    backfill: ChecksumBackfill, context: JobContext, store: LocalBlobStore, tmp_path: Path
) -> None:
    blob = await stored(store, tmp_path, b"bytes")
    context.membership.update(["another", "one"])
    await backfill.backfill_checksums()
    assert await crc32s() == {blob.key: None}
    context.membership.update(["one", "two"])
    await backfill.backfill_checksums()
    assert await crc32s() == {blob.key: zlib.crc32(b"bytes")}


async def test_a_worker_that_is_the_first_one_no_more_ends_with_the_blob_that_it_reads(
    backfill: ChecksumBackfill,
    context: JobContext,
    store: LocalBlobStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = [await stored(store, tmp_path, content) for content in (b"first", b"second")]

    async def another_comes(*arguments: Any) -> int:
        context.membership.update(["another"])
        return await crc32_of(*arguments)

    monkeypatch.setattr(checksum_backfill, "crc32_of", another_comes)
    await backfill.backfill_checksums()
    assert await crc32s() == {first.key: zlib.crc32(b"first"), second.key: None}


async def claimed(blob: Blob) -> Job:
    assert await checksums.request([blob.id], now()) == set()
    job = await jobs.claim([JobKind.CHECKSUM], "one", DAY, now())
    assert job
    return job


async def test_a_job_for_which_a_client_waits_leaves_only_its_result(
    context: JobContext, store: LocalBlobStore, tmp_path: Path
) -> None:
    blob = await stored(store, tmp_path, b"wanted")
    await checksum(await claimed(blob), context)
    assert await crc32s() == {blob.key: zlib.crc32(b"wanted")}
    assert not await Job.exists(kind=JobKind.CHECKSUM)


async def test_a_job_is_queued_once_and_a_running_one_is_left_alone(
    context: JobContext, store: LocalBlobStore, tmp_path: Path
) -> None:
    blob = await stored(store, tmp_path, b"wanted")
    job = await claimed(blob)
    assert await checksums.request([blob.id], now()) == set()
    (row,) = await Job.all()
    assert (row.state, row.lease_token) == (JobState.RUNNING, job.lease_token)
    await atomically(lambda: jobs.fail(job, "CONTENT_LOST", "changed"))
    assert await checksums.request([blob.id], now()) == {blob.id}


async def test_a_worker_that_lost_its_lease_stores_nothing(
    context: JobContext, store: LocalBlobStore, tmp_path: Path
) -> None:
    blob = await stored(store, tmp_path, b"wanted")
    job = await claimed(blob)
    await Job.all().update(lease_token=uuid4())
    with pytest.raises(StateChanged):
        await checksum(job, context)
    assert await crc32s() == {blob.key: None}
