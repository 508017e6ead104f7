"""``cloudkeep restore``: puts a backup in the place of the database, and copies the blobs that the store lacks.

Everything is loaded beside the present database first; then one step exchanges them. The exit code is 0 if everything
is there, 1 if something is missing or inconsistent.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from cloudkeep import __version__
from cloudkeep.cli.backup import contents, names_of, say, show, were_there
from cloudkeep.cli.progress import ByteProgress
from cloudkeep.resources.resources import connected_database, opened_store
from cloudkeep.settings.preflight import claimed, folders_of, prepare_folders
from cloudkeep.settings.settings import Settings
from services.maintenance.backup.check import check_files
from services.maintenance.backup.document import BackupDocument, Blobs, read_document, require_known
from services.maintenance.backup.layout import DATABASE, KEYS, BackupError, find_backup, locked, new_name
from services.maintenance.backup.restore import BlobRestore, KeysResult, close_lost_uploads, restore_keys
from services.maintenance.doctor import Doctor
from services.maintenance.findings import Code
from services.maintenance.record_backfill import RecordBackfill
from storage.blobs import BlobStore
from storage.cancellation import run_to_end
from storage.database.backup import DatabaseBackup, backup_of
from storage.database.connection import known_migrations
from storage.durable_files import require_free
from storage.errors import StorageError

#: Reported by the restore itself, with the names of the owners.
_REPORTED = {Code.BLOB_MISSING, Code.BLOB_SIZE}
#: What findings of the doctor mean after a restore.
_MEANING = {
    Code.STAGING_MISSING: "unfinished uploads, whose chunks are not in a backup",
    Code.STAGING_DEAD: "remains of uploads that the database does not know",
    Code.BLOB_ADOPTABLE: "stored files that are newer than the backup",
    Code.FILE_ADOPTABLE: "files that are newer than the backup and share the bytes of another one",
    Code.BLOB_UNKNOWN: "stored bytes of accounts or uploads that the backup does not have; nothing deletes them",
}


@dataclass(frozen=True)
class Restore:
    """A restore. ``force`` lets a database with accounts be moved aside; ``every_byte`` reads all stored bytes."""

    settings: Settings
    path: Path
    force: bool = False
    every_byte: bool = False

    async def run(self) -> int:
        """Restore, and print what happened. Returns the exit code.

        Raises :class:`BackupError`, :class:`StartupError` and errors of :mod:`storage.errors`.
        """
        backup = find_backup(self.path)
        with locked(backup.parent, shared=True):
            document = await asyncio.to_thread(read_document, backup)
            database = backup_of(self.settings.database_url)
            self._require_fitting(document, database)
            say(f"Backup: {backup}, made by CloudKeep {document.cloudkeep}")
            await _require_intact(backup, document)
            prepare_folders(self.settings)
            with claimed(self.settings.data_dir):
                await self._require_replaceable(database)
                try:
                    blobs = await self._prepare(backup, document, database)
                except asyncio.CancelledError:
                    show("Interrupted: the database is as it was. Run the same command again.")
                    raise
                aside = await run_to_end(database.replace(new_name()))
                show(f"Restored: {contents(document)}.")
                if aside:
                    show(f"The database that was here before is now {aside}.")
                return await self._report(blobs)

    def _require_fitting(self, document: BackupDocument, database: DatabaseBackup) -> None:
        require_known(document, __version__, known_migrations())
        if document.database != database.kind:
            raise BackupError(
                f"the backup is of a {document.database} database, and CLOUDKEEP_DATABASE_URL names a {database.kind} "
                "one: a backup is restored into the same kind of database"
            )

    async def _require_replaceable(self, database: DatabaseBackup) -> None:
        await database.require_unused()
        if not self.force and not await database.is_empty():
            raise BackupError("the database has accounts: --force moves it aside and restores the backup in its place")

    async def _prepare(self, backup: Path, document: BackupDocument, database: DatabaseBackup) -> BlobRestore:
        """Everything but the exchange of the databases."""
        _say_about_keys(restore_keys(backup, self.settings.data_dir / KEYS), self.settings.data_dir / KEYS)
        say("Loading the database ...")
        await database.prepare(backup / DATABASE, document.migration)
        return await self._restore_blobs(backup, document)

    async def _restore_blobs(self, backup: Path, document: BackupDocument) -> BlobRestore:
        progress = ByteProgress("Blobs", "Verifying" if self.every_byte else "Copying")
        scratch = self._scratch()
        async with opened_store(self.settings) as store:
            blobs = BlobRestore(backup, document, store, scratch, progress.add, self.every_byte)
            total = document.blob_bytes if self.every_byte else await blobs.bytes_to_copy()
            if document.blobs is not Blobs.NONE:
                require_free(scratch.parent, 0 if self.every_byte else total, "a copy of the blobs")
            with progress.shown(total):
                await blobs.run()
        return blobs

    def _scratch(self) -> Path:
        """On the disk of the blobs, so that a verified copy only needs to be renamed."""
        return folders_of(self.settings).get("BLOB_URL", self.settings.data_dir) / "restoring"

    async def _report(self, blobs: BlobRestore) -> int:
        """Print what is missing, and what the doctor finds. Returns the exit code."""
        async with connected_database(self.settings):
            for key, text in blobs.named:
                show(f"BLOB_LOST {key}: {await names_of(key)} {text}")
            async with opened_store(self.settings) as store:
                if not blobs.lost:
                    await _close_lost_uploads(store)
                await _write_records(store)
                can_be_fixed = await _examine(store)
        show(f"Blobs: {were_there(blobs.present)}, {blobs.copied:,} copied, {blobs.lost:,} lost.")
        if blobs.lost > len(blobs.named):
            say("Only some of the lost blobs are listed; `cloudkeep doctor` lists them all.")
        say(f"Next: {'`cloudkeep doctor --fix`, then ' if can_be_fixed else ''}start the server.")
        return 1 if blobs.lost else 0


async def _close_lost_uploads(store: BlobStore) -> None:
    """Close uploads without chunks. Not while files are missing too: the store may not be in its place yet."""
    if closed := await close_lost_uploads(store):
        show(f"Unfinished uploads: {closed:,} closed, because a backup has no chunks. Their senders must start again.")


async def _examine(store: BlobStore) -> bool:
    """Print how many findings of each kind the doctor has, except those of lost blobs. Whether it has any."""
    codes = Counter([finding.code async for finding in Doctor(store).examine()])
    others = {code: count for code, count in codes.items() if code not in _REPORTED}
    for code, count in others.items():
        show(f"{code}, {count:,} found: {_MEANING.get(code, '`cloudkeep doctor` lists them')}")
    return bool(others)


async def _write_records(store: BlobStore) -> None:
    """Write the records that the store lacks. A backup has none, because its database says the same."""
    try:
        await RecordBackfill(store, mend=True).count()
    except (OSError, StorageError) as error:
        say(f"The records of the stored files could not be written ({error}): run `cloudkeep doctor --fix` later.")


async def _require_intact(backup: Path, document: BackupDocument) -> None:
    say("Checking the backup ...")
    problems = [problem async for problem in check_files(backup, document)]
    for problem in problems:
        show(f"{problem.code} {problem.subject}: {problem.text}")
    if problems:
        raise BackupError(f"the backup {backup} is damaged, and nothing was restored; an older one may be intact")


def _say_about_keys(result: KeysResult, path: Path) -> None:
    if result is KeysResult.RESTORED:
        say(f"Secret keys: restored to {path}.")
    elif result is KeysResult.OTHERS_STAY:
        say(
            f"Secret keys: {path} has other keys, which stay. Sessions and signed URLs from before need those of the "
            "backup."
        )
    elif result is KeysResult.NOT_IN_BACKUP:
        say("Secret keys: none in the backup; set CLOUDKEEP_SECRET_KEYS as before, or all users must sign in again.")
