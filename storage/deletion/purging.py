"""Deletes versions with everything that depends on them: renditions, uploads, receipts and jobs.

Call these functions inside a transaction, after the account's row was locked. Each call deletes a bounded number of
rows, so that the transaction is short.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from uuid import UUID

from storage.drive import blobs
from storage.drive.blobs import NOTHING_RELEASED, Released, Unnamed
from storage.drive.models import FileVersion, Rendition
from storage.jobs.models import Job
from storage.uploads.models import Chunk, ObsoleteRecord, Upload

#: Versions of one call. SQLite accepts at least 999 values in one statement.
MOST_VERSIONS = 200
#: Uploads of one call. A version may have any number of them: those that replaced a file by the same bytes.
MOST_UPLOADS = 500
#: Receipts of one call; an upload has no more.
MOST_RECEIPTS = 10_000


@dataclass(frozen=True)
class Purged:
    """What a call deleted: versions, and the number of their uploads. ``released`` are blobs that nothing names now."""

    deleted: Sequence[FileVersion] = ()
    uploads: int = 0
    released: Released = NOTHING_RELEASED

    @property
    def versions(self) -> int:
        """The number of deleted versions."""
        return len(self.deleted)

    @property
    def is_nothing(self) -> bool:
        """Whether nothing was left to delete."""
        return not self.deleted and not self.uploads


async def purge_versions(account_id: UUID, versions: Sequence[FileVersion], now: datetime) -> Purged:
    """Delete some of these versions, or if they have many uploads, some of these first.

    Call it again until it deletes nothing. Blobs are released unless something else names them.
    """
    first = {version.id: version for version in versions[:MOST_VERSIONS]}
    if not first:
        return Purged()
    uploads = _few_enough(await _uploads_of(first))
    await _delete_uploads(uploads, first, now)
    waiting = set(await Upload.filter(version_id__in=list(first)).distinct().values_list("version_id", flat=True))
    gone = [version for key, version in first.items() if key not in waiting]
    unnamed = await _delete_versions(gone)
    return Purged(gone, len(uploads), await blobs.release(account_id, unnamed, now))


async def _uploads_of(version_ids: Collection[UUID]) -> list[Upload]:
    """Some of the uploads of these versions."""
    uploads = Upload.filter(version_id__in=list(version_ids)).only("id", "version_id", "received_chunks")
    return await uploads.limit(MOST_UPLOADS)


def _few_enough(uploads: Sequence[Upload]) -> list[Upload]:
    """The first of the uploads, at least one if there is any, that have few enough receipts together."""
    receipts = list(accumulate(upload.received_chunks for upload in uploads))
    fitting = sum(count <= MOST_RECEIPTS for count in receipts)
    return list(uploads[: max(1, fitting)])


async def _delete_versions(versions: Sequence[FileVersion]) -> Unnamed:
    """Delete versions without uploads, and their renditions. Returns the blobs that they named."""
    if not versions:
        return Unnamed()
    keys = [version.id for version in versions]
    renditions = Rendition.filter(version_id__in=keys)
    derived = {rendition.blob_id for rendition in await renditions.only("id", "blob_id")}
    await renditions.delete()
    await FileVersion.filter(id__in=keys).delete()
    return Unnamed({version.blob_id for version in versions}, derived)


async def _delete_uploads(uploads: Sequence[Upload], versions: Mapping[UUID, FileVersion], now: datetime) -> None:
    """Delete uploads whose versions are deleted: without its file, a finished upload is of no use.

    A worker that runs a job of one loses its lease with the row of the job.
    """
    if not uploads:
        return
    keys = [upload.id for upload in uploads]
    await _note_records(uploads, versions, now)
    await Chunk.filter(upload_id__in=keys).delete()
    await Job.filter(subject_id__in=keys).delete()
    await Upload.filter(id__in=keys).delete()


async def _note_records(uploads: Sequence[Upload], versions: Mapping[UUID, FileVersion], now: datetime) -> None:
    """Let the records of files that share the bytes of another one be deleted, or they would bring the files back."""
    shared = [row for row in uploads if row.version_id and not is_own_blob(row.id, versions[row.version_id].blob.key)]
    if shared:
        await ObsoleteRecord.bulk_create(
            [ObsoleteRecord(key=str(row.id), since=now) for row in shared], ignore_conflicts=True
        )


def is_own_blob(upload_id: UUID, blob_key: str) -> bool:
    """Whether a blob consists of the bytes that this upload has sent. The record of the upload is then the blob's."""
    return blob_key.startswith(str(upload_id))
