"""The folder of a local blob store: every blocking operation on its files.

A staging area is the file ``staging/KEY``, a blob is ``blobs/XX/YY/KEY``, and its record ``records/XX/YY/KEY.json``.
While a staging area is synced and becomes a blob, there is a file ``syncing/KEY``. It stays if that fails or the
process is killed, because Linux reports an error of fsync only once: afterwards the pages that it could not write are
read from memory as if they were on the device, and the next fsync succeeds
(https://wiki.postgresql.org/wiki/Fsync_Errors).
"""

import errno
import os
import shutil
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from storage.blobs.base import StoredObject
from storage.blobs.disk_space import free_above_reserve, require_free_space
from storage.blobs.local.listing import describe, files
from storage.durable_files import FULL, sync
from storage.errors import BlobNotFound, NoSpace

RECORD_SUFFIX = ".json"
#: What a file in ``syncing`` contains while its blob is renamed to a staging area and back.
RENAMING = b"renaming"


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise errors of :mod:`storage.errors` in place of OSError."""
    try:
        yield
    except FileNotFoundError as error:
        raise BlobNotFound("no such blob") from error
    except OSError as error:
        if error.errno in FULL:
            raise NoSpace(os.strerror(error.errno or 0)) from error
        raise


class BlobFolder:
    """Staging areas and blobs below ``root``. New staging areas leave ``reserve`` bytes of the file system free."""

    def __init__(self, root: Path, reserve: int | None) -> None:
        self._root = root
        self._reserve = reserve
        (root / "staging").mkdir(parents=True, exist_ok=True)
        (root / "syncing").mkdir(exist_ok=True)

    def staging_path(self, key: str) -> Path:
        """The file of a staging area."""
        return self._root / "staging" / key

    def blob_path(self, key: str) -> Path:
        """The file of a blob."""
        # The end of a UUIDv7 is random, its start is the time: two folders of the end spread the blobs evenly.
        return self._root / "blobs" / key[-2:] / key[-4:-2] / key

    def record_path(self, key: str) -> Path:
        """The file of a blob's record."""
        return self._root / "records" / key[-2:] / key[-4:-2] / f"{key}{RECORD_SUFFIX}"

    def _sync_mark(self, key: str) -> Path:
        return self._root / "syncing" / key

    def has_bytes(self, key: str) -> bool:
        """Whether a staging area or a blob has this key."""
        return self.staging_path(key).exists() or self.blob_path(key).exists()

    def find_bytes(self, key: str) -> Path:
        """The file of a staging area, or of the blob that it became."""
        staging, blob = self.staging_path(key), self.blob_path(key)
        if staging.exists():
            return staging
        if not blob.exists():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return blob

    def is_writable(self) -> bool:
        """Whether files can be made here."""
        return os.access(self._root / "staging", os.W_OK | os.X_OK)

    def stage(self, key: str, size: int) -> None:
        """Reserve ``size`` bytes for a staging area. Raises :class:`NoSpace`."""
        path = self.staging_path(key)
        exists = path.exists()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if not exists:
                require_free_space(self._root, size, self._reserve)
            os.posix_fallocate(descriptor, 0, size)
            # Checked again: if two checked at the same time, the second now sees the space that the first has taken.
            if not exists:
                require_free_space(self._root, 0, self._reserve)
        except (OSError, NoSpace):
            if not exists:
                path.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)

    def sync_staging(self) -> None:
        """Make the names of staging areas durable: after a power cut the bytes may be lost, but not their files."""
        sync(self._root / "staging")

    def free_space(self) -> int:
        """The bytes that staging areas can still reserve."""
        return max(0, free_above_reserve(self._root, self._reserve))

    def open_bytes(self, key: str) -> FileIO:
        """Open a staging area, or the blob that it became."""
        # No check before opening: a file that exists now may be renamed a moment later.
        with suppress(FileNotFoundError):
            return self.staging_path(key).open("rb", 0)
        return self.blob_path(key).open("rb", 0)

    def watch_errors(self, key: str) -> object:
        """Keep a staging area open. The kernel forgets an error of write-back with the last user of a file."""
        return _OpenFile(self.open_bytes(key))

    def copy_in(self, key: str, offset: int, size: int, source: str, source_offset: int) -> None:
        """Copy a part of a blob into a staging area, as far as the blob has it."""
        with self.blob_path(source).open("rb", 0) as blob, self.staging_path(key).open("r+b", 0) as staging:
            while size:
                # If the file system can, it shares the blocks instead of copying them.
                count = os.copy_file_range(blob.fileno(), staging.fileno(), size, source_offset, offset)
                if not count:
                    return
                offset, source_offset, size = offset + count, source_offset + count, size - count

    def write_back(self, key: str, offset: int, length: int) -> None:
        """Let the kernel start to write a part of a staging area to the device."""
        # Not fsync: it would report a write error here, where it is ignored, and the fsync in publish would succeed.
        with self.staging_path(key).open("rb", 0) as file:
            os.posix_fadvise(file.fileno(), offset, length, os.POSIX_FADV_DONTNEED)

    def reread_after_failed_sync(self, key: str) -> bool:
        """Let reads come from the device if ``prepare`` or ``publish`` failed or was interrupted. False otherwise.

        Nothing of it is taken for synced: what the kernel could not write is dropped from memory, and a blob gets its
        name once more, so that the next ``publish`` writes it.
        """
        if not self._sync_mark(key).exists() or not self.has_bytes(key):
            return False
        self._rename_blob_back_and_forth(key)
        with self.open_bytes(key) as file:
            # Only clean pages can be dropped. An error here is no news: everything is verified again.
            with suppress(OSError):
                os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return True

    def _rename_blob_back_and_forth(self, key: str) -> None:
        staging, blob, mark = self.staging_path(key), self.blob_path(key), self._sync_mark(key)
        if not staging.exists():
            # In between a blob looks like a staging area. A process that is killed there leaves this.
            mark.write_bytes(RENAMING)
            _rename(blob, staging)
            _rename(staging, blob)
            mark.write_bytes(b"")
        elif mark.read_bytes() == RENAMING and not blob.exists():
            _rename(staging, blob)

    def prepare(self, key: str) -> None:
        """Make the bytes of a staging area durable, and the folder of the blob that it becomes."""
        self.sync_bytes(key)
        self._sync_folders(self.blob_path(key))

    def sync_bytes(self, key: str) -> None:
        """Make the bytes of a staging area durable, and create the folder of the blob that it becomes.

        The caller makes :meth:`folders_of` the blob durable. After a failure, call ``reread_after_failed_sync`` first.
        """
        # A process that is killed leaves it in the page cache, and a power cut ends what it stands for.
        self._sync_mark(key).write_bytes(b"")
        sync(self.find_bytes(key))
        blob = self.blob_path(key)
        blob.parent.mkdir(parents=True, exist_ok=True)

    def publish(self, key: str) -> None:
        """Turn a prepared staging area into a blob."""
        self.rename_to_blob(key)
        sync(self.blob_path(key).parent)
        self.forget_sync(key)

    def rename_to_blob(self, key: str) -> None:
        """Give the bytes of a staging area the name of the blob, which is not durable yet."""
        blob = self.blob_path(key)
        try:
            _rename(self.staging_path(key), blob)
        except FileNotFoundError:
            # An attempt before this one was killed, perhaps before the new name was durable.
            if not blob.exists():
                raise

    def forget_sync(self, key: str) -> None:
        """Note that the bytes and the name of a blob are durable."""
        self._sync_mark(key).unlink(missing_ok=True)

    def make_durable(self, key: str) -> None:
        """Sync a blob and its name, as if it were published again."""
        blob = self.blob_path(key)
        self.reread_after_failed_sync(key)
        blob.stat()
        self._sync_mark(key).write_bytes(b"")
        sync(blob)
        self._sync_folders(blob)
        self._sync_mark(key).unlink(missing_ok=True)

    def unpublish(self, key: str) -> None:
        """Turn a blob back into a staging area, if there is none."""
        staging, blob = self.staging_path(key), self.blob_path(key)
        if blob.exists() and not staging.exists():
            _rename(blob, staging)
            sync(staging.parent)

    def discard(self, key: str) -> None:
        """Delete a staging area. One with a record becomes a blob: it may hold the only copy of a file."""
        if self.record_path(key).exists() and not self.blob_path(key).exists():
            with suppress(FileNotFoundError):
                self.publish(key)
        self.staging_path(key).unlink(missing_ok=True)
        self._sync_mark(key).unlink(missing_ok=True)

    def delete(self, key: str) -> None:
        """Delete a blob, and then its record: bytes without a record would count as those of an older version."""
        self.blob_path(key).unlink(missing_ok=True)
        self.record_path(key).unlink(missing_ok=True)

    def take_record(self, key: str, source: Path) -> None:
        """Turn a file in this folder into the record of a blob, durably."""
        self.move_record(key, source)
        self._sync_folders(self.record_path(key))

    def move_record(self, key: str, source: Path) -> None:
        """Turn a file in this folder into the record of a blob. The caller makes :meth:`folders_of` it durable."""
        _move(source, self.record_path(key))

    def put(self, key: str, source: Path) -> None:
        """Turn a file, which may be on another file system, into a blob, durably."""
        landing = self.staging_path(f"{key}.put")
        try:
            shutil.move(source, landing)
            _move(landing, self.blob_path(key))
        finally:
            landing.unlink(missing_ok=True)
        self._sync_folders(self.blob_path(key))

    def stat(self, key: str) -> StoredObject:
        """Size and age of a blob."""
        return describe(key, self.blob_path(key).stat())

    def staging_areas(self) -> Iterator[StoredObject]:
        """Every staging area, and the remains of interrupted ``put`` calls."""
        return files(self._root / "staging")

    def blobs(self, prefix: str) -> Iterator[StoredObject]:
        """Every blob whose key begins with ``prefix``."""
        return (blob for blob in files(self._root / "blobs", depth=2) if blob.key.startswith(prefix))

    def record_keys(self) -> Iterator[str]:
        """The key of every record."""
        records = files(self._root / "records", depth=2)
        return (file.key.removesuffix(RECORD_SUFFIX) for file in records if file.key.endswith(RECORD_SUFFIX))

    def folders_of(self, path: Path) -> Iterator[Path]:
        """The folders to sync so that a new name is durable: its own, and each up to the root, as they may be new."""
        for folder in path.parents:
            yield folder
            if folder == self._root:
                return

    def _sync_folders(self, path: Path) -> None:
        for folder in self.folders_of(path):
            sync(folder)


class _OpenFile:
    """A file that is open as long as this object is referenced."""

    def __init__(self, file: FileIO) -> None:
        weakref.finalize(self, file.close)


def _move(source: Path, target: Path) -> None:
    sync(source)
    _rename(source, target)


def _rename(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source.rename(target)
