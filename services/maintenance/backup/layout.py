"""The names in a folder of backups.

::

    FOLDER/
        .cloudkeep-backups          marks the folder; the lock of the process that writes to it
        2026-11-30T03-00-00Z/       one backup, by its time in UTC
            backup.json             what the backup is, with the SHA-256 of every other file
            database/               the copy of the database
            manifest.jsonl          the blobs that the database refers to
            secret.keys             the keys that sign tokens and URLs
        blobs/XX/YY/KEY             with ``--blobs``: the bytes of all backups, each blob once

A name that ends in ``.partial`` is not complete, and the next backup deletes it.
"""

import fcntl
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.core.clock import now
from storage.durable_files import sync

DOCUMENT = "backup.json"
DATABASE = "database"
MANIFEST = "manifest.jsonl"
KEYS = "secret.keys"
BLOBS = "blobs"
MARKER = ".cloudkeep-backups"
PARTIAL = ".partial"
#: What an otherwise empty disk contains.
LOST_AND_FOUND = "lost+found"

_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ")


class BackupError(Exception):
    """A backup cannot be made, read or restored. ``str(error)`` is one line."""


def new_name() -> str:
    """The name of a backup that begins now."""
    return f"{now():%Y-%m-%dT%H-%M-%SZ}"


def backups_in(folder: Path) -> list[Path]:
    """The backups of a folder, the oldest first."""
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name) and (path / DOCUMENT).is_file())


def find_backup(path: Path) -> Path:
    """The backup at a path, or the newest one in a folder of backups. Raises :class:`BackupError`."""
    _require_folder(path)
    if (path / DOCUMENT).is_file():
        return path
    if backups := backups_in(path):
        return backups[-1]
    raise BackupError(f"there is no backup in {path}")


def is_backup(path: Path) -> bool:
    """Whether the path is a backup, complete or damaged, or a folder of backups."""
    return path.is_dir() and ((path / DOCUMENT).exists() or (path / MARKER).exists() or bool(backups_in(path)))


def _require_folder(path: Path) -> None:
    if not path.is_dir():
        raise BackupError(f"{path} is not a folder" if path.exists() else f"there is no folder {path}")


def blob_path(folder: Path, key: str) -> Path:
    """The file of a blob in a folder of backups."""
    return folder / BLOBS / key[-2:] / key[-4:-2] / key


def claim_folder(folder: Path) -> None:
    """Make a folder of backups, or accept an empty one. Raises :class:`BackupError` for a folder of other things."""
    try:
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
        _require_folder(folder)
        if not (folder / MARKER).exists():
            if not backups_in(folder) and any(path.name != LOST_AND_FOUND for path in folder.iterdir()):
                raise BackupError(f"{folder} has other files in it: name an empty or a new folder")
            (folder / MARKER).touch(mode=0o600)
            sync(folder)
    except FileNotFoundError:
        raise BackupError(f"cannot make {folder}: there is no folder {folder.parent}") from None
    except OSError as error:
        raise BackupError(f"cannot write to {folder}: {error.strerror}") from None


@contextmanager
def locked(folder: Path, *, shared: bool = False) -> Iterator[None]:
    """Lock a folder of backups for the block: for writing, or ``shared`` with others that read.

    Raises :class:`BackupError` if another process has locked it. A folder without its marker, such as a copy of one, is
    read without a lock.
    """
    try:
        marker = (folder / MARKER).open("rb")
    except OSError:
        if not shared:
            raise
        yield
        return
    with marker:
        try:
            fcntl.flock(marker, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError(f"another backup or restore uses {folder}") from None
        yield


def files_of(backup: Path) -> list[Path]:
    """Every file of a backup except the document that lists them, in a fixed order."""
    return sorted(path for path in backup.rglob("*") if path.is_file() and path != backup / DOCUMENT)
