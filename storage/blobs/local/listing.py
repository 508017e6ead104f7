"""Lists the files of a local blob store."""

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from storage.blobs.base import StoredObject


def files(folder: Path, depth: int = 0) -> Iterator[StoredObject]:
    """The files ``depth`` folders below ``folder``, without those that are deleted meanwhile."""
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if depth and entry.is_dir(follow_symlinks=False):
                yield from files(Path(entry.path), depth - 1)
            elif not depth and entry.is_file(follow_symlinks=False):
                with suppress(FileNotFoundError):
                    yield describe(entry.name, entry.stat())


def describe(key: str, status: os.stat_result) -> StoredObject:
    """A file in a listing."""
    return StoredObject(key, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC), key)
