"""Checks a backup without a server: its files, the copy of the database, the manifest, and the blobs beside it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice, zip_longest
from pathlib import Path

from services.maintenance.backup.blob_bytes import BlobDamaged, from_file, verify
from services.maintenance.backup.document import BackupDocument, Blobs, facts_of, read_document
from services.maintenance.backup.layout import DATABASE, MANIFEST, BackupError, blob_path, files_of
from services.maintenance.backup.manifest import read_manifest
from storage.database.backup import BlobEntry, reader_of
from storage.errors import DatabaseDamaged

#: Blobs whose files one call in a thread looks at.
_BATCH = 200


class Code(StrEnum):
    """What is wrong with a backup."""

    DOCUMENT = "BACKUP_DOCUMENT"
    FILE = "BACKUP_FILE"
    DATABASE = "BACKUP_DATABASE"
    MANIFEST = "BACKUP_MANIFEST"
    BLOB = "BACKUP_BLOB"
    INCOMPLETE = "BACKUP_INCOMPLETE"


@dataclass(frozen=True)
class Problem:
    """Something that is wrong with ``subject``, a file or the key of a blob."""

    code: Code
    subject: str
    text: str


async def check_backup(backup: Path, *, every_byte: bool) -> AsyncIterator[Problem]:
    """Every problem of a backup. With ``every_byte``, the blobs are read and compared with their SHA-256."""
    try:
        document = await asyncio.to_thread(read_document, backup)
    except BackupError as error:
        yield Problem(Code.DOCUMENT, backup.name, str(error))
        return
    damaged = False
    async for problem in check_files(backup, document):
        damaged = True
        yield problem
    if damaged or document.blobs is Blobs.NONE:
        return
    if document.blobs is Blobs.INCOMPLETE:
        yield Problem(Code.INCOMPLETE, backup.name, "not all blobs were copied: run `cloudkeep backup --blobs` again")
    async for problem in _check_blobs(backup, every_byte=every_byte):
        yield problem


async def check_files(backup: Path, document: BackupDocument) -> AsyncIterator[Problem]:
    """The problems of everything but the blobs. Reads all files."""
    damaged = False
    for name in sorted({*document.files, *await asyncio.to_thread(_names, backup)}):
        if text := await asyncio.to_thread(_compare, backup / name, document, name):
            damaged = True
            yield Problem(Code.FILE, name, text)
    # A program that opens a damaged file would only repeat this.
    if not damaged and (problem := await asyncio.to_thread(_check_contents, backup, document)):
        yield problem


def _names(backup: Path) -> list[str]:
    return [str(path.relative_to(backup)) for path in files_of(backup)]


def _compare(path: Path, document: BackupDocument, name: str) -> str | None:
    expected = document.files.get(name)
    if expected is None:
        return "is not a file of the backup"
    try:
        found = facts_of(path)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if found.size != expected.size:
        return f"has {found.size} bytes instead of {expected.size}"
    return None if found == expected else "has bytes other than those that were written"


def _check_contents(backup: Path, document: BackupDocument) -> Problem | None:
    try:
        reader = reader_of(document.database)
        copy = reader.read(backup / DATABASE)
        if (copy.migration, copy.rows) != (document.migration, document.rows):
            return Problem(Code.DATABASE, DATABASE, "has other rows or migrations than the backup says")
        for row, entry in zip_longest(reader.blobs(backup / DATABASE), read_manifest(backup / MANIFEST)):
            if row != entry:
                key = (row or entry).key
                return Problem(Code.MANIFEST, MANIFEST, f"differs from the rows of the database at the blob {key}")
    except (DatabaseDamaged, ValueError) as error:
        return Problem(Code.DATABASE, DATABASE, str(error))
    except BackupError as error:
        return Problem(Code.MANIFEST, MANIFEST, str(error))
    return None


async def _check_blobs(backup: Path, *, every_byte: bool) -> AsyncIterator[Problem]:
    entries = read_manifest(backup / MANIFEST)
    while batch := await asyncio.to_thread(lambda: list(islice(entries, _BATCH))):
        if not every_byte:
            for problem in await asyncio.to_thread(lambda: list(_wrong_sizes(backup, batch))):
                yield problem
            continue
        for entry in batch:
            try:
                await verify(from_file(blob_path(backup.parent, entry.key)), entry, lambda _: None)
            except BlobDamaged as error:
                yield Problem(Code.BLOB, entry.key, str(error))


def _wrong_sizes(backup: Path, batch: list[BlobEntry]) -> Iterator[Problem]:
    for entry in batch:
        try:
            size = blob_path(backup.parent, entry.key).stat().st_size
        except OSError as error:
            missing = isinstance(error, FileNotFoundError)
            yield Problem(Code.BLOB, entry.key, "is missing" if missing else f"cannot be read: {error.strerror}")
        else:
            if size != entry.size:
                yield Problem(Code.BLOB, entry.key, f"has {size} bytes instead of {entry.size}")
