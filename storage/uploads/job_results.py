"""Ends of jobs that move an upload forward, each in one transaction that first names the job's lease."""

from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from storage.accounts import accounts
from storage.blobs import ReopenedStaging
from storage.database.connection import atomically
from storage.drive import blobs, uploaded_files
from storage.drive.blobs import Unnamed
from storage.drive.models import FileVersion, Rendition, RenditionKind
from storage.drive.tree.placing import ConflictPolicy
from storage.drive.uploaded_files import NewFile
from storage.drive.versions import Content
from storage.errors import StateChanged
from storage.jobs import jobs
from storage.jobs.models import Job
from storage.uploads import receipts
from storage.uploads.models import Upload, UploadStatus
from storage.uploads.uploads import GIVEN_UP, enqueue_job

#: A step in the store that is part of a transaction: it takes milliseconds, and can be repeated.
Step = Callable[[], Awaitable[object]]


async def reopen_slots(
    job: Job,
    indexes: Collection[int],
    expires_at: datetime,
    place: ReopenedStaging | None = None,
    unpublish: Step | None = None,
) -> None:
    """End a reassembly by opening the slots of damaged chunks again, and nothing else.

    With a ``place``, the upload continues there. ``unpublish`` is a step in the store, taken while the job's lease is
    locked. Raises :class:`StateChanged` when the lease was lost; then nothing has changed in the store either.
    """

    async def work() -> None:
        await _finish(job)
        if unpublish:
            await take_step(unpublish)
        await receipts.reopen(job.subject_id, indexes)
        changes: dict[str, Any] = {"staging": place.staging} if place else {}
        await Upload.filter(id=job.subject_id).update(status=UploadStatus.RECEIVING, expires_at=expires_at, **changes)
        if place:
            await receipts.set_etags(job.subject_id, place.etags)

    with errors_of_steps():
        await atomically(work)


async def publish(
    job: Job,
    upload: Upload,
    *,
    blob_key: str,
    sha256: str,
    crc32: int | None = None,
    media: dict[str, Any] | None,
    now: datetime,
    publish_bytes: Step | None = None,
) -> FileVersion:
    """End a reassembly: store the file, and queue compression if it was requested.

    The upload's ``mime_type``, which its client declared before, is that of the content by now, and is stored too.
    ``publish_bytes`` is a step in the store, taken while the job's lease is locked: a worker that lost the lease
    changes nothing there. Raises :class:`StateChanged` when the lease was lost.
    """

    async def work() -> FileVersion:
        await _finish(job)
        if publish_bytes:
            await take_step(publish_bytes)
        version = await add_file(upload, blob_key=blob_key, sha256=sha256, crc32=crc32, media=media, now=now)
        status = upload.status_with_file
        changes = {"status": status, "version_id": version.id, "mime_type": upload.mime_type, "fingerprint": None}
        await Upload.filter(id=upload.id).update(**changes)
        await enqueue_job(upload.id, status, now)
        return version

    with errors_of_steps():
        return await atomically(work)


async def add_file(
    upload: Upload,
    *,
    blob_key: str,
    sha256: str,
    crc32: int | None = None,
    media: dict[str, Any] | None,
    now: datetime,
) -> FileVersion:
    """Store the file of an upload over a new blob. Call it inside a transaction."""
    await accounts.lock(upload.account_id)
    blob = await blobs.add_original(upload.account_id, key=blob_key, size=upload.size, sha256=sha256, crc32=crc32)
    content = Content(blob, upload.mime_type, media)
    file = NewFile(upload.parent_id, upload.file_name, content, ConflictPolicy(upload.conflict))
    (version,) = await uploaded_files.add_all(upload.account_id, [file], now)
    return version


async def add_rendition(
    job: Job,
    version: FileVersion,
    *,
    mime_type: str,
    blob_key: str,
    size: int,
    sha256: str,
    crc32: int | None = None,
    now: datetime,
) -> None:
    """End a compression: store the rendition, and make the upload READY.

    It replaces the rendition of another upload that has the same version, because it had the same name and bytes.
    Raises :class:`StateChanged` when the job's lease was lost, or the version was deleted.
    """

    async def work() -> None:
        # Who deletes the version holds this lock, and deletes the job as well.
        await accounts.lock(version.account_id)
        await _finish(job)
        await _remove_rendition(version, now)
        blob = await blobs.add_derived(version.account_id, key=blob_key, size=size, sha256=sha256, crc32=crc32)
        await Rendition.create(
            version_id=version.id, kind=RenditionKind.COMPRESSED_VIDEO, mime_type=mime_type, blob=blob
        )
        await Upload.filter(id=job.subject_id).update(status=UploadStatus.READY)

    await atomically(work)


async def _remove_rendition(version: FileVersion, now: datetime) -> None:
    rendition = await Rendition.get_or_none(version_id=version.id, kind=RenditionKind.COMPRESSED_VIDEO)
    if rendition:
        await rendition.delete()
        await blobs.release(version.account_id, Unnamed(of_renditions={rendition.blob_id}), now)


async def fail_job(
    job: Job, *, status: UploadStatus, code: str, message: str, expires_at: datetime | None = None
) -> None:
    """Mark a job FAILED for good, and store the reason with the upload, which expires at ``expires_at`` if it FAILED.

    A failed upload loses its idempotency key and its fingerprint. Raises :class:`StateChanged` if the job's lease was
    lost.
    """

    async def work() -> None:
        if not await jobs.fail(job, code, message):
            raise StateChanged("the lease was lost")
        changes: dict[str, Any] = {"status": status, "error_code": code, "error_message": jobs.shortened(message)}
        if status is UploadStatus.FAILED:
            changes |= GIVEN_UP | ({"expires_at": expires_at} if expires_at else {})
        await Upload.filter(id=job.subject_id).update(**changes)

    await atomically(work)


async def _finish(job: Job) -> None:
    if not await jobs.finish(job):
        raise StateChanged("the lease was lost")


class _StepFailed(Exception):
    """A step in the store raised ``error``."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


async def take_step(step: Step) -> None:
    """Take a step in the store inside a transaction. Its errors are raised by :func:`errors_of_steps` around it."""
    # Within a transaction, an OSError looks like a lost connection of the database, after which the work is repeated. A
    # sync that failed must not be: the next one succeeds, whether the disk has the bytes or not.
    try:
        await step()
    except OSError as error:
        raise _StepFailed(error) from error


@contextmanager
def errors_of_steps() -> Iterator[None]:
    """Raise the error of a step in the store after its transaction was rolled back."""
    try:
        yield
    except _StepFailed as failed:
        raise failed.error from None
