"""The part of a file that has arrived. The next run goes on behind it."""

import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Self

from cloudkeep.client.errors import ClientError, ItemFailed, printable

PREFIX, SUFFIX = ".cloudkeep-", ".part"
#: Bytes that are hashed at a time. Small, so that Ctrl-C does not wait for a slow disk.
HASH_STEP = 4 * 1024 * 1024
#: O_NOFOLLOW, because another user may have made a link of this name in a shared folder.
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class DiskFull(ClientError):
    """There is no space for more bytes. Other files would fail as well."""

    exit_code = 1


def is_partial(name: str) -> bool:
    """Whether a file name is that of a partial file."""
    return name.startswith(PREFIX) and name.endswith(SUFFIX)


class PartialFile:
    """The first bytes of a file with a known SHA-256, beside its target. Only one process can have it open.

    It is not found by another version of the file, because its name contains the SHA-256. Methods raise
    :class:`ItemFailed` and :class:`DiskFull`. They run in threads, one at a time: after Ctrl-C, one may still run.
    """

    def __init__(self, target: Path, sha256: str) -> None:
        self._target = target
        self._sha256 = sha256
        self._names = f"{PREFIX}{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]}-"
        self._path = target.parent / f"{self._names}{sha256[:16]}{SUFFIX}"
        self._digest = hashlib.sha256()
        self._lock = Lock()
        self._file = -1
        self.size = 0

    def __enter__(self) -> Self:
        with self._usable():
            self._file = self._open()
        return self

    def __exit__(self, *_: object) -> None:
        # A thread that is still writing must not write to another file that gets the same descriptor.
        with self._lock:
            os.close(self._file)
            self._file = -1

    def hash_step(self) -> bool:
        """Hash some of the bytes that an earlier run left. Returns whether there are more of them."""
        with self._usable():
            block = os.pread(self._file, HASH_STEP, self.size)
            self._digest.update(block)
            self.size += len(block)
        return bool(block)

    def append(self, block: bytes) -> None:
        """Write bytes behind those that are there."""
        with self._usable():
            written = 0
            while written < len(block):
                written += os.pwrite(self._file, block[written:], self.size + written)
            self._digest.update(block)
            self.size += len(block)

    def reset(self) -> None:
        """Start again at the first byte."""
        with self._usable():
            os.ftruncate(self._file, 0)
            self._digest = hashlib.sha256()
            self.size = 0

    @property
    def is_intact(self) -> bool:
        """Whether the bytes are those of the whole file."""
        return self._digest.hexdigest() == self._sha256

    def publish(self, *, overwrite: bool) -> None:
        """Give the file its name, when all of its bytes are on the disk."""
        with self._usable():
            os.fsync(self._file)
            if overwrite:
                self._path.replace(self._target)
            else:
                self._move_to_new_name()
            self._remove_others()

    def _move_to_new_name(self) -> None:
        """Rename without replacing a file that was created meanwhile."""
        try:
            os.link(self._path, self._target)
        except FileExistsError:
            raise
        except OSError:
            # This file system has no hard links.
            if os.path.lexists(self._target):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
            self._path.rename(self._target)
        else:
            self._path.unlink()

    def _open(self) -> int:
        while True:
            file = os.open(self._path, _FLAGS, 0o666)
            try:
                if self._is_usable(file):
                    return file
            except BaseException:
                os.close(file)
                raise
            os.close(file)

    def _is_usable(self, file: int) -> bool:
        """Lock the file. Returns whether it still has its name: another process may have published it meanwhile."""
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            raise ItemFailed(str(self._path), "is not a partial download of yours; remove it")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ItemFailed(str(self._target), "another command is downloading it") from None
        with suppress(FileNotFoundError):
            return os.path.samestat(status, self._path.lstat())
        return False

    def _remove_others(self) -> None:
        """Remove what is left of downloads of other versions."""
        for path in self._target.parent.glob(f"{self._names}*{SUFFIX}"):
            with suppress(OSError):
                path.unlink()

    @contextmanager
    def _usable(self) -> Iterator[None]:
        """Exclude other threads, and name the file in errors."""
        try:
            with self._lock:
                yield
        except OSError as error:
            if error.errno in FULL:
                raise DiskFull(
                    f"{printable(str(self._target))}: {error.strerror}; what has arrived is kept: make space, and run "
                    "the same command again"
                ) from error
            raise ItemFailed(str(self._target), error.strerror) from error
