"""Rows of zip files."""

from datetime import datetime
from typing import Any
from uuid import UUID

from storage.database.connection import atomically
from storage.drive.models import Zip

#: All columns but the entries, which may take half a megabyte.
FACTS = ("id", "account_id", "name", "size", "etag", "created_at", "expires_at")


async def insert(row: Zip, keep: int) -> None:
    """Store a zip file, and delete the account's oldest ones beyond ``keep``."""

    async def work() -> None:
        await row.save(force_create=True)
        newest: Any = Zip.filter(account_id=row.account_id).order_by("-id").limit(keep + 1).values_list("id", flat=True)
        ids = await newest
        if len(ids) > keep:
            await Zip.filter(account_id=row.account_id, id__lte=ids[-1]).delete()

    await atomically(work)


async def find(zip_id: UUID) -> Zip | None:
    """The zip file with this key, without its entries."""
    return await Zip.filter(id=zip_id).only(*FACTS).first()


async def entries_of(zip_id: UUID) -> bytes | None:
    """The stored entries of a zip file."""
    row = await Zip.filter(id=zip_id).only("id", "entries").first()
    return bytes(row.entries) if row else None


async def delete(zip_id: UUID) -> None:
    """Delete a zip file: its URL does not work any more."""
    await Zip.filter(id=zip_id).delete()


async def purge(now: datetime, limit: int) -> int:
    """Delete zip files that have expired, at most ``limit`` of them. Returns their number."""
    expired: Any = Zip.filter(expires_at__lt=now).order_by("expires_at").limit(limit).values_list("id", flat=True)
    ids = await expired
    if ids:
        await Zip.filter(id__in=ids).delete()
    return len(ids)
