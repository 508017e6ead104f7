"""Zip files: made from items, stored as a list of entries, and read while they are downloaded."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.core.clock import now
from services.core.counters import Counters
from services.core.errors import NotFound
from services.core.validation import file_name
from services.drive.zips import entries as lists
from services.drive.zips.building import blobs_without_crc32, entries_of
from services.drive.zips.errors import ChecksumsPending, ContentLost, ZipTooLarge
from services.drive.zips.layout import ZipLayout
from services.drive.zips.reading import ZipReader
from storage.blobs import BlobStore
from storage.drive import checksums
from storage.drive import zips as rows
from storage.drive.models import Zip
from storage.drive.names import MAX_NAME_BYTES, shortened
from storage.drive.tree import subtrees
from storage.drive.tree.subtrees import TreeBlob, TreeItem
from storage.jobs.job_notifications import JobNotifications
from storage.jobs.models import JobKind

SUFFIX = ".zip"
DEFAULT_NAME = "files.zip"
#: Bytes of the list of entries for each entry that a zip file may have: paths of 300 bytes on average. A download keeps
#: the list in memory.
BYTES_PER_ENTRY = 400
#: Zip files of an account that are kept: in the worst case, 20 MB of rows. A new one replaces the oldest one.
KEPT = 40
#: CRC-32s that are queued at once. The call after that queues the next ones.
MAX_REQUESTED = 500
#: Bytes per second with which a worker computes a CRC-32 that a client waits for.
CHECKSUM_RATE = 128 * 2**20
SHORTEST_WAIT, LONGEST_WAIT = 2.0, 300.0


@dataclass(frozen=True)
class ZipPolicy:
    """The limits of zip files. ``max_entries`` counts files and folders."""

    max_entries: int = 10_000

    @property
    def max_list(self) -> int:
        """Bytes of the longest list of entries."""
        return BYTES_PER_ENTRY * self.max_entries


class Zips:
    """Makes and reads zip files. Callers check the viewer's permission."""

    def __init__(
        self, store: BlobStore, notifications: JobNotifications, policy: ZipPolicy, counters: Counters | None = None
    ) -> None:
        self._store = store
        self._notifications = notifications
        self._policy = policy
        self._counters = counters or Counters()

    async def create(self, account_id: UUID, item_ids: Sequence[UUID], name: str | None, expires_at: datetime) -> Zip:
        """Freeze the current content of an account's items in a zip file, which is kept until ``expires_at``.

        Items inside another one of them are there only once. Raises :class:`InvalidInput`, :class:`NotFound` for an
        item that is missing or in the trash, :class:`ZipTooLarge`, :class:`ChecksumsPending`, and :class:`ContentLost`.
        """
        given = file_name(name, field="name") if name else None
        tops, missing = await subtrees.visible_tops(account_id, item_ids)
        if missing:
            raise NotFound("There is no such item.", field=f"itemIds.{item_ids.index(missing[0])}")
        items = await subtrees.descendants(tops, self._policy.max_entries + 1)
        if len(items) > self._policy.max_entries:
            raise self._too_large()
        await self._require_crc32s(blobs_without_crc32(items))
        row = await asyncio.to_thread(_row, tops, items, self._policy.max_list)
        if not row:
            raise self._too_large()
        row.account_id, row.expires_at = account_id, expires_at
        row.name = _with_suffix(given or _default_name(tops, items))
        await rows.insert(row, KEPT)
        self._counters.zips_created += 1
        return row

    async def find(self, zip_id: UUID) -> Zip | None:
        """The zip file with this key, of any account, unless it has expired."""
        row = await rows.find(zip_id)
        return row if row and row.expires_at > now() else None

    async def content(self, zip_id: UUID) -> Zip:
        """The zip file of a signed URL. Raises :class:`ContentLost` if it was deleted."""
        row = await rows.find(zip_id)
        if not row:
            raise ContentLost("This zip file is not available any more. Create a new one.")
        return row

    async def reader(self, row: Zip) -> ZipReader:
        """A reader of the bytes of a zip file. Raises :class:`ContentLost` if it cannot be read any more."""
        stored = await rows.entries_of(row.id)
        reader = await asyncio.to_thread(_reader, stored, self._store) if stored else None
        if reader is None or reader.size != row.size:
            raise ContentLost("This zip file is not available any more. Create a new one.")
        return reader

    async def withdraw(self, row: Zip) -> None:
        """Delete a zip file whose bytes are lost, so that no download begins that cannot end."""
        await rows.delete(row.id)

    def _too_large(self) -> ZipTooLarge:
        self._counters.zips_refused["ZIP_TOO_LARGE"] += 1
        return ZipTooLarge(
            f"A zip file can have at most {self._policy.max_entries:,} files and folders, and their paths must not be "
            "too long.",
            field="itemIds",
        )

    async def _require_crc32s(self, blobs: Sequence[TreeBlob]) -> None:
        if not blobs:
            return
        failed = await checksums.request([blob.id for blob in blobs[:MAX_REQUESTED]], now())
        if failed:
            self._counters.zips_refused["CONTENT_LOST"] += 1
            raise ContentLost("The bytes of a file are missing on the server, or have changed.", field="itemIds")
        await self._notifications.send(JobKind.CHECKSUM)
        self._counters.zips_refused["CHECKSUMS_PENDING"] += 1
        seconds = sum(blob.size for blob in blobs) / CHECKSUM_RATE
        raise ChecksumsPending(
            "The server still computes checksums of these files. Try again in a moment.",
            retry_after=min(LONGEST_WAIT, SHORTEST_WAIT + seconds),
        )


def _default_name(tops: Sequence[UUID], items: Sequence[TreeItem]) -> str:
    names = [item.name for item in items if item.id == tops[0]] if len(tops) == 1 else []
    return names[0] if names else DEFAULT_NAME


def _with_suffix(name: str) -> str:
    return name if name.lower().endswith(SUFFIX) else shortened(name, MAX_NAME_BYTES - len(SUFFIX)) + SUFFIX


def _row(tops: Sequence[UUID], items: Sequence[TreeItem], max_list: int) -> Zip | None:
    """A zip file without its name; None if its list of entries has more bytes."""
    entries = list(entries_of(tops, items))
    lines = lists.lines_of(entries)
    if len(lines) > max_list:
        return None
    return Zip(size=ZipLayout(entries).size, etag=lists.etag_of(lines), entries=lists.compressed(lines))


def _reader(stored: bytes, store: BlobStore) -> ZipReader | None:
    try:
        return ZipReader(lists.decode(stored), store)
    except ValueError:
        return None
