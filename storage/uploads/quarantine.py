"""Since when blobs are in quarantine: published once, needed by no row now."""

from datetime import datetime

from storage.uploads.models import QuarantinedBlob


async def since(key: str) -> datetime | None:
    """Since when this blob is in quarantine; None if it is not."""
    row = await QuarantinedBlob.get_or_none(key=key)
    return row.since if row else None


async def add(key: str, now: datetime) -> datetime:
    """Put a blob into quarantine, unless it is already. Returns since when it is."""
    row, _ = await QuarantinedBlob.get_or_create(key=key, defaults={"since": now})
    return row.since


async def remove(key: str) -> None:
    """End the quarantine of a blob that was deleted."""
    await QuarantinedBlob.filter(key=key).delete()
