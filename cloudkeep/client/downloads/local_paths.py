"""Where downloads are stored. Names come from the server, and never lead out of the target folder."""

import os
import stat
from pathlib import Path

from cloudkeep.client.errors import ItemFailed, UsageError

#: Names that are no names of files, on any system of today.
NO_NAMES = frozenset({"", ".", ".."})


def require_safe_name(name: str, place: str) -> str:
    """The name, if it is one component of a path. Raises :class:`ItemFailed` otherwise."""
    if name in NO_NAMES or "/" in name or os.sep in name or "\0" in name:
        raise ItemFailed(place, "its name cannot be the name of a local file; rename it first")
    return name


def require_folder(folder: Path) -> None:
    """Create a folder in an existing one, unless it exists. Raises :class:`ItemFailed`, also for a symbolic link."""
    try:
        folder.mkdir(exist_ok=True)
        if not stat.S_ISDIR(folder.lstat().st_mode):
            raise ItemFailed(str(folder), "is a symbolic link here, which may lead to another folder")
    except OSError as error:
        raise ItemFailed(str(folder), error.strerror) from error


def destination(name: str, place: str, target: str | None) -> Path:
    """The path of a download with this name: in the target if that is a folder, else the target itself.

    Raises :class:`ItemFailed`.
    """
    path = Path(target or ".")
    if os.path.isdir(path):
        return path / require_safe_name(name, place)
    if target and target.endswith("/"):
        raise ItemFailed(target, "there is no such folder here")
    if not os.path.isdir(path.parent):
        raise ItemFailed(str(path.parent), "there is no such folder here")
    return path


def whole_drive(target: str | None) -> Path:
    """The folder for the items of the root, which has no name. Raises :class:`UsageError`."""
    if not target:
        raise UsageError("name a local folder for the whole drive")
    return Path(target)
