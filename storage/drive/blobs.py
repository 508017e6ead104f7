"""Rows of blobs, and the bytes that they count against an account's quota.

Call these functions inside a transaction, after the account's row was locked. A blob counts once, however many versions
and renditions name it: as an original if a version does, else as derived. The deletion of the last of them releases it:
it counts no more, and its bytes are deleted some time later (:mod:`storage.deletion.collection`).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise.expressions import F

from storage.accounts.models import Account
from storage.database.bulk import insert_rows
from storage.drive.models import Blob, FileVersion, Rendition


async def add_original(account_id: UUID, *, key: str, size: int, sha256: str, crc32: int | None = None) -> Blob:
    """Store the blob of an uploaded file."""
    await _count(account_id, originals=size)
    return await Blob.create(account_id=account_id, key=key, size=size, sha256=sha256, crc32=crc32)


async def add_originals(account_id: UUID, rows: Sequence[Blob]) -> None:
    """Store the blobs of several uploaded files, like :func:`add_original`."""
    await _count(account_id, originals=sum(blob.size for blob in rows))
    await insert_rows(rows)


async def add_derived(account_id: UUID, *, key: str, size: int, sha256: str, crc32: int | None = None) -> Blob:
    """Store the blob of what was made from a file."""
    await _count(account_id, derived=size)
    return await Blob.create(account_id=account_id, key=key, size=size, sha256=sha256, crc32=crc32)


async def use(account_id: UUID, blob_ids: Collection[UUID]) -> set[UUID]:
    """Those of these blobs that versions of the account can name from now on. What was released counts again.

    The bytes of the others are being deleted or were deleted: a transaction that read a blob before this one may be
    late.
    """
    rows = await Blob.filter(id__in=list(blob_ids), is_deleting=False) if blob_ids else []
    again = [blob for blob in rows if blob.account_id and blob.released_at]
    if again:
        await Blob.filter(id__in=[blob.id for blob in again]).update(released_at=None)
        await _count(account_id, originals=sum(blob.size for blob in again))
    return {blob.id for blob in rows}


async def usable(keys: Collection[str]) -> set[str]:
    """Those of these blobs, by key, from which chunks may be copied: their bytes are not being deleted."""
    rows = await Blob.filter(key__in=list(keys), is_deleting=False).only("key")
    return {blob.key for blob in rows}


async def named(blob_ids: Collection[UUID]) -> tuple[set[UUID], set[UUID]]:
    """Those of these blobs that versions name, and those that renditions name."""
    if not blob_ids:
        return set(), set()
    keys = list(blob_ids)
    of_versions: Any = FileVersion.filter(blob_id__in=keys).values_list("blob_id", flat=True)
    of_renditions: Any = Rendition.filter(blob_id__in=keys).values_list("blob_id", flat=True)
    return set(await of_versions), set(await of_renditions)


@dataclass
class Unnamed:
    """Blobs that deleted rows have named, by key: those of versions, and those of renditions."""

    of_versions: set[UUID] = field(default_factory=set)
    of_renditions: set[UUID] = field(default_factory=set)

    @property
    def keys(self) -> set[UUID]:
        """All of them."""
        return self.of_versions | self.of_renditions


@dataclass(frozen=True)
class Released:
    """Blobs that nothing names any more, and the sum of their sizes in bytes."""

    blobs: int
    size: int


NOTHING_RELEASED = Released(0, 0)


async def release(account_id: UUID, unnamed: Unnamed, now: datetime) -> Released:
    """Release those of these blobs that no version and no rendition names any more, and count what is left."""
    rows = await Blob.filter(id__in=list(unnamed.keys), released_at__isnull=True) if unnamed.keys else []
    originals, derived = await named([blob.id for blob in rows])
    derived -= originals
    was_original = unnamed.of_versions | originals
    gone = [blob for blob in rows if blob.id not in originals | derived]
    if gone:
        await Blob.filter(id__in=[blob.id for blob in gone]).update(released_at=now)
    await _count(
        account_id,
        originals=-sum(blob.size for blob in rows if blob.id in was_original and blob.id not in originals),
        derived=sum(blob.size for blob in rows if blob.id in derived and blob.id in was_original)
        - sum(blob.size for blob in gone if blob.id not in was_original),
    )
    return Released(len(gone), sum(blob.size for blob in gone))


async def _count(account_id: UUID, *, originals: int = 0, derived: int = 0) -> None:
    if originals or derived:
        await Account.filter(id=account_id).update(
            original_bytes=F("original_bytes") + originals, derived_bytes=F("derived_bytes") + derived
        )
