"""Uploads that need no bytes: of a file that the account has already, and of an empty file.

All empty files of an account share one blob without bytes, like any other equal files.
"""

import asyncio
import logging
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from uuid import UUID

from services.media.content_types.media_types import EXAMINED, examine, media_type
from services.media.types import MediaFacts
from services.uploads.adoption import has_size
from services.uploads.init.new_upload import EMPTY_SHA256, PendingUpload
from services.uploads.published_record import PublishedRecord, write_record
from storage.blobs import BlobStore
from storage.drive import versions
from storage.drive.models import Blob
from storage.errors import BlobNotFound, StorageError
from storage.uploads.models import Upload
from storage.uploads.new_uploads import Draft

logger = logging.getLogger("cloudkeep.uploads")

#: The CRC-32 of no bytes.
EMPTY_CRC32 = 0


class ReadyUploads:
    """Finds the bytes of uploads, and stores the first empty file of an account."""

    def __init__(self, store: BlobStore) -> None:
        self._store = store

    async def find(self, account_id: UUID, pending: Collection[PendingUpload]) -> None:
        """Let each upload share the bytes of a version of its account, if there is one that has them."""
        contents = {(each.draft.upload.size, each.draft.upload.sha256 or "") for each in pending}
        known = [(size, sha256) for size, sha256 in contents if sha256]
        found = await versions.find_all_same(account_id, known)
        starts = {key: await self._first_bytes(version.blob) for key, version in found.items()}
        for each in pending:
            upload = each.draft.upload
            key = upload.size, upload.sha256 or ""
            start, each.draft.version = starts.get(key), None
            if start is not None:
                each.draft.version = version = found[key]
                # The type of the other file may come from its name.
                media = MediaFacts.from_json(version.media) if version.media else None
                examined = examine(start, is_whole=upload.size <= EXAMINED)
                upload.mime_type = media_type(examined, upload.file_name, upload.mime_type, media)

    async def _first_bytes(self, blob: Blob) -> bytes | None:
        """The start of a blob. If the disk has lost it, None: its bytes are accepted again."""
        if not blob.size:
            return b"" if await has_size(self._store, blob.key, 0) else None
        try:
            return b"".join([block async for block in self._store.read(blob.key, 0, EXAMINED)]) or None
        except BlobNotFound:
            return None

    async def store_empty_file(self, upload: Upload) -> None:
        """Store the bytes of an empty file, which are none, before its row."""
        key = str(upload.id)
        with tempfile.TemporaryDirectory(prefix="cloudkeep-") as folder:
            path = Path(folder, key)
            await asyncio.to_thread(path.touch)
            await self._store.put(key, path)

    async def discard_empty_file(self, upload: Upload) -> None:
        """Delete the bytes of an empty file whose row was not stored."""
        await self._store.delete(str(upload.id))

    async def write_records(self, drafts: Collection[Draft]) -> None:
        """Let an older copy of the database get these files back.

        An error is only logged: the bytes are safe anyway.
        """
        for draft in drafts:
            if draft.needs_bytes:
                continue
            upload, version = draft.upload, draft.version
            record = PublishedRecord.of(
                upload,
                version.blob.sha256 if version else EMPTY_SHA256,
                version.media if version else None,
                crc32=version.blob.crc32 if version else EMPTY_CRC32,
                is_shared=version is not None,
            )
            try:
                await write_record(self._store, str(upload.id), record)
            except (OSError, StorageError) as error:
                logger.warning("the record of a file that was not sent was not written: %s", error)


def with_one_empty_file(pending: Mapping[int, PendingUpload]) -> dict[int, PendingUpload]:
    """These uploads, without empty files that can share the blob of another one of them as soon as that is stored."""
    own = [index for index, each in pending.items() if not each.draft.needs_bytes and not each.draft.version]
    return {index: each for index, each in pending.items() if index not in own[1:]}
