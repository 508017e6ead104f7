"""Judges blobs that no row refers to: adopt them, delete them, or keep them.

Only bytes that can be derived again, or that were certainly never published, are garbage. All others may be the only
copy of a file, because the database may be an older copy.
"""

from datetime import timedelta
from uuid import UUID

from services.core.clock import now
from services.core.ids import Prefix, encode
from services.maintenance.findings import Code, Finding, Findings
from services.maintenance.garbage import is_derived, is_old, owner_of, unclaimed
from services.uploads.adoption import ADOPTABLE, PublishedBlob, check_bytes, describes
from services.uploads.lifecycle import is_dead
from services.uploads.published_record import PublishedRecord, read_record
from storage.accounts import accounts
from storage.blobs import BlobStore, StoredObject
from storage.errors import BlobNotFound, Duplicate, StateChanged, StorageError
from storage.uploads import adoption, consistency, quarantine
from storage.uploads.models import Upload, UploadStatus

#: The time for which bytes are kept that were published and that no row needs, unless the settings say otherwise.
QUARANTINE_TTL = timedelta(days=30)
#: Uploads whose end is settled: they have a file elsewhere, or will never have one.
ENDED = frozenset({UploadStatus.READY, UploadStatus.COMPRESSING, UploadStatus.ABORTED, UploadStatus.EXPIRED})


class UnclaimedBlobs:
    """Examines every blob without a row; with ``mend`` it also adopts and deletes."""

    def __init__(self, store: BlobStore, *, mend: bool, quarantine_ttl: timedelta = QUARANTINE_TTL) -> None:
        self._store = store
        self._mend = mend
        self._ttl = quarantine_ttl

    async def examine(self) -> Findings:
        """A finding for each of these blobs, except for those that running work may still refer to."""
        async for blob in unclaimed(self._store):
            try:
                finding = await self._judge(blob)
            except BlobNotFound:
                # It was deleted meanwhile.
                continue
            if finding:
                yield finding

    async def _judge(self, blob: StoredObject) -> Finding | None:
        owner = owner_of(blob)
        upload = (await consistency.find_uploads([owner])).get(owner) if owner and not is_derived(blob) else None
        if owner and not is_derived(blob) and (published := await self._published(blob, owner, upload)):
            return await self._adopt(published, upload)
        if not is_old(blob):
            return None
        # A collector may have deleted the bytes and their row since they were listed.
        await self._store.stat(blob.key)
        if is_derived(blob):
            return await self._delete_garbage(blob, "an interrupted compression")
        if not upload and not blob.size:
            # The first empty file of an account, which was refused or never stored.
            return await self._delete_garbage(blob, "an empty file")
        if not upload:
            # The database knows nothing of it, and may be the wrong one.
            return Finding(Code.BLOB_UNKNOWN, blob.key, f"{blob.size} bytes that may be the only copy of a file")
        if not _has_ended(upload):
            return None
        if not await self._store.was_published(blob.key):
            return await self._delete_garbage(blob, "a dead upload")
        return await self._quarantine(blob, upload)

    async def _published(self, blob: StoredObject, owner: UUID, upload: Upload | None) -> PublishedBlob | None:
        """The blob with its record, if it is the file of an upload that has none."""
        record = await read_record(self._store, blob.key)
        if not record and upload and upload.sha256 and await self._store.was_published(blob.key):
            # From a version without records. The digest that the client declared is as good a proof.
            record = PublishedRecord.of(upload, upload.sha256, None)
        if not record or record.upload_id != owner or record.size != blob.size or record.damaged:
            return None
        if upload:
            fits = upload.status in ADOPTABLE and describes(record, upload)
        else:
            fits = await quarantine.since(blob.key) is None and bool(await accounts.find_many([record.account_id]))
        return PublishedBlob(blob.key, record) if fits else None

    async def _adopt(self, blob: PublishedBlob, upload: Upload | None) -> Finding | None:
        text = f"{blob.record.size} bytes of the file {blob.record.file_name!r}, which the database lacks"
        if not self._mend:
            return Finding(Code.BLOB_ADOPTABLE, blob.key, text)
        try:
            intact = await check_bytes(blob, self._store)
            if not intact:
                return Finding(Code.BLOB_UNKNOWN, blob.key, f"{text}; they have changed since they were verified")
        except OSError as error:
            return Finding(Code.BLOB_UNKNOWN, blob.key, f"{text}; they cannot be read: {error.strerror}")
        record, row = intact.record, upload or new_row(blob.record)
        row.mime_type = record.mime_type
        try:
            await adoption.complete(
                row,
                blob_key=blob.key,
                sha256=record.sha256,
                crc32=record.crc32,
                media=record.media,
                now=now(),
                is_new=upload is None,
            )
        except (StateChanged, Duplicate):
            # A worker was faster.
            return None
        return Finding(Code.BLOB_ADOPTABLE, blob.key, text, "adopted")

    async def _quarantine(self, blob: StoredObject, upload: Upload) -> Finding:
        found = await quarantine.since(blob.key)
        since = found or (await quarantine.add(blob.key, now()) if self._mend else now())
        until = since + self._ttl
        is_over = found is not None and until < now()
        # Asked again, because a worker may have adopted it meanwhile.
        mended = await self._delete(blob) if is_over and not await consistency.known_blobs([blob.key]) else None
        text = (
            f"{blob.size} bytes of the {upload.status.value} upload {encode(Prefix.UPLOAD, upload.id)} of "
            f"{upload.file_name!r}, which may be the only copy: kept until {until:%Y-%m-%d}"
        )
        return Finding(Code.BLOB_QUARANTINED, blob.key, text, mended)

    async def _delete_garbage(self, blob: StoredObject, origin: str) -> Finding:
        return Finding(Code.BLOB_ORPHAN, blob.key, f"{blob.size} bytes of {origin}", await self._delete(blob))

    async def _delete(self, blob: StoredObject) -> str | None:
        if not self._mend:
            return None
        try:
            await self._store.delete(blob.key)
        except (OSError, StorageError):
            return None
        await quarantine.remove(blob.key)
        return "removed"


def _has_ended(upload: Upload) -> bool:
    """Whether the upload will not use the bytes any more; those of a failed one may be verified again."""
    return upload.status in ENDED or is_dead(upload)


def new_row(record: PublishedRecord) -> Upload:
    """The row of an upload that was begun after the database was copied. It is not stored yet."""
    return Upload(
        id=record.upload_id,
        account_id=record.account_id,
        file_name=record.file_name,
        mime_type=record.mime_type,
        size=record.size,
        chunk_size=record.chunk_size,
        sha256=record.sha256,
        compress=record.compress,
        received_bytes=record.size,
        received_chunks=-(-record.size // record.chunk_size),
        status=UploadStatus.REASSEMBLING,
        parent_id=record.parent_id,
        conflict=record.conflict,
        expires_at=now(),
        created_at=record.created_at,
    )
