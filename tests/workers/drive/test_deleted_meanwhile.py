"""A file that is deleted while a worker works on its upload: the job ends quietly, and leaves no bytes."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from services.core.clock import now
from storage.deletion import items
from storage.drive.models import Blob, FileVersion, Rendition
from storage.jobs.models import Job, JobKind
from storage.uploads import job_results
from storage.uploads.models import Upload
from tests.support.waiting import eventually
from tests.workers.conftest import Start, full_upload
from workers.job_context import JobContext
from workers.media import compress
from workers.uploads.reassemble import reassemble

CONTENT = b"0123456789" * 10_000


async def delete_file(version_id: Any) -> None:
    version = await FileVersion.get(id=version_id)
    assert (await items.delete(version.account_id, [version.item_id], now())).tops == 1


async def is_over() -> bool:
    return not await Upload.all().exists() and not await Job.all().exists()


async def reassembled(start: Start, context: JobContext, **more: Any) -> Upload:
    """An upload whose file was stored a moment ago."""
    upload = await full_upload(context.store, CONTENT, **more)  # type: ignore[arg-type]

    async def is_stored() -> bool:
        return (await Upload.get(id=upload.id)).version_id is not None

    async with start(lambda job: reassemble(job, context)):
        await eventually(is_stored)
    return await Upload.get(id=upload.id)


async def test_a_file_that_is_deleted_as_soon_as_it_is_stored(
    start: Start, context: JobContext, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    publish = job_results.publish

    async def publish_and_delete(*arguments: Any, **named: Any) -> FileVersion:
        version = await publish(*arguments, **named)
        await delete_file(version.id)
        return version

    monkeypatch.setattr(job_results, "publish", publish_and_delete)
    await full_upload(context.store, CONTENT)  # type: ignore[arg-type]
    async with start(lambda job: reassemble(job, context)):
        await eventually(is_over)
        await asyncio.sleep(0.1)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert await Blob.filter(released_at__isnull=False).count() == 1


async def test_a_file_that_is_deleted_while_it_is_compressed(
    start: Start,
    context: JobContext,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    upload = await reassembled(start, context, compress={"preset": "FAST", "max_height": None})

    async def encode_and_delete(*arguments: Any) -> None:
        target: Path = next(each for each in arguments if isinstance(each, Path))
        target.write_bytes(b"compressed")
        await delete_file(upload.version_id)

    monkeypatch.setattr(compress, "_encode", encode_and_delete)
    async with start(lambda job: compress.compress(job, context), JobKind.COMPRESS):
        await eventually(is_over)
        await eventually(lambda: _is_clean(tmp_path))
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert not await Rendition.all().exists()


async def _is_clean(folder: Path) -> bool:
    """Whether the store has only the original, and the scratch folder nothing."""
    blobs = [path for path in (folder / "blobs" / "blobs").rglob("*") if path.is_file()]
    return len(blobs) == 1 and not list((folder / "scratch").iterdir())
