"""Uploads to a real S3, and the workers that reassemble them."""

import random
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import Any

from services.core.clock import now
from services.uploads.init.new_upload import UploadPolicy
from services.uploads.uploads import Uploads
from storage.blobs import Digests
from storage.blobs.s3.store import S3BlobStore
from storage.drive.models import FileVersion
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind
from storage.uploads import receipts
from storage.uploads.models import Upload, UploadStatus
from tests.storage.rows import filled_indexes
from tests.workers.conftest import new_upload
from workers.job_context import JobContext
from workers.uploads.follower import Follower
from workers.uploads.reassemble import reassemble
from workers.worker_membership import WorkerMembership

SLOT = 5 * 2**20
CONTENT = random.Random(3).randbytes(SLOT + 77)
DAY = timedelta(days=1)

Open = Callable[[], S3BlobStore]


class Unheld:
    """Slot locks that are always lost."""

    def hold(self, name: str) -> AbstractAsyncContextManager[None]:
        """Let all requests pass."""
        return nullcontext()


def with_store(context: JobContext, store: S3BlobStore) -> JobContext:
    return replace(context, store=store, follower=Follower(store, context.progress, WorkerMembership("one")))


def uploads_of(context: JobContext) -> Uploads:
    return Uploads(context.store, context.progress, context.notifications, UploadPolicy(2**40, DAY))


async def begun(context: JobContext, content: bytes = CONTENT, **more: Any) -> Upload:
    upload = await new_upload(content, chunk_size=SLOT, **more)
    upload.staging = await context.store.stage(str(upload.id), len(content), SLOT)
    await upload.save()
    return upload


async def put(context: JobContext, upload: Upload, index: int, part: bytes) -> Digests:
    """Send the bytes of a slot, without a receipt."""
    async with context.store.slot(upload.staging_area, upload.slot_offset(index), len(part)) as writer:
        await writer.write([part])
        return await writer.finish()


async def fill(context: JobContext, upload: Upload, content: bytes = CONTENT) -> Upload:
    """Let every missing chunk arrive."""
    there = await filled_indexes(upload.id)
    for index in range(upload.chunk_count):
        if index not in there:
            offset = upload.slot_offset(index)
            digests = await put(context, upload, index, content[offset : offset + upload.slot_size(index)])
            await receipts.add(upload, index, digests, now(), now() + DAY)
    return await Upload.get(id=upload.id)


async def claim() -> Job | None:
    return await jobs.claim([JobKind.REASSEMBLE], "test", timedelta(minutes=1), now())


async def work(context: JobContext) -> None:
    job = await claim()
    assert job
    await reassemble(job, context)


async def brought_to_its_end(context: JobContext, upload: Upload, content: bytes = CONTENT) -> int:
    """Run the next worker and the client until there is a file with the correct bytes. Returns the sent chunks."""
    await jobs.release("test", now())
    sent = 0
    for _ in range(3):
        upload = await Upload.get(id=upload.id)
        if upload.status is UploadStatus.RECEIVING:
            sent += upload.chunk_count - upload.received_chunks
            await fill(context, upload, content)
        if job := await claim():
            await reassemble(job, context)
    upload = await Upload.get(id=upload.id)
    assert upload.status is UploadStatus.READY
    assert await file_of(context, upload) == content
    return sent


async def file_of(context: JobContext, upload: Upload) -> bytes:
    file = await FileVersion.get(id=upload.version_id).select_related("blob")
    assert file.blob.sha256
    return b"".join([block async for block in context.store.read(file.blob.key, 0, upload.size)])


async def left_in(context: JobContext) -> tuple[int, int]:
    """The numbers of objects and of multipart uploads."""
    return len([found async for found in context.store.blobs()]), len(
        [found async for found in context.store.staging_areas()]
    )
