"""The space of a disk that stays free."""

import os
from pathlib import Path

from storage.errors import NoSpace

#: The default: 1 GiB stays free, but at most a twentieth of a small disk.
LARGEST_RESERVE = 2**30
SHARE_RESERVED = 20


def free_above_reserve(folder: Path, reserve: int | None) -> int:
    """The bytes of the folder's disk that are free beside ``reserve`` bytes; negative if fewer than those are free.

    ``reserve`` None is the default.
    """
    status = os.statvfs(folder)
    if reserve is None:
        reserve = min(LARGEST_RESERVE, status.f_blocks * status.f_frsize // SHARE_RESERVED)
    return status.f_bavail * status.f_frsize - reserve


def require_free_space(folder: Path, size: int, reserve: int | None) -> None:
    """Raise :class:`NoSpace` unless ``size`` bytes fit on the folder's disk and ``reserve`` bytes stay free.

    ``reserve`` None is the default.
    """
    if free_above_reserve(folder, reserve) < size:
        raise NoSpace("the disk is full above its reserve")
