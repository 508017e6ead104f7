"""``manifest.jsonl``: a line of JSON for each blob that the database refers to, with its key, size and SHA-256."""

import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from services.maintenance.backup.layout import BackupError
from storage.database.backup import BlobEntry
from storage.durable_files import open_private

#: A key becomes the name of a file, so it must not lead out of the folder.
_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{3,199}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def write_manifest(path: Path, entries: Iterable[BlobEntry]) -> tuple[int, int]:
    """Write a manifest durably. Returns the number of blobs and the sum of their sizes. Blocks."""
    count = size = 0
    with open_private(path) as file:
        for entry in entries:
            line = json.dumps({"key": entry.key, "size": entry.size, "sha256": entry.sha256})
            file.write(f"{line}\n".encode())
            count, size = count + 1, size + entry.size
        file.flush()
        os.fsync(file.fileno())
    return count, size


def read_manifest(path: Path) -> Iterator[BlobEntry]:
    """The blobs of a manifest, one after another. Raises :class:`BackupError` for a line that cannot be right."""
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                entry = BlobEntry(**json.loads(line))
                if not (_KEY.fullmatch(entry.key) and _SHA256.fullmatch(entry.sha256) and int(entry.size) >= 0):
                    raise ValueError(entry)
            except (ValueError, TypeError):
                raise BackupError(f"line {number} of {path} cannot be read") from None
            yield entry
