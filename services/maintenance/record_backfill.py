"""Writes the records of blobs that have none: an older version stored them, or they were copied without records."""

from services.maintenance.findings import Code, Finding, Findings
from services.maintenance.garbage import is_derived_key, owner_of_key
from services.maintenance.pages import pages
from services.uploads.published_record import PublishedRecord, write_record
from storage.blobs import BlobStore
from storage.drive.models import Blob
from storage.uploads import consistency
from storage.uploads.models import Upload


class RecordBackfill:
    """Counts files without a record; with ``mend`` it also writes the records."""

    def __init__(self, store: BlobStore, *, mend: bool) -> None:
        self._store = store
        self._mend = mend

    async def examine(self) -> Findings:
        """One finding for all of them: after an upgrade, that is every file."""
        if missing := await self.count():
            text = f"{missing} files have no record beside their bytes, as after an update from a version before 0.2"
            yield Finding(Code.RECORD_MISSING, "the store", text, "written" if self._mend else None)

    async def count(self) -> int:
        """How many originals lack a record; with ``mend``, how many got one."""
        missing = 0
        async for page in pages(consistency.blobs):
            for blob in page:
                missing += not is_derived_key(blob.key) and await self._lacks_record(blob)
        async for uploads in pages(consistency.uploads_with_file):
            for upload in uploads:
                missing += await self._lacks_shared_record(upload)
        return missing

    async def _lacks_record(self, blob: Blob) -> bool:
        if await self._store.records.read(blob.key) is not None:
            return False
        record = await _record_of(blob)
        if record and self._mend:
            await write_record(self._store, blob.key, record)
        return record is not None

    async def _lacks_shared_record(self, upload: Upload) -> bool:
        version, key = upload.version, str(upload.id)
        is_original = version and owner_of_key(version.blob.key) == upload.id
        if not version or is_original or await self._store.records.read(key) is not None:
            return False
        if upload.received_chunks:
            # It sent the bytes that its file had already: its own blob was released, and deleted with the record.
            return False
        if self._mend:
            record = PublishedRecord.of(
                upload, version.blob.sha256, version.media, crc32=version.blob.crc32, is_shared=True
            )
            await write_record(self._store, key, record)
        return True


async def _record_of(blob: Blob) -> PublishedRecord | None:
    """The record of a file's blob; None if no file uses it, or its key is not that of an upload."""
    owner = owner_of_key(blob.key)
    versions, _ = await consistency.users_of(blob.id)
    if not owner or not versions:
        return None
    version = min(versions, key=lambda each: each.id)
    upload = (await consistency.find_uploads([owner])).get(owner) or Upload(
        id=owner, account_id=version.account_id, chunk_size=blob.size, compress=None, created_at=version.created_at
    )
    upload.update_from_dict({"file_name": version.item.name, "mime_type": version.mime_type, "size": blob.size})
    return PublishedRecord.of(upload, blob.sha256, version.media, crc32=blob.crc32)
