"""Makes a backup: the copy of the database, the manifest of its blobs, the secret keys, and the document."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from services.maintenance.backup.document import BackupDocument, Blobs, facts_of, write_document
from services.maintenance.backup.layout import (
    DATABASE,
    KEYS,
    MANIFEST,
    PARTIAL,
    BackupError,
    files_of,
    new_name,
)
from services.maintenance.backup.manifest import write_manifest
from storage.database.backup import DatabaseBackup, DatabaseCopy, reader_of
from storage.durable_files import full_disk_named, sync, write_durably


@dataclass(frozen=True)
class BackupWriter:
    """Writes backups of a database into a folder. ``keys`` is the file of the secret keys; None if there is none."""

    database: DatabaseBackup
    folder: Path
    keys: Path | None
    version: str

    async def write(self, *, with_blobs: bool) -> tuple[Path, BackupDocument]:
        """Write a backup, which has its name only when it is complete. Call it under the folder's lock.

        With ``with_blobs`` it counts as incomplete until :func:`set_blobs` says otherwise. Raises
        :class:`storage.errors.NoSpace`, :class:`storage.errors.DatabaseUnavailable` and
        :class:`storage.errors.DatabaseDamaged`.
        """
        await asyncio.to_thread(self._delete_drafts)
        blobs = Blobs.INCOMPLETE if with_blobs else Blobs.NONE
        async with self._draft() as (draft, backup):
            copy = await self.database.write(draft / DATABASE)
            document = await asyncio.to_thread(self._describe, draft, copy, backup.name, blobs)
            os.rename(draft, backup)
            sync(self.folder)
        return backup, document

    @asynccontextmanager
    async def _draft(self) -> AsyncIterator[tuple[Path, Path]]:
        """A folder for the files, and its final path. It is deleted unless the block renames it."""
        if (self.folder / new_name()).exists():
            await asyncio.sleep(1.0)
        backup = self.folder / new_name()
        draft = backup.with_name(f"{backup.name}{PARTIAL}")
        draft.mkdir(mode=0o700)
        (draft / DATABASE).mkdir(mode=0o700)
        try:
            with full_disk_named(self.folder):
                yield draft, backup
        finally:
            await asyncio.to_thread(shutil.rmtree, draft, ignore_errors=True)

    def _describe(self, draft: Path, copy: DatabaseCopy, name: str, blobs: Blobs) -> BackupDocument:
        """Write everything but the database."""
        count, size = write_manifest(draft / MANIFEST, reader_of(self.database.kind).blobs(draft / DATABASE))
        if self.keys:
            write_durably(draft / KEYS, self.keys.read_bytes())
        files = {str(path.relative_to(draft)): facts_of(path) for path in files_of(draft)}
        document = BackupDocument(
            cloudkeep=self.version,
            database=self.database.kind,
            migration=copy.migration,
            created_at=_iso_time(name),
            rows=copy.rows,
            blob_count=count,
            blob_bytes=size,
            blobs=blobs,
            files=files,
        )
        write_document(draft, document)
        sync(draft / DATABASE)
        sync(draft)
        return document

    def _delete_drafts(self) -> None:
        for draft in self.folder.glob(f"*Z{PARTIAL}"):
            shutil.rmtree(draft, ignore_errors=True)


def set_blobs(backup: Path, document: BackupDocument, blobs: Blobs) -> BackupDocument:
    """Record whether the blobs of a backup are beside it."""
    changed = replace(document, blobs=blobs)
    write_document(backup, changed)
    return changed


def require_newest(found: str | None, newest: str) -> None:
    """Raise :class:`BackupError` unless the database has the newest migration of this version."""
    if found is None:
        raise BackupError("the database has no tables of CloudKeep's")
    if found < newest:
        raise BackupError(
            "the database is of an older version of CloudKeep: back it up with that version, or update it first with "
            "`cloudkeep migrate`"
        )
    if found > newest:
        raise BackupError("the database is of a newer version of CloudKeep: back it up with that version")


def _iso_time(name: str) -> str:
    date, _, time = name.partition("T")
    return f"{date}T{time.replace('-', ':')}"
