"""Compression: a rendition beside an unchanged original."""

import zlib
from pathlib import Path

import pytest

from services.core.clock import now
from services.media.errors import NotAVideo
from storage.blobs import LocalBlobStore
from storage.drive.models import Rendition
from storage.drive.versions import find, renditions_of
from storage.errors import StateChanged
from storage.jobs import jobs
from storage.jobs.models import JobKind
from storage.uploads.models import Upload, UploadStatus
from tests.support.clips import Maker, bikes
from tests.workers.conftest import full_upload
from tests.workers.uploads.test_reassemble import claim
from workers.job_context import JobContext
from workers.media.compress import compress
from workers.media.guard import MAX_STREAMS
from workers.media.probe import probe
from workers.uploads.reassemble import reassemble

FAST_144 = {"preset": "FAST", "max_height": 144}


async def assembled(context: JobContext, store: LocalBlobStore, content: bytes) -> Upload:
    """An upload with its file and a queued compression."""
    upload = await full_upload(store, content, compress=FAST_144)
    await reassemble(await claim(), context)
    return await Upload.get(id=upload.id)


def blobs(tmp_path: Path) -> int:
    return sum(path.is_file() for path in (tmp_path / "blobs").rglob("*"))


async def test_the_rendition_is_smaller_and_of_the_asked_height(context: JobContext, store: LocalBlobStore) -> None:
    upload = await assembled(context, store, bikes().read_bytes())
    await compress(await claim(JobKind.COMPRESS), context)
    await upload.refresh_from_db()
    assert upload.status is UploadStatus.READY
    assert upload.version_id
    file = await find(upload.version_id)
    assert file
    (rendition,) = (await renditions_of([file.id]))[file.id]
    assert rendition.blob.size < file.blob.size
    async with store.local_path(rendition.blob.key) as path:
        assert (await probe(path, context.tools)).height == 144
        assert rendition.blob.crc32 == zlib.crc32(path.read_bytes())


async def test_what_is_no_video_is_refused_and_leaves_nothing_behind(
    context: JobContext, store: LocalBlobStore, tmp_path: Path
) -> None:
    await assembled(context, store, b"This is text." * 100)
    before = blobs(tmp_path)
    with pytest.raises(NotAVideo):
        await compress(await claim(JobKind.COMPRESS), context)
    assert (blobs(tmp_path), list(context.scratch.iterdir())) == (before, [])


async def test_a_video_that_has_too_many_streams_is_refused_by_that_name(
    context: JobContext, store: LocalBlobStore, make: Maker
) -> None:
    streams = ["-map", "0:v"] * (MAX_STREAMS + 1)
    clip = make("many.mp4", "-i", bikes(), *streams, "-c", "copy", "-frames:v", "2")
    await assembled(context, store, clip.read_bytes())
    with pytest.raises(NotAVideo, match=f"more than {MAX_STREAMS} streams"):
        await compress(await claim(JobKind.COMPRESS), context)


async def test_an_attempt_that_lost_its_lease_adds_no_rendition_and_leaves_nothing_behind(
    context: JobContext, store: LocalBlobStore, tmp_path: Path
) -> None:
    await assembled(context, store, bikes().read_bytes())
    before, job = blobs(tmp_path), await claim(JobKind.COMPRESS)
    await jobs.release("test", now())
    with pytest.raises(StateChanged):
        await compress(job, context)
    assert (blobs(tmp_path), await Rendition.all().count()) == (before, 0)
