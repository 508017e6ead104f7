"""``backup.json``: what a backup is, and the SHA-256 of each of its files. It proves its own text as well."""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from services.maintenance.backup.layout import DOCUMENT, BackupError
from storage.durable_files import write_durably

#: The version of the layout of a backup. A newer one cannot be read.
FORMAT = 1
_BLOCK = 2**20


class Blobs(StrEnum):
    """Whether the bytes of the blobs are beside a backup."""

    NONE = "none"
    INCOMPLETE = "incomplete"
    COMPLETE = "complete"


@dataclass(frozen=True)
class FileFacts:
    """Size in bytes and SHA-256 in lower-case hex."""

    size: int
    sha256: str


@dataclass(frozen=True)
class BackupDocument:
    """What a backup is. ``files`` are all its other files, by their paths in it. Sizes are in bytes."""

    cloudkeep: str
    database: str
    migration: str
    created_at: str
    rows: Mapping[str, int]
    blob_count: int
    blob_bytes: int
    blobs: Blobs
    files: Mapping[str, FileFacts]


def write_document(backup: Path, document: BackupDocument) -> None:
    """Write or replace the document, atomically and durably."""
    write_durably(backup / DOCUMENT, render({"format": FORMAT, **asdict(document)}))


def read_document(backup: Path) -> BackupDocument:
    """Read the document. Raises :class:`BackupError` if it is damaged, or if a newer CloudKeep wrote it."""
    path = backup / DOCUMENT
    try:
        content = path.read_bytes()
        values = json.loads(content)
        version = values.pop("format")
        values.pop("sha256")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupError(f"{path} cannot be read: {error}") from None
    if content != render({"format": version, **values}):
        raise BackupError(f"{path} is damaged: its text has changed since it was written")
    if version != FORMAT:
        raise BackupError(f"{path} is from CloudKeep {values.get('cloudkeep')}, which is newer: update CloudKeep first")
    values["blobs"] = Blobs(values["blobs"])
    values["files"] = {name: FileFacts(**facts) for name, facts in values["files"].items()}
    return BackupDocument(**values)


def require_known(document: BackupDocument, version: str, migrations: list[str]) -> None:
    """Raise :class:`BackupError` if a newer CloudKeep than ``version``, which has ``migrations``, made the backup."""
    if document.migration not in migrations or _numbers(document.cloudkeep) > _numbers(version):
        raise BackupError(
            f"the backup is from CloudKeep {document.cloudkeep}, which is newer than this one ({version}): "
            "update CloudKeep first"
        )


def facts_of(path: Path) -> FileFacts:
    """Size and digest of a file, which is read. Blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
        return FileFacts(os.fstat(file.fileno()).st_size, digest.hexdigest())


def render(values: Mapping[str, Any]) -> bytes:
    """The text of a document. Its last line has the digest of the others."""
    lines = json.dumps(values, indent=2)
    digest = hashlib.sha256(lines.encode()).hexdigest()
    return f'{lines[:-2]},\n  "sha256": "{digest}"\n}}\n'.encode()


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)[:3]]
