"""Rows of released blobs and obsolete records, whose bytes are deleted from the store.

A blob is *claimed* first: from then on nothing can use it again. Then its bytes and record are deleted, and then its
row. So a worker that is killed in between leaves a claimed row, with which the next one continues.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from tortoise.expressions import Q

from storage.accounts import accounts
from storage.database.connection import atomically, fetch
from storage.database.values import marks
from storage.drive import blobs
from storage.drive.models import Blob
from storage.uploads.models import BYTES_DELETED, ObsoleteRecord, QuarantinedBlob

#: Those of some blobs, by key, from which chunks of an unfinished upload are yet to be copied. A failed one may be
#: retried.
SOURCES = """
SELECT DISTINCT chunk.source FROM chunk JOIN upload ON upload.id = chunk.upload_id
WHERE chunk.source IN ({}) AND (upload.status IN ('RECEIVING', 'REASSEMBLING')
    OR (upload.status = 'FAILED' AND COALESCE(upload.error_code, '') <> ?))"""


class Position(NamedTuple):
    """A place in the order in which blobs were released."""

    released_at: datetime
    id: UUID


async def released(before: datetime, after: Position | None, limit: int) -> list[Blob]:
    """The blobs that were released before this time, the first ones after a position."""
    query = Blob.filter(released_at__lt=before)
    if after:
        later = Q(released_at__gt=after.released_at) | Q(released_at=after.released_at, id__gt=after.id)
        query = query.filter(later)
    return await query.order_by("released_at", "id").limit(limit)


async def claim(account_id: UUID | None, blob_ids: Collection[UUID], before: datetime) -> list[Blob]:
    """Claim those of an account's blobs whose bytes can be deleted: released before this time, and named by nothing."""

    async def work() -> list[Blob]:
        if account_id:
            await accounts.lock(account_id)
        rows = await Blob.filter(id__in=list(blob_ids), account_id=account_id, released_at__lt=before)
        needed = await _needed(rows)
        claimed = [blob for blob in rows if blob.id not in needed]
        if claimed:
            await Blob.filter(id__in=[blob.id for blob in claimed]).update(is_deleting=True)
        return claimed

    return await atomically(work)


async def _needed(rows: Sequence[Blob]) -> set[UUID]:
    """Those of these blobs that a row still needs."""
    keys = {blob.key: blob.id for blob in rows}
    if not keys:
        return set()
    of_versions, of_renditions = await blobs.named(keys.values())
    sources = await fetch(SOURCES.format(marks(keys)), *keys, BYTES_DELETED)
    return of_versions | of_renditions | {keys[source] for (source,) in sources}


async def forget(claimed: Collection[Blob]) -> int:
    """Delete the rows of blobs whose bytes are deleted. Returns their number; another worker may have been faster."""

    async def work() -> int:
        deleted = await Blob.filter(id__in=[blob.id for blob in claimed], is_deleting=True).delete()
        await QuarantinedBlob.filter(key__in=[blob.key for blob in claimed]).delete()
        return int(deleted)

    return await atomically(work) if claimed else 0


async def obsolete_records(before: datetime, limit: int) -> list[str]:
    """The keys of records that have been obsolete since before this time."""
    oldest_first = ObsoleteRecord.filter(since__lt=before).order_by("since", "key")
    return [str(key) for key in await oldest_first.limit(limit).values_list("key", flat=True)]


async def are_obsolete(keys: Collection[str]) -> set[str]:
    """Those of these keys whose records are obsolete."""
    return {row.key for row in await ObsoleteRecord.filter(key__in=list(keys))}


async def forget_records(keys: Collection[str]) -> None:
    """Forget records that are deleted."""
    await ObsoleteRecord.filter(key__in=list(keys)).delete()
