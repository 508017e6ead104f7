"""The records of blobs on a local disk: ``records/XX/YY/KEY.json``, for the blob ``blobs/XX/YY/KEY``."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

from storage.blobs.local.folder import BlobFolder
from storage.blobs.publishing import MAX_RECORD
from storage.durable_files import sync
from storage.errors import BlobNotFound

#: Files that one call in a thread lists.
LISTED_AT_ONCE = 500
Run = Callable[..., Awaitable[Any]]
Each = Callable[[Callable[[Any], object], Collection[Any]], Awaitable[object]]


class LocalRecords:
    """See :class:`storage.blobs.publishing.BlobRecords`. ``run`` runs a call on a thread of the store, ``each`` one for
    each of several items.
    """

    def __init__(self, folder: BlobFolder, run: Run, each: Each) -> None:
        self._folder = folder
        self._run = run
        self._each = each

    async def write(self, key: str, content: bytes) -> None:
        """See :class:`storage.blobs.publishing.BlobRecords`."""
        await self._run(self._write, (key, content), self._folder.take_record)

    async def write_all(self, records: Mapping[str, bytes]) -> None:
        """See :class:`storage.blobs.publishing.BlobRecords`. Folders that several records share are synced once."""
        await self._each(partial(self._write, place=self._folder.move_record), list(records.items()))
        folders = {each for key in records for each in self._folder.folders_of(self._folder.record_path(key))}
        await self._each(sync, folders)

    async def read(self, key: str) -> bytes | None:
        """See :class:`storage.blobs.publishing.BlobRecords`."""
        try:
            content: bytes = await self._run(self._read, key)
        except BlobNotFound:
            return None
        return content

    async def keys(self, staging: str) -> Sequence[str]:
        """See :class:`storage.blobs.publishing.BlobRecords`. An upload has one key."""
        exists = await self._run(self._folder.record_path(staging).exists)
        return [staging] if exists else []

    async def all_keys(self) -> AsyncIterator[str]:
        """See :class:`storage.blobs.publishing.BlobRecords`."""
        keys = self._folder.record_keys()
        while batch := await self._run(lambda: list(islice(keys, LISTED_AT_ONCE))):
            for key in batch:
                yield key

    def _write(self, record: tuple[str, bytes], place: Callable[[str, Path], None]) -> None:
        key, content = record
        # If the process is killed, the sweeper takes this file for a staging area that was replaced.
        landing = self._folder.staging_path(f"{key}.{uuid4().hex[:8]}")
        descriptor = os.open(landing, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            place(key, landing)
        finally:
            landing.unlink(missing_ok=True)

    def _read(self, key: str) -> bytes:
        with self._folder.record_path(key).open("rb") as file:
            return file.read(MAX_RECORD)
