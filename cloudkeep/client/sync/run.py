"""One run of ``cloudkeep sync``: compare a local folder with one of the drive, and change the latter."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from cloudkeep.client.display.display import open_display, print_error
from cloudkeep.client.display.progress import COMPARING, ByteCounter, Track
from cloudkeep.client.drive.changes import ensure_folder, in_batches
from cloudkeep.client.drive.drive import FAIL, REPLACE, Drive
from cloudkeep.client.drive.items import RemoteItem
from cloudkeep.client.drive.run import FAILED, Outcome
from cloudkeep.client.errors import ItemFailed, SourceError, UploadFailed, printable
from cloudkeep.client.sync.hash_cache import HashCache
from cloudkeep.client.sync.plan import Comparison, Plan, Upload, by_relative_path
from cloudkeep.client.uploads.destination import Destination, FileToUpload
from cloudkeep.client.uploads.file_upload import UploadContext
from cloudkeep.client.uploads.local_tree import LocalItem, LocalTree, local_name, read_tree
from cloudkeep.client.uploads.run import upload_whole
from cloudkeep.client.uploads.source import Source


@dataclass(frozen=True)
class SyncOptions:
    """The options of the command."""

    folder: Path
    place: str
    with_delete: bool
    is_dry_run: bool


async def sync(drive: Drive, http: httpx.AsyncClient, options: SyncOptions) -> int:
    """Make the folder of the drive like the local one."""
    local = await asyncio.to_thread(read_tree, options.folder)
    with HashCache() as cache:
        run = _Run(drive, http, cache, options)
        plan = await run.plan(local)
        run.report(plan, local)
        if options.is_dry_run:
            print_plan(plan)
        else:
            await run.execute(plan)
        return run.outcome.code


class _Run:
    def __init__(self, drive: Drive, http: httpx.AsyncClient, cache: HashCache, options: SyncOptions) -> None:
        self.outcome = Outcome()
        self._drive = drive
        self._http = http
        self._cache = cache
        self._options = options
        self._root: RemoteItem | None = None
        #: The folders of the drive by the relative paths of the local ones.
        self._folders: dict[str, RemoteItem] = {}

    async def plan(self, local: LocalTree) -> Plan:
        """Compare. Only reads."""
        root = await self._drive.lookup(self._options.place)
        if root and not root.is_folder:
            raise ItemFailed(self._options.place, "is not a folder")
        remote = await by_relative_path(root, self._drive.tree(root)) if root else {}
        display = open_display()
        with display.bars:
            compared = ComparedBytes(display.track(printable(local_name(self._options.folder))), local)
            comparison = Comparison(remote, self._hash, with_delete=self._options.with_delete, on_compared=compared.add)
            plan = await comparison.plan(local)
        self._root, self._folders = root, comparison.folders
        return plan

    def report(self, plan: Plan, local: LocalTree) -> None:
        """Print what is skipped, and what cannot be synchronised."""
        for relative, problem in sorted(local.skipped.items()):
            print_error(f"cloudkeep: {printable(self._shown(relative))}: {problem}; skipped")
        for relative, problem in sorted({**local.failed, **plan.problems}.items()):
            self.outcome.failed(ItemFailed(self._shown(relative), problem))

    async def execute(self, plan: Plan) -> None:
        """Do the steps of the plan. The last one only if all before it succeeded."""
        self._folders[""] = self._root or await ensure_folder(self._drive, self._options.place)
        await in_batches(self._drive.move_to_trash, plan.trash_first, self.outcome)
        for item, name in plan.renames:
            await self.outcome.attempt(item.path, self._rename(item, name))
        for folder in plan.folders:
            await self.outcome.attempt(str(folder.path), self._make_folder(folder))
        uploads = [upload for upload in plan.uploads if upload.item.parent in self._folders]
        if uploads and await self._upload(uploads):
            self.outcome.code = FAILED
        if self.outcome.code:
            if plan.trash_last:
                print_error("cloudkeep: nothing was moved to the trash, because not everything was stored")
        else:
            await in_batches(self._drive.move_to_trash, plan.trash_last, self.outcome)
        print_error(f"cloudkeep: {summary(plan)}")

    async def _upload(self, uploads: Sequence[Upload]) -> int:
        context = UploadContext(self._http, self._drive.session)
        files = [self._file(upload) for upload in uploads]
        sizes = {file.label: upload.item.status.st_size for file, upload in zip(files, uploads, strict=True)}
        return await upload_whole(files, sizes, {}, context, with_ids=False)

    def _file(self, upload: Upload) -> FileToUpload:
        parent = self._folders[upload.item.parent]
        destination = Destination(parent.id, None, REPLACE)
        return FileToUpload(upload.item.path, printable(upload.item.relative), destination, self._cache.put)

    async def _rename(self, item: RemoteItem, name: str) -> None:
        await self._drive.rename(item, name, FAIL)

    async def _make_folder(self, folder: LocalItem) -> None:
        """Create a folder in one that exists. If that one could not be created, it was reported."""
        if parent := self._folders.get(folder.parent):
            self._folders[folder.relative] = await self._drive.create_folder(parent, folder.name)

    async def _hash(self, item: LocalItem) -> str | None:
        """The SHA-256 of a local file. None if it cannot be read or changes, which its upload reports."""
        if known := self._cache.get(item.status):
            return known
        try:
            with Source(item.path) as source:
                sha256 = (await source.sha256_of(0, source.size)).hex()
                self._cache.put(source.status, sha256)
                return sha256
        except (SourceError, UploadFailed):
            return None

    def _shown(self, relative: str) -> str:
        return str(self._options.folder / relative)


class ComparedBytes:
    """Shows on a track how many bytes of the local files were compared."""

    def __init__(self, track: Track, local: LocalTree) -> None:
        self._counter = ByteCounter(track, COMPARING, sum(map(_size, local.items)) or 1)
        self._done = 0

    def add(self, item: LocalItem) -> None:
        """An item was compared."""
        if size := _size(item):
            self._done += size
            self._counter.update(self._done)


def _size(item: LocalItem) -> int:
    return 0 if item.is_folder else item.status.st_size


def print_plan(plan: Plan) -> None:
    """Print the steps, one a line."""
    lines = [
        *(("trash", item.path) for item in plan.trash_first),
        *(("rename", f"{item.path} -> {name}") for item, name in plan.renames),
        *(("mkdir", folder.relative) for folder in plan.folders),
        *(("replace" if upload.replaces else "upload", upload.item.relative) for upload in plan.uploads),
        *(("trash", item.path) for item in plan.trash_last),
    ]
    for step, what in lines:
        sys.stdout.write(f"{step}  {printable(what)}\n")
    sys.stdout.flush()
    print_error(f"cloudkeep: would do this: {summary(plan)}")


def summary(plan: Plan) -> str:
    """The numbers of a plan."""
    changed = sum(1 for upload in plan.uploads if upload.replaces)
    parts = {
        "new": len(plan.uploads) - changed,
        "changed": changed,
        "unchanged": plan.unchanged,
        "folders created": len(plan.folders),
        "renamed": len(plan.renames),
        "to the trash": len(plan.trash_first) + len(plan.trash_last),
    }
    return ", ".join(f"{count} {name}" for name, count in parts.items() if count) or "nothing to do"
