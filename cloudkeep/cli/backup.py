"""``cloudkeep backup``, and ``cloudkeep doctor --backup``, which checks what it made.

The exit code is 0 for a complete backup, 1 if something is missing or damaged.
"""

import asyncio
import os
import sys
from contextlib import aclosing
from pathlib import Path

from cloudkeep import __version__
from cloudkeep.cli.progress import ByteProgress
from cloudkeep.resources.resources import connected_database, opened_store
from cloudkeep.settings.preflight import folders_of
from cloudkeep.settings.settings import PREFIX, Settings
from services.maintenance.backup.blob_copies import BlobCopies, prune
from services.maintenance.backup.check import check_backup
from services.maintenance.backup.document import BackupDocument, Blobs
from services.maintenance.backup.layout import KEYS, MANIFEST, BackupError, claim_folder, find_backup, locked
from services.maintenance.backup.writer import BackupWriter, require_newest, set_blobs
from storage.database.backup import BlobEntry, backup_of
from storage.database.connection import known_migrations
from storage.errors import StorageError
from storage.uploads import consistency

MIB = 2**20


async def backup(settings: Settings, folder: Path, *, with_blobs: bool, with_prune: bool) -> int:
    """Back up into a folder. Print what was made and what is damaged. Returns the exit code.

    Raises :class:`BackupError` and errors of :mod:`storage.errors`.
    """
    _require_outside(settings, folder)
    database = backup_of(settings.database_url)
    require_newest(await database.newest_migration(), known_migrations()[-1])
    claim_folder(folder)
    with locked(folder):
        say("Copying the database ...")
        keys = _keys(settings)
        writer = BackupWriter(database, folder, keys, __version__)
        try:
            made, document = await writer.write(with_blobs=with_blobs)
        except asyncio.CancelledError:
            show("Interrupted: no backup was made.")
            raise
        show(f"Backup: {made} ({contents(document)})")
        if not keys:
            say(f"The secret keys are not in it: back up the setting {PREFIX}SECRET_KEYS as well.")
        code = await _copy_blobs(settings, made, document) if with_blobs else 0
        if with_prune and not code:
            count, size = await asyncio.to_thread(prune, folder)
            show(f"Pruned: {counted(count, 'blob')} ({mib(size)}) that no backup lists.")
    if not with_blobs:
        say(f"The stored files themselves ({mib(document.blob_bytes)}) are not in it: --blobs copies them as well.")
    return code


async def check(path: Path, *, every_byte: bool) -> int:
    """Check a backup. Print one line per problem, and how many there were. Returns the exit code."""
    found = 0
    made = find_backup(path)
    say(f"Backup: {made}")
    with locked(made.parent, shared=True):
        async with aclosing(check_backup(made, every_byte=every_byte)) as problems:  # type: ignore[type-var]
            async for problem in problems:
                found += 1
                show(f"{problem.code} {problem.subject}: {problem.text}")
    show(f"{found:,} found." if found else "All is well.")
    return 1 if found else 0


async def _copy_blobs(settings: Settings, made: Path, document: BackupDocument) -> int:
    progress, problem = ByteProgress("Blobs", "Copying"), None
    copies = BlobCopies(made.parent, _show_damage, progress.add)
    try:
        async with connected_database(settings), opened_store(settings) as store:
            with progress.shown(await copies.bytes_to_copy(made / MANIFEST)):
                await copies.copy(made / MANIFEST, store)
    except (OSError, StorageError) as error:
        problem = str(error)
    except asyncio.CancelledError:
        show(_summary(copies))
        show("INCOMPLETE: interrupted. Run the same command again; it copies only what is missing.")
        raise
    show(_summary(copies))
    if problem or copies.damaged:
        show(f"INCOMPLETE: {problem or 'some blobs could not be copied'}.")
        return 1
    set_blobs(made, document, Blobs.COMPLETE)
    show("COMPLETE")
    return 0


async def _show_damage(entry: BlobEntry, text: str) -> None:
    show(f"BLOB_DAMAGED {entry.key}: {await names_of(entry.key)} {text}")


async def names_of(key: str) -> str:
    """The files of a blob with their owners, as text. Call it with a connected database."""
    owners = await consistency.owners_of(key)
    return ", ".join(f"{name!r} of {user}" for name, user in owners) or "a blob that no file uses"


def _summary(copies: BlobCopies) -> str:
    return f"Blobs: {were_there(copies.present)}, {copies.copied:,} copied, {copies.damaged:,} damaged."


def contents(document: BackupDocument) -> str:
    """The accounts, files and bytes of a backup, as text. Each version counts as a file."""
    # In backups from before there were versions, each file was a row of its own.
    accounts, files = document.rows.get("account", 0), document.rows.get("file_version", document.rows.get("file", 0))
    return f"{counted(accounts, 'account')}, {counted(files, 'file')}, {mib(document.blob_bytes)}"


def counted(count: int, noun: str) -> str:
    """A number with its noun, as text."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _keys(settings: Settings) -> Path | None:
    """The file of the secret keys; None if they come from the environment."""
    path = settings.data_dir / KEYS
    return None if os.environ.get(f"{PREFIX}SECRET_KEYS") or not path.exists() else path


def _require_outside(settings: Settings, folder: Path) -> None:
    """A backup among the data would be lost with it, and its blobs would look like stored ones."""
    folders = folders_of(settings)
    for place in (folders["DATA_DIR"], folders.get("BLOB_URL", settings.data_dir)):
        if folder.resolve().is_relative_to(place.resolve()):
            raise BackupError(f"{folder} is inside {place}, whose loss a backup should survive: name another folder")


def were_there(count: int) -> str:
    """How many were there, as text."""
    return f"{count:,} {'was' if count == 1 else 'were'} there"


def mib(size: int) -> str:
    """A size in bytes, as text."""
    return f"{size / MIB:,.1f} MiB"


def show(line: str) -> None:
    """Print a result."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def say(line: str) -> None:
    """Print a message about the progress on standard error."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
