"""Copies the blobs of a backup into its folder, those that are not there yet, and deletes those that none needs."""

import asyncio
import os
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from services.maintenance.backup.blob_bytes import BlobDamaged, from_store, save
from services.maintenance.backup.layout import BLOBS, MANIFEST, PARTIAL, BackupError, backups_in, blob_path
from services.maintenance.backup.manifest import read_manifest
from services.maintenance.backup.parallel import for_each
from storage.blobs import BlobStore
from storage.database.backup import BlobEntry
from storage.durable_files import full_disk_named, require_free, sync

#: Called with a blob and what is wrong with it.
OnDamage = Callable[[BlobEntry, str], Awaitable[None]]


@dataclass
class BlobCopies:
    """The copies of blobs in a folder of backups. The fields count what was done."""

    folder: Path
    on_damage: OnDamage
    on_bytes: Callable[[int], None]
    present: int = 0
    copied: int = 0
    damaged: int = 0
    _folders: set[Path] = field(default_factory=set)

    async def bytes_to_copy(self, manifest: Path) -> int:
        """The bytes of the blobs that are not in the folder yet. Raises :class:`NoSpace` if they do not fit there."""
        size = await asyncio.to_thread(lambda: sum(e.size for e in read_manifest(manifest) if not self._has(e)))
        require_free(self.folder, size, "a copy of the blobs")
        return size

    async def copy(self, manifest: Path, store: BlobStore) -> None:
        """Copy what is missing from a store, and go on after a damaged blob.

        Raises :class:`NoSpace` and :class:`storage.errors.StoreUnavailable`. A later call resumes.
        """
        try:
            await for_each(read_manifest(manifest), partial(self._copy, store))
        finally:
            await asyncio.to_thread(self._sync_folders)

    async def _copy(self, store: BlobStore, entry: BlobEntry) -> None:
        if await asyncio.to_thread(self._has, entry):
            self.present += 1
            return
        path = blob_path(self.folder, entry.key)
        draft = path.with_name(f"{path.name}{PARTIAL}")
        try:
            with full_disk_named(self.folder):
                await asyncio.to_thread(self._make_folder, path.parent)
                await save(from_store(store, entry), entry, draft, self.on_bytes)
                os.replace(draft, path)
        except BlobDamaged as error:
            self.damaged += 1
            await self.on_damage(entry, str(error))
            return
        self.copied += 1

    def _has(self, entry: BlobEntry) -> bool:
        """Whether the blob is in the folder: only verified bytes get its name."""
        try:
            return blob_path(self.folder, entry.key).stat().st_size == entry.size
        except FileNotFoundError:
            return False

    def _make_folder(self, folder: Path) -> None:
        # One after another: the mode would not apply to parents.
        for part in (folder.parent.parent, folder.parent, folder):
            part.mkdir(mode=0o700, exist_ok=True)
            self._folders |= {part, part.parent}

    def _sync_folders(self) -> None:
        """Make the new names durable."""
        for folder in self._folders:
            sync(folder)
        self._folders.clear()


def prune(folder: Path) -> tuple[int, int]:
    """Delete the blobs that no backup in the folder lists. Returns their number and the sum of their sizes. Blocks.

    Raises :class:`BackupError`, and deletes nothing, if a manifest cannot be read.
    """
    count = size = 0
    # A private database on disk: the keys need not fit into memory.
    with closing(sqlite3.connect("")) as needed:
        needed.execute("CREATE TABLE needed (key TEXT PRIMARY KEY) WITHOUT ROWID")
        for backup in backups_in(folder):
            if not (backup / MANIFEST).is_file():
                raise BackupError(f"{backup / MANIFEST} is missing, so nothing was deleted")
            keys = ((entry.key,) for entry in read_manifest(backup / MANIFEST))
            needed.executemany("INSERT OR IGNORE INTO needed VALUES (?)", keys)
        for path in blob_files(folder):
            if not needed.execute("SELECT 1 FROM needed WHERE key = ?", [path.name]).fetchone():
                count, size = count + 1, size + path.stat().st_size
                path.unlink()
    return count, size


def blob_files(folder: Path) -> Iterator[Path]:
    """Every file among the blobs of a folder of backups, also those of interrupted copies."""
    for first in _folders_in(folder / BLOBS):
        for second in _folders_in(first):
            yield from (path for path in second.iterdir() if path.is_file())


def _folders_in(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else iter(())
