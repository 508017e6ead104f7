"""Rows of small files, whose uploads have one chunk each: many are changed by a few statements.

A small file needs no progress, and its work is mostly that of its rows. So receipts of several are stored in one
transaction, and a worker claims several of their jobs at once and stores their files in one transaction.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from storage.accounts import accounts
from storage.blobs import Digests
from storage.database.connection import as_uuid, atomically, execute_many, fetch, fetch_ids
from storage.database.values import marks
from storage.drive import blobs, uploaded_files
from storage.drive.models import Blob
from storage.drive.tree.placing import ConflictPolicy
from storage.drive.uploaded_files import NewFile
from storage.drive.versions import Content
from storage.errors import StateChanged
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind
from storage.uploads.job_results import errors_of_steps, take_step
from storage.uploads.models import Chunk, Upload, UploadStatus
from storage.uploads.receipts import INSERT, Received, SlotState

#: The size of the largest small file. Above it, the time for its bytes counts more than that for its rows.
MAX_SIZE = 64 * 1024
#: Small files that one transaction changes: enough to save most of the time, and few enough that it takes a tenth of a
#: second, for which the account, or on SQLite the database, is locked.
MAX_FILES = 100
SLOTS = """
SELECT upload.id, upload.account_id, upload.size, upload.chunk_size, upload.status, upload.expires_at,
       upload.received_chunks, upload.received_bytes, upload.staging, chunk.sha256
FROM upload LEFT JOIN chunk ON chunk.upload_id = upload.id AND chunk."index" = 0
WHERE upload.id IN ({})"""
FILL = """
UPDATE upload SET expires_at = ?, received_chunks = 1, received_bytes = size, status = 'REASSEMBLING'
WHERE id IN ({}) AND status = 'RECEIVING' AND received_chunks = 0
RETURNING id, COALESCE(staging, '')"""
#: Jobs that have failed once run by themselves, so that one file cannot keep the others from being stored.
DUE = """
SELECT job.id FROM job JOIN upload ON upload.id = job.subject_id
WHERE job.kind = 'REASSEMBLE' AND job.state = 'QUEUED' AND job.attempts = 0 AND job.run_after <= ?
    AND upload.account_id = ? AND upload.size <= ? AND upload.chunk_size >= upload.size
ORDER BY job.run_after, job.id LIMIT ?"""
#: A statement of its own: as a subquery, PostgreSQL would run it once for each job.
CLAIM = """
UPDATE job SET state = 'RUNNING', attempts = 1, lease_owner = ?, lease_token = ?, lease_until = ?, error_code = NULL
WHERE id IN ({}) AND state = 'QUEUED' AND attempts = 0
RETURNING subject_id"""
FINISH = """
UPDATE job SET state = 'DONE', lease_token = NULL, lease_until = NULL
WHERE kind = 'REASSEMBLE' AND state = 'RUNNING' AND lease_token = ? AND subject_id IN ({})
RETURNING subject_id"""
GIVE_BACK = """
UPDATE job SET state = 'QUEUED', run_after = ?, lease_token = NULL, lease_until = NULL
WHERE kind = 'REASSEMBLE' AND state = 'RUNNING' AND lease_token = ?"""
STORED = "UPDATE upload SET status = ?, version_id = ?, mime_type = ?, fingerprint = NULL WHERE id = ?"


def is_small(upload: Upload | SlotState) -> bool:
    """Whether the file of an upload is small, and has one chunk."""
    return upload.size <= MAX_SIZE and upload.chunk_count == 1


async def slots(upload_ids: Collection[UUID]) -> dict[UUID, SlotState]:
    """The only slots of uploads, by upload."""
    found = {}
    for row in await fetch(SLOTS.format(marks(upload_ids)), *upload_ids):
        key, account_id, size, chunk_size, status, expires_at, chunks, count, staging, sha256 = row
        moment = Upload._meta.fields_map["expires_at"].to_python_value(expires_at)
        state, received, key = UploadStatus(status), Received(chunks, count), as_uuid(key)
        owner = as_uuid(account_id)
        found[key] = SlotState(key, owner, size, chunk_size, state, moment, received, staging, sha256)
    return found


async def add_receipts(filled: Mapping[UUID, tuple[SlotState, Digests]], now: datetime, expires_at: datetime) -> None:
    """Store the receipts of the only slots of uploads, and queue their reassembly.

    Raises :class:`StateChanged` if one of the uploads accepts no chunk, has a receipt, or has moved to another staging
    area; then nothing is stored.
    """

    async def work() -> None:
        counted = await fetch(FILL.format(marks(filled)), expires_at, *filled)
        current = {as_uuid(key): staging for key, staging in counted}
        if current != {key: slot.staging or "" for key, (slot, _) in filled.items()}:
            raise StateChanged("an upload accepts no chunk")
        await execute_many(
            INSERT,
            [(key, 0, slot.size, each.sha256, each.xxh3, each.etag) for key, (slot, each) in filled.items()],
        )
        await jobs.enqueue_all(JobKind.REASSEMBLE, list(filled), now)

    await atomically(work)


@dataclass(frozen=True)
class ClaimedFiles:
    """Small files of one account whose reassembly this worker has claimed, with their receipts."""

    lease_token: UUID
    uploads: Sequence[Upload]
    receipts: Mapping[UUID, Chunk]


async def claim_more(job: Job, account_id: UUID, until: datetime, now: datetime) -> ClaimedFiles | None:
    """Claim the reassemblies of small files of an account that are due, for the worker of a claimed one.

    None if there are none. A claimed job whose upload has ended meanwhile has no file here, but is given back as well.
    """
    token = uuid4()
    due = await fetch_ids(DUE, now, account_id, MAX_SIZE, MAX_FILES)
    claim, values = CLAIM.format(marks(due)), (job.lease_owner, token, until, *due)
    keys = await atomically(lambda: fetch_ids(claim, *values)) if due else []
    if not keys:
        return None
    uploads = await Upload.filter(id__in=keys, status=UploadStatus.REASSEMBLING)
    chunks = await Chunk.filter(upload_id__in=keys)
    return ClaimedFiles(token, uploads, {chunk.upload_id: chunk for chunk in chunks})


async def give_back(claimed: ClaimedFiles, now: datetime) -> None:
    """Let the claimed files that were not stored be reassembled one by one."""
    await atomically(lambda: fetch(GIVE_BACK, now, claimed.lease_token))


@dataclass(frozen=True)
class VerifiedFile:
    """A small file whose bytes are verified and durable, and whose record is written."""

    upload: Upload
    blob_key: str
    sha256: str
    crc32: int | None
    media: dict[str, Any] | None


async def publish(
    claimed: ClaimedFiles,
    files: Sequence[VerifiedFile],
    now: datetime,
    publish_bytes: Callable[[Collection[UUID]], Awaitable[object]],
) -> set[UUID]:
    """End the reassemblies of small files of one account, and store their files. Returns the keys of their uploads.

    A file whose lease was lost is left out. ``publish_bytes`` is a step in the store for those that are stored, as in
    :func:`storage.uploads.job_results.publish`.
    """
    account_id = files[0].upload.account_id

    async def work() -> set[UUID]:
        keys = [file.upload.id for file in files]
        finished = set(await fetch_ids(FINISH.format(marks(keys)), claimed.lease_token, *keys))
        stored = [file for file in files if file.upload.id in finished]
        if stored:
            await take_step(lambda: publish_bytes(finished))
            # Only now, because bytes may take long to be published, and the owner's other changes would wait for them.
            await accounts.lock(account_id)
            await _store_rows(account_id, stored, now)
        return finished

    with errors_of_steps():
        return await atomically(work)


async def _store_rows(account_id: UUID, files: Sequence[VerifiedFile], now: datetime) -> None:
    new = [_new_file(account_id, file) for file in files]
    await blobs.add_originals(account_id, [file.content.blob for file in new])
    versions = await uploaded_files.add_all(account_id, new, now)
    rows = []
    for file, version in zip(files, versions, strict=True):
        status = file.upload.status_with_file
        rows.append((status.value, version.id, file.upload.mime_type, file.upload.id))
        file.upload.status, file.upload.version_id = status, version.id
    await execute_many(STORED, rows)
    compressing = [file.upload.id for file in files if file.upload.status is UploadStatus.COMPRESSING]
    await jobs.enqueue_all(JobKind.COMPRESS, compressing, now)


def _new_file(account_id: UUID, file: VerifiedFile) -> NewFile:
    """A file for its folder, with a blob that is not stored yet."""
    upload, facts = file.upload, {"sha256": file.sha256, "crc32": file.crc32}
    blob = Blob(account_id=account_id, key=file.blob_key, size=upload.size, **facts)
    content = Content(blob, upload.mime_type, file.media)
    return NewFile(upload.parent_id, upload.file_name, content, ConflictPolicy(upload.conflict))
