"""The checks after every upload has arrived: everything was done once, and nothing is left over."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from services.maintenance.doctor import Doctor
from services.maintenance.findings import Code
from storage.blobs import BlobStore, S3Options, open_blob_store
from storage.database.connection import close_database, open_database
from storage.drive.models import Blob, FileVersion, Rendition
from storage.jobs.models import Job, JobState
from storage.uploads.models import Chunk, Upload, UploadStatus
from tests.support.backends.s3 import ACCESS_KEY, SECRET_KEY
from tests.support.uploads import PATIENCE_SECONDS
from tests.support.waiting import eventually


async def equip(database_url: str, bucket_url: str) -> None:
    """Give the bucket its rules, as ``cloudkeep doctor --fix`` does."""
    async with _opened(database_url, bucket_url) as store:
        assert [found.mended async for found in Doctor(store, mend=True).examine()] == ["added"]


async def stored_once(database_url: str, bucket_url: str, files: int, renditions: int) -> None:
    """As many files as were sent, as many renditions as were asked for, and no row or blob beyond them."""
    async with _opened(database_url, bucket_url) as store:
        await eventually(_at_rest, PATIENCE_SECONDS)
        assert await FileVersion.all().count() == files
        assert await Rendition.all().count() == renditions
        assert await Blob.all().count() == files + renditions
        assert await Upload.filter(status=UploadStatus.READY).count() == files
        assert await Job.filter(state=JobState.DONE).count() == files + renditions == await Job.all().count()
        uploads = await Upload.all().values("id", "received_chunks")
        for upload in uploads:
            assert await Chunk.filter(upload_id=upload["id"]).count() == upload["received_chunks"]
        known = {row["key"] for row in await Blob.all().values("key")}
        assert known <= {found.key async for found in store.blobs()}


async def nothing_is_left(database_url: str, bucket_url: str) -> None:
    """An hour later no staging area is left, and ``cloudkeep doctor`` finds nothing.

    Until then there may be some of uploads that were being begun, and of compressions that were cut off: bytes are
    there before the row that speaks of them.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("services.maintenance.garbage.GRACE", timedelta())
        async with _opened(database_url, bucket_url) as store:
            swept = [found async for found in Doctor(store, mend=True).examine()]
            staged = [found.key async for found in store.staging_areas()]
            findings = [f"{found.code} {found.subject} {found.text}" async for found in Doctor(store).examine()]
    assert {found.code for found in swept} <= {Code.STAGING_DEAD, Code.BLOB_ORPHAN}, swept
    assert all(found.mended == "removed" for found in swept), swept
    assert not staged + findings, staged + findings


async def _at_rest() -> bool:
    return not await Job.filter(state__in=[JobState.RUNNING, JobState.QUEUED]).exists()


@asynccontextmanager
async def _opened(database_url: str, bucket_url: str) -> AsyncIterator[BlobStore]:
    await open_database(database_url)
    store = await open_blob_store(bucket_url, options=S3Options(ACCESS_KEY, SECRET_KEY))
    try:
        yield store
    finally:
        await store.close()
        await close_database()
