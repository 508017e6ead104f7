"""One run of ``cloudkeep download``: find the items, make local folders, and download the files."""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from cloudkeep.client.display.display import Display, open_display
from cloudkeep.client.display.progress import RECEIVING, ByteCounter
from cloudkeep.client.downloads.file_download import GONE, DownloadContext, FileDownload
from cloudkeep.client.downloads.local_paths import destination, require_folder, require_safe_name, whole_drive
from cloudkeep.client.drive.documents import DOWNLOADED_ITEMS
from cloudkeep.client.drive.drive import Drive
from cloudkeep.client.drive.items import RemoteItem
from cloudkeep.client.drive.paths import ROOT_PATH
from cloudkeep.client.drive.run import Outcome
from cloudkeep.client.errors import ItemFailed, printable
from cloudkeep.client.uploads.sender import task_group

#: Files that are downloaded at the same time. A large one has the whole bandwidth, small ones wait for each other less.
FILES_AT_ONCE = 4


@dataclass(frozen=True)
class Job:
    """A file, and where it is stored."""

    item: RemoteItem
    target: Path


async def download(drive: Drive, http: httpx.AsyncClient, place: str, target: str | None, *, overwrite: bool) -> int:
    """Download a file, or a folder with everything in it. Prints the local path of each file."""
    item = await drive.find(place)
    local = whole_drive(target) if item.path == ROOT_PATH else destination(item.name, place, target)
    display = open_display()
    with display.bars:
        return await _Run(drive, http, display, item, overwrite=overwrite).run(local)


class _Run:
    def __init__(
        self, drive: Drive, http: httpx.AsyncClient, display: Display, item: RemoteItem, *, overwrite: bool
    ) -> None:
        self._item = item
        self._drive = drive
        self._display = display
        self._track = display.track(printable(item.name or "drive"))
        self._context = DownloadContext(drive, http, self._track, overwrite)
        self._outcome = Outcome(self._track.note)
        self._lock = asyncio.Lock()
        self._counts = {True: 0, False: 0}
        drive.notify = self._track.note

    async def run(self, local: Path) -> int:
        size = await self._drive.total_size(self._item) if self._item.is_folder else self._item.size
        progress = DownloadProgress(ByteCounter(self._track, RECEIVING, size) if size else None)
        jobs = self._jobs_of_folder(local) if self._item.is_folder else self._job_of_file(local)
        async with task_group() as group:
            for _ in range(FILES_AT_ONCE):
                group.create_task(self._work(jobs, progress))
        known = f", {self._counts[False]} already here" if self._counts[False] else ""
        failed = f", {self._outcome.failures} failed" if self._outcome.failures else ""
        self._track.end(f"{self._counts[True]} downloaded{known}{failed}")
        return self._outcome.code

    async def _work(self, jobs: AsyncIterator[Job], progress: "DownloadProgress") -> None:
        while job := await self._next(jobs):
            await self._outcome.attempt(str(job.target), self._download(job, progress))
            progress.finish(job.item)

    async def _next(self, jobs: AsyncIterator[Job]) -> Job | None:
        """The next job. Folders are listed only as fast as their files are downloaded."""
        async with self._lock:
            return await anext(jobs, None)

    async def _download(self, job: Job, progress: "DownloadProgress") -> None:
        download = FileDownload(self._context, job.item, job.target, lambda done: progress.update(job.item, done))
        self._counts[await download.run()] += 1
        sys.stdout.write(f"{printable(str(job.target))}\n")
        sys.stdout.flush()

    async def _job_of_file(self, local: Path) -> AsyncIterator[Job]:
        if item := await self._drive.with_url(self._item):
            yield Job(item, local)
        else:
            self._report_gone(self._item)

    async def _jobs_of_folder(self, local: Path) -> AsyncIterator[Job]:
        """The files below the folder. Makes the local folders on the way."""
        require_folder(local)
        folders = {self._item.path.rstrip("/"): local}
        async for item in self._drive.tree(self._item, DOWNLOADED_ITEMS, self._report_gone):
            parent = folders.get(item.path[: -len(item.name) - 1])
            if not parent:
                # A folder above it was reported.
                continue
            try:
                path = parent / require_safe_name(item.name, item.path)
                if not item.is_folder:
                    yield Job(item, path)
                    continue
                require_folder(path)
                folders[item.path] = path
            except ItemFailed as error:
                self._outcome.failed(error)

    def _report_gone(self, item: RemoteItem) -> None:
        self._outcome.failed(ItemFailed(item.label, GONE))


class DownloadProgress:
    """The bytes of all files of a run. Shows nothing without a counter."""

    def __init__(self, counter: ByteCounter | None) -> None:
        self._counter = counter
        self._finished = 0
        self._unfinished: dict[str, int] = {}

    def update(self, item: RemoteItem, done: int) -> None:
        """Of a file, so many bytes are there."""
        self._unfinished[item.id] = done
        if self._counter:
            self._counter.update(self._finished + sum(self._unfinished.values()))

    def finish(self, item: RemoteItem) -> None:
        """Nothing more comes of a file."""
        self._finished += self._unfinished.pop(item.id, 0)
