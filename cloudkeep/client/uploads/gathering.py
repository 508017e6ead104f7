"""Gathers the files of ``cloudkeep upload``: those that are named, and those in folders that are named."""

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cloudkeep.client.drive.changes import ensure_folder
from cloudkeep.client.drive.drive import Drive
from cloudkeep.client.drive.items import RemoteItem
from cloudkeep.client.drive.paths import ROOT_PATH, joined
from cloudkeep.client.errors import ItemFailed, TransferFailed, printable
from cloudkeep.client.uploads.destination import Destination, FileToUpload
from cloudkeep.client.uploads.local_tree import LocalItem, LocalTree, local_name, read_tree

#: Called with the path and the reason.
Report = Callable[[str, str], None]


@dataclass
class Gathered:
    """The files to upload. ``failed`` are items that cannot be read or created, by their paths, with the reasons."""

    files: list[FileToUpload] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


class Gathering:
    """Gathers files for one folder of the drive."""

    def __init__(self, drive: Drive, folder: RemoteItem, conflict: str | None, skipped: Report) -> None:
        self._drive = drive
        self._folder = folder
        self._conflict = conflict
        self._skipped = skipped
        self._gathered = Gathered()

    async def gather(self, paths: Sequence[Path]) -> Gathered:
        """The files of these paths. Creates folders that have no files, because no upload creates them."""
        for path in paths:
            if await asyncio.to_thread(os.path.isdir, path):
                await self._add_folder(path)
            else:
                self._add_file(path, await asyncio.to_thread(_size, path), path.name, "")
        return self._gathered

    async def _add_folder(self, path: Path) -> None:
        name = local_name(path)
        tree = await asyncio.to_thread(read_tree, path)
        for item in tree.items:
            if not item.is_folder:
                size, relative_path = item.status.st_size, f"{name}/{item.parent}".rstrip("/")
                self._add_file(item.path, size, str(item.path), relative_path)
        for relative, problem in sorted(tree.skipped.items()):
            self._skipped(str(path / relative), problem)
        for relative, problem in sorted(tree.failed.items()):
            self._gathered.failed[str(path / relative)] = problem
        await self._make_empty_folders(path, tree)

    def _add_file(self, path: Path, size: int, label: str, relative_path: str) -> None:
        destination = Destination(self._folder.id, relative_path or None, self._conflict)
        self._gathered.files.append(FileToUpload(path, printable(label), destination, size=size))

    async def _make_empty_folders(self, path: Path, tree: LocalTree) -> None:
        top = joined(self._folder.path, local_name(path))
        for relative in empty_folders(tree.items):
            try:
                await ensure_folder(self._drive, joined(top, relative) if relative else top)
            except (ItemFailed, TransferFailed) as error:
                self._gathered.failed[str(path / relative)] = str(error)


def _size(path: Path) -> int:
    """The size of a file; 0 if it cannot be read, which its upload reports."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def empty_folders(items: Sequence[LocalItem]) -> list[str]:
    """The relative paths of the folders that contain nothing; "" is the folder that was read."""
    parents = {item.parent for item in items}
    folders = ["", *(item.relative for item in items if item.is_folder)]
    return [relative for relative in folders if relative not in parents]


async def gather(
    drive: Drive, paths: Sequence[Path], place: str | None, conflict: str | None, skipped: Report
) -> Gathered:
    """The files of these paths for a folder of the drive, which is created if it does not exist.

    Raises :class:`ItemFailed` and :class:`TransferFailed`.
    """
    folder = await ensure_folder(drive, place or ROOT_PATH)
    return await Gathering(drive, folder, conflict, skipped).gather(paths)
