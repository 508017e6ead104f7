"""The folders and files in a local folder. Symbolic links are not followed."""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from cloudkeep.client.downloads.partial_file import is_partial


@dataclass(frozen=True)
class LocalItem:
    """A folder or a regular file. ``relative`` is its path below the folder that was read, with slashes."""

    path: Path
    relative: str
    is_folder: bool
    status: os.stat_result = field(repr=False, compare=False)

    @property
    def parent(self) -> str:
        """The relative path of its folder; empty for the folder that was read."""
        return self.relative.rpartition("/")[0]

    @property
    def name(self) -> str:
        """Its name."""
        return self.relative.rpartition("/")[2]


@dataclass
class LocalTree:
    """What a folder contains. A folder is listed before its items.

    ``skipped`` are symbolic links, special files and partial downloads, ``failed`` what cannot be read, each with the
    reason. Both have relative paths.
    """

    items: list[LocalItem] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def local_name(path: Path) -> str:
    """The name of a file or folder, even for a path such as ``..``; empty for the root of the machine."""
    return os.path.basename(os.path.abspath(path))


def read_tree(folder: Path) -> LocalTree:
    """Read the folder. Blocks."""
    tree = LocalTree()
    folders = [(folder, "")]
    while folders:
        path, relative = folders.pop()
        for entry in _entries(path, relative, tree):
            item = _read(entry, f"{relative}/{entry.name}" if relative else entry.name, tree)
            if item:
                tree.items.append(item)
                if item.is_folder:
                    folders.append((item.path, item.relative))
    return tree


def _entries(path: Path, relative: str, tree: LocalTree) -> list["os.DirEntry[str]"]:
    """The entries of a folder, by name."""
    try:
        with os.scandir(path) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        tree.failed[relative or "."] = f"cannot be read: {error.strerror}"
        return []


def _read(entry: "os.DirEntry[str]", relative: str, tree: LocalTree) -> LocalItem | None:
    if problem := _name_problem(entry.name):
        tree.failed[relative] = problem
        return None
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError as error:
        tree.failed[relative] = f"cannot be read: {error.strerror}"
        return None
    if problem := _kind_problem(entry.name, status):
        tree.skipped[relative] = problem
        return None
    return LocalItem(Path(entry.path), relative, stat.S_ISDIR(status.st_mode), status)


def _name_problem(name: str) -> str | None:
    try:
        name.encode()
    except UnicodeEncodeError:
        return "its name is not valid UTF-8"
    return None


def _kind_problem(name: str, status: os.stat_result) -> str | None:
    """Why this is neither a folder nor a file to send."""
    if stat.S_ISLNK(status.st_mode):
        return "is a symbolic link"
    if not stat.S_ISDIR(status.st_mode) and not stat.S_ISREG(status.st_mode):
        return "is not a regular file"
    return "is the part of a download" if is_partial(name) else None
