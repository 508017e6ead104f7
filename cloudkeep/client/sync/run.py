"""One run of ``cloudkeep sync``: compare a local folder with one of the drive, and change the latter."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx

from cloudkeep.client.display.display import open_display, print_error
from cloudkeep.client.display.progress import COMPARING, ByteCounter, Track
from cloudkeep.client.drive.changes import ensure_folder, in_batches
from cloudkeep.client.drive.drive import FAIL, REPLACE, Drive
from cloudkeep.client.drive.items import RemoteItem
from cloudkeep.client.drive.run import FAILED, Outcome
from cloudkeep.client.errors import ItemFailed, SourceError, TransferFailed, printable
from cloudkeep.client.sync.counts import Step, planned, summary
from cloudkeep.client.sync.hash_cache import HashCache
from cloudkeep.client.sync.plan import Comparison, Plan, Upload, by_relative_path
from cloudkeep.client.uploads.destination import Destination, FileToUpload
from cloudkeep.client.uploads.file_upload import UploadContext
from cloudkeep.client.uploads.local_tree import LocalItem, LocalTree, local_name, read_tree
from cloudkeep.client.uploads.run import upload_whole
from cloudkeep.client.uploads.source import Source

KEPT = "what is gone here was not moved to the trash, because not everything was stored"


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
            print_plan(plan, run.failed)
        else:
            await run.execute(plan)
        return run.outcome.code


class _Run:
    def __init__(self, drive: Drive, http: httpx.AsyncClient, cache: HashCache, options: SyncOptions) -> None:
        self.outcome = Outcome()
        #: The items that cannot be synchronised.
        self.failed = 0
        self._done: Counter[Step] = Counter()
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
        problems = {**local.failed, **plan.problems}
        self.failed = len(problems)
        for relative, problem in sorted(problems.items()):
            self.outcome.failed(ItemFailed(self._shown(relative), problem))

    async def execute(self, plan: Plan) -> None:
        """Do the steps of the plan, and print what was done. The last step only if all before it succeeded."""
        self._folders[""] = self._root or await ensure_folder(self._drive, self._options.place)
        todo, self._done[Step.UNCHANGED] = planned(plan), plan.unchanged
        await self._send(plan)
        if not self.outcome.code:
            await in_batches(self._trash, plan.trash_last, self.outcome)
        elif plan.trash_last:
            todo[Step.TRASHED] -= len(plan.trash_last)
            print_error(f"cloudkeep: {KEPT}")
        self._done[Step.FAILED] = self.failed + (todo - self._done).total()
        print_error(f"cloudkeep: {summary(self._done)}")

    async def _send(self, plan: Plan) -> None:
        """Do all steps but the last one."""
        await in_batches(self._trash, plan.trash_first, self.outcome)
        for item, name in plan.renames:
            await self.outcome.attempt(item.path, self._rename(item, name))
        for folder in plan.folders:
            await self.outcome.attempt(str(folder.path), self._make_folder(folder))
        uploads = [upload for upload in plan.uploads if upload.item.parent in self._folders]
        if uploads and await self._upload(uploads):
            self.outcome.code = FAILED

    async def _upload(self, uploads: Sequence[Upload]) -> int:
        context = UploadContext(self._http, self._drive.session)
        files = [self._file(upload) for upload in uploads]
        return await upload_whole(files, {}, context, with_ids=False)

    def _file(self, upload: Upload) -> FileToUpload:
        parent = self._folders[upload.item.parent]
        destination = Destination(parent.id, None, REPLACE)
        stored = partial(self._stored, upload)
        item = upload.item
        return FileToUpload(item.path, printable(str(item.path)), destination, stored, item.status.st_size)

    def _stored(self, upload: Upload, status: os.stat_result, sha256: str) -> None:
        self._cache.put(status, sha256)
        self._done[Step.CHANGED if upload.replaces else Step.NEW] += 1

    async def _trash(self, items: Sequence[RemoteItem]) -> None:
        await self._drive.move_to_trash(items)
        self._done[Step.TRASHED] += len(items)

    async def _rename(self, item: RemoteItem, name: str) -> None:
        await self._drive.rename(item, name, FAIL)
        self._done[Step.RENAMED] += 1

    async def _make_folder(self, folder: LocalItem) -> None:
        """Create a folder in one that exists. If that one could not be created, it was reported."""
        if parent := self._folders.get(folder.parent):
            self._folders[folder.relative] = await self._drive.create_folder(parent, folder.name)
            self._done[Step.FOLDER] += 1

    async def _hash(self, item: LocalItem) -> str | None:
        """The SHA-256 of a local file. None if it cannot be read or changes, which its upload reports."""
        if known := self._cache.get(item.status):
            return known
        try:
            with Source(item.path) as source:
                sha256 = (await source.sha256_of(0, source.size)).hex()
                self._cache.put(source.status, sha256)
                return sha256
        except (SourceError, TransferFailed):
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


def print_plan(plan: Plan, failed: int) -> None:
    """Print the steps, one a line. So many items cannot be synchronised."""
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
    print_error(f"cloudkeep: would do this: {summary({**planned(plan), Step.FAILED: failed})}")
