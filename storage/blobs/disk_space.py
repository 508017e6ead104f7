"""How much of a disk may be taken."""

import os
from pathlib import Path

from storage.errors import NoSpace

#: What stays free unless somebody says otherwise: 1 GiB, but no more than one part in twenty of a small disk.
LARGEST_RESERVE = 2**30
SHARE_RESERVED = 20


def require_room(folder: Path, size: int, reserve: int | None) -> None:
    """Raise :class:`NoSpace` unless ``size`` bytes fit on the folder's disk and ``reserve`` bytes stay free.

    Without a reserve, a share that suits the disk stays free.
    """
    found = os.statvfs(folder)
    if reserve is None:
        reserve = min(LARGEST_RESERVE, found.f_blocks * found.f_frsize // SHARE_RESERVED)
    if found.f_bavail * found.f_frsize - size < reserve:
        raise NoSpace("the disk is full above its reserve")
