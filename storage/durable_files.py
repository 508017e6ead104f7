"""Writes files so that they survive a power cut, and tells a full disk from other errors."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from storage.errors import NoSpace

MIB = 2**20
#: No room on the device, in the quota of the user, or below the largest size of a file.
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def sync(path: Path) -> None:
    """Make the bytes of a file durable, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_durably(path: Path, content: bytes) -> None:
    """Replace a file atomically. Only its owner can read it."""
    draft = path.with_name(f"{path.name}.partial")
    with open_private(draft) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)
    sync(path.parent)


def open_private(path: Path) -> BinaryIO:
    """Open a new, empty file for writing that only its owner can read. An old one of this name is deleted."""
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")


def require_free(folder: Path, size: int, what: str) -> None:
    """Raise :class:`NoSpace` unless the disk of a folder has ``size`` bytes free. ``what`` needs them."""
    free = shutil.disk_usage(folder).free
    if size > free:
        needed, left = f"{size / MIB:,.1f} MiB", f"{free / MIB:,.1f} MiB"
        raise NoSpace(f"{what} needs {needed}, and the disk of {folder} has only {left} free")


@contextmanager
def full_disk_named(folder: Path) -> Iterator[None]:
    """Raise :class:`NoSpace`, which names the folder, when its disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise NoSpace(f"the disk of {folder} is full") from error
        raise
