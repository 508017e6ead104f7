"""Deletes versions with everything that depends on them: renditions, uploads, receipts and jobs.

Call these functions inside a transaction, after the account's row was locked. Each call deletes a bounded number of
rows, so that the transaction is short.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import takewhile
from typing import NamedTuple
from uuid import UUID

from storage.drive import blobs
from storage.drive.blobs import Released, Unnamed
from storage.drive.models import FileVersion, Rendition
from storage.jobs.models import Job
from storage.uploads.models import Chunk, ObsoleteRecord, Upload

#: Versions of one call. SQLite accepts at least 999 values in one statement.
MOST_VERSIONS = 200
#: Receipts of one call; an upload has no more.
MOST_RECEIPTS = 10_000


class Purged(NamedTuple):
    """How many versions and blobs a call deleted or released, and the bytes of the latter."""

    versions: int
    released: Released


NOTHING = Purged(0, Released(0, 0))


async def purge_versions(account_id: UUID, versions: Sequence[FileVersion], now: datetime) -> Purged:
    """Delete the first of these versions, at least one if there is any.

    Their blobs are released unless something else names them.
    """
    uploads = await _uploads_of([version.id for version in versions[:MOST_VERSIONS]])
    batch = _few_enough(versions[:MOST_VERSIONS], uploads)
    if not batch:
        return NOTHING
    keys = [version.id for version in batch]
    await _delete_uploads([uploads[key] for key in keys if key in uploads], batch, now)
    unnamed = Unnamed(of_versions={version.blob_id for version in batch})
    renditions = Rendition.filter(version_id__in=keys)
    unnamed.of_renditions = {rendition.blob_id for rendition in await renditions.only("id", "blob_id")}
    await renditions.delete()
    await FileVersion.filter(id__in=keys).delete()
    return Purged(len(batch), await blobs.release(account_id, unnamed, now))


async def _uploads_of(version_ids: Collection[UUID]) -> dict[UUID, Upload]:
    """The upload of each version that has one. Each upload makes a version of its own."""
    rows = await Upload.filter(version_id__in=list(version_ids)).only("id", "version_id", "received_chunks")
    return {row.version_id: row for row in rows if row.version_id}


def _few_enough(versions: Sequence[FileVersion], uploads: dict[UUID, Upload]) -> list[FileVersion]:
    """The first of the versions, whose uploads have few enough receipts together."""
    receipts = 0

    def fits(version: FileVersion) -> bool:
        nonlocal receipts
        receipts += uploads[version.id].received_chunks if version.id in uploads else 0
        return receipts <= MOST_RECEIPTS

    return list(takewhile(fits, versions)) or list(versions[:1])


async def _delete_uploads(uploads: Sequence[Upload], versions: Sequence[FileVersion], now: datetime) -> None:
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


async def _note_records(uploads: Sequence[Upload], versions: Sequence[FileVersion], now: datetime) -> None:
    """Let the records of files that share the bytes of another one be deleted, or they would bring the files back."""
    blob_keys = {version.id: version.blob.key for version in versions}
    shared = [row for row in uploads if row.version_id and not is_own_blob(row.id, blob_keys[row.version_id])]
    if shared:
        await ObsoleteRecord.bulk_create(
            [ObsoleteRecord(key=str(row.id), since=now) for row in shared], ignore_conflicts=True
        )


def is_own_blob(upload_id: UUID, blob_key: str) -> bool:
    """Whether a blob consists of the bytes that this upload has sent. The record of the upload is then the blob's."""
    return blob_key.startswith(str(upload_id))
