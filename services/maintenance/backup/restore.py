"""The parts of a restore: secret keys, blobs that the store lacks, and uploads whose chunks it lacks."""

import asyncio
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path

from services.maintenance.backup.blob_bytes import BlobDamaged, from_file, from_store, save, verify
from services.maintenance.backup.document import BackupDocument, Blobs
from services.maintenance.backup.layout import KEYS, MANIFEST, blob_path
from services.maintenance.backup.manifest import read_manifest
from services.maintenance.backup.parallel import for_each
from services.maintenance.pages import pages
from storage.blobs import BlobStore
from storage.database.backup import BlobEntry
from storage.durable_files import full_disk_named, write_durably
from storage.errors import BlobNotFound
from storage.uploads import consistency, expiry
from storage.uploads.models import UploadStatus

#: Lost blobs that are remembered by name; the others are only counted.
MOST_NAMED = 1000


class KeysResult(StrEnum):
    """What happened to the secret keys."""

    RESTORED = "restored"
    SAME = "the same"
    OTHERS_STAY = "others stay"
    NOT_IN_BACKUP = "not in the backup"


def restore_keys(backup: Path, target: Path) -> KeysResult:
    """Write the secret keys of a backup to ``target`` if it does not exist. Never replaces a file."""
    if not (backup / KEYS).exists():
        return KeysResult.NOT_IN_BACKUP
    keys = (backup / KEYS).read_bytes()
    if not target.exists():
        write_durably(target, keys)
        return KeysResult.RESTORED
    return KeysResult.SAME if target.read_bytes() == keys else KeysResult.OTHERS_STAY


async def close_lost_uploads(store: BlobStore) -> int:
    """Close the unfinished uploads whose chunks the store lacks. Returns their number.

    Otherwise a client that starts its upload again would get the old one, which accepts no chunk, until that expires.
    """
    closed = 0
    async for page in pages(partial(consistency.uploads_with, UploadStatus.RECEIVING)):
        for upload in page:
            if not await store.holds(upload.staging_area):
                closed += await expiry.close(upload.id)
    return closed


@dataclass
class BlobRestore:
    """Copies blobs from a backup into a store. The fields count what was done.

    ``scratch`` is a folder for one copy at a time, which has been verified when the store gets it.
    """

    backup: Path
    document: BackupDocument
    store: BlobStore
    scratch: Path
    on_bytes: Callable[[int], None]
    every_byte: bool = False
    present: int = 0
    copied: int = 0
    lost: int = 0
    named: list[tuple[str, str]] = field(default_factory=list)

    async def bytes_to_copy(self) -> int:
        """The bytes of the blobs that the store lacks and the backup may have."""
        if self.document.blobs is Blobs.NONE:
            return 0
        size = 0

        async def add(entry: BlobEntry) -> None:
            nonlocal size
            try:
                await self._look_at_size(entry)
            except BlobDamaged:
                size += entry.size

        await for_each(read_manifest(self.backup / MANIFEST), add)
        return size

    async def run(self) -> None:
        """Copy every blob that the store lacks and the backup has. A later call resumes.

        With ``every_byte``, a blob counts as present only if its SHA-256 is right.

        Raises :class:`storage.errors.NoSpace` and :class:`storage.errors.StoreUnavailable`.
        """
        self.scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with full_disk_named(self.scratch):
                await for_each(read_manifest(self.backup / MANIFEST), self._restore)
        finally:
            await asyncio.to_thread(shutil.rmtree, self.scratch, ignore_errors=True)

    async def _restore(self, entry: BlobEntry) -> None:
        try:
            await self._look(entry)
            self.present += 1
        except BlobDamaged as in_store:
            try:
                await self._copy(entry)
                self.copied += 1
            except BlobDamaged as in_backup:
                self._lose(entry, str(in_store), str(in_backup))

    async def _look(self, entry: BlobEntry) -> None:
        """Raise :class:`BlobDamaged` unless the store has the blob."""
        if self.every_byte:
            await verify(from_store(self.store, entry), entry, self.on_bytes)
        else:
            await self._look_at_size(entry)

    async def _look_at_size(self, entry: BlobEntry) -> None:
        try:
            size = (await self.store.stat(entry.key)).size
        except BlobNotFound:
            raise BlobDamaged("is missing") from None
        if size != entry.size:
            raise BlobDamaged(f"has {size} bytes instead of {entry.size}")

    async def _copy(self, entry: BlobEntry) -> None:
        if self.document.blobs is Blobs.NONE:
            raise BlobDamaged("was not copied, for lack of --blobs")
        draft = self.scratch / entry.key
        counted = self.every_byte
        source = from_file(blob_path(self.backup.parent, entry.key))
        await save(source, entry, draft, (lambda _: None) if counted else self.on_bytes)
        try:
            await self.store.put(entry.key, draft)
        finally:
            if draft.exists():
                os.unlink(draft)

    def _lose(self, entry: BlobEntry, in_store: str, in_backup: str) -> None:
        self.lost += 1
        if len(self.named) < MOST_NAMED:
            self.named.append((entry.key, f"{in_store} in the store; in the backup it {in_backup}"))
