"""Rows of sessions."""

from datetime import datetime
from uuid import UUID

from storage.accounts import accounts
from storage.accounts.models import Session
from storage.database.connection import atomically

#: No account has as many sessions.
MANY = 1_000_000
#: Rows that one statement deletes.
BATCH = 500


async def insert(row: Session, limit: int = MANY) -> Session:
    """Store a new session. If the account has more than ``limit`` sessions then, delete those idle for longest."""

    async def work() -> Session:
        await accounts.lock(row.account_id)
        # A refresh moves the expiry, so the session that expires first was not used for longest.
        idle = Session.filter(account_id=row.account_id).order_by("-expires_at", "-id").offset(limit - 1).limit(BATCH)
        if keys := await idle.values_list("id", flat=True):
            await Session.filter(id__in=keys).delete()
        await Session.bulk_create([row])
        return row

    return await atomically(work)


async def find(session_id: UUID) -> Session | None:
    """The session with this key, its account loaded."""
    return await Session.get_or_none(id=session_id).prefetch_related("account")


async def rotate(session_id: UUID, old_hash: str, new_hash: str, rotated_at: datetime, expires_at: datetime) -> bool:
    """Replace the refresh token; False if the old one is no longer the newest (it was used before)."""
    swapped = await Session.filter(id=session_id, refresh_hash=old_hash).update(
        refresh_hash=new_hash, rotated_at=rotated_at, expires_at=expires_at
    )
    return bool(swapped)


async def close(session_id: UUID) -> None:
    """Delete a session; its refresh tokens are invalid from now on."""
    await Session.filter(id=session_id).delete()
