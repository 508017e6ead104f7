"""Rows of sessions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from storage.accounts import accounts
from storage.accounts.models import Account, Session
from storage.database.connection import atomically, execute_many
from storage.database.pages import Window, newest_first

#: No account has as many sessions.
MANY = 1_000_000
#: Rows that one statement deletes.
BATCH = 500

RECORD_USE = """
UPDATE session SET last_used_at = ?, address = ?, user_agent = ?
WHERE id = ? AND (last_used_at IS NULL OR last_used_at < ?)"""


class AccountChanged(Exception):
    """The password was changed, or the account disabled or deleted, since the account was read."""


@dataclass(frozen=True)
class Use:
    """The last use of a session, and where it came from."""

    session_id: UUID
    at: datetime
    address: str | None
    user_agent: str | None


async def insert(row: Session, limit: int = MANY, *, account: Account | None = None) -> list[UUID]:
    """Store a new session. If the account has more than ``limit`` sessions then, delete those idle for longest.

    Returns the keys of the deleted ones. ``account``: as it was when its password was verified. Raises
    :class:`AccountChanged`: a sign-in with the old password must not outlive the change that closes all sessions.
    """

    async def work() -> list[UUID]:
        await accounts.lock(row.account_id)
        if account:
            await _require_unchanged(account)
        # A refresh moves the expiry, so the session that expires first was not used for longest.
        idle = Session.filter(account_id=row.account_id).order_by("-expires_at", "-id").offset(limit - 1).limit(BATCH)
        keys = [UUID(str(key)) for key in await idle.values_list("id", flat=True)]
        if keys:
            await Session.filter(id__in=keys).delete()
        await Session.bulk_create([row])
        return keys

    return await atomically(work)


async def find(session_id: UUID) -> Session | None:
    """The session with this key, its account loaded."""
    return await Session.get_or_none(id=session_id).prefetch_related("account")


async def find_open(session_ids: Sequence[UUID], now: datetime, oldest: datetime) -> set[UUID]:
    """Those of these sessions that are open: not expired, and of an account that is not disabled.

    ``oldest``: when the oldest session that has no end of its own and is still open began.
    """
    query = _open(now, oldest).filter(id__in=list(session_ids), account__disabled_at__isnull=True)
    return {UUID(str(key)) for key in await query.values_list("id", flat=True)}


async def find_by_cookies(cookie_hashes: Sequence[str]) -> dict[str, Session]:
    """The sessions with these hashes of cookies, also those that have ended."""
    return {str(row.cookie_hash): row for row in await Session.filter(cookie_hash__in=list(cookie_hashes))}


async def prolong(session_id: UUID, expires_at: datetime, step: timedelta) -> None:
    """Move the end of an idle session, unless another process has moved it within the last ``step``."""
    # An earlier end is stored as well: the limit has become shorter.
    is_due = Q(expires_at__lt=expires_at - step) | Q(expires_at__gt=expires_at)
    await Session.filter(is_due, id=session_id).update(expires_at=expires_at)


async def page(account_id: UUID, window: Window[UUID], now: datetime, oldest: datetime) -> list[Session]:
    """A window of the open sessions of an account, the newest one first; see :func:`find_open`."""
    return await newest_first(_open(now, oldest).filter(account_id=account_id), window)


async def count(account_id: UUID, now: datetime, oldest: datetime) -> int:
    """The number of open sessions of an account; see :func:`find_open`."""
    return await _open(now, oldest).filter(account_id=account_id).count()


async def rotate(session_id: UUID, old_hash: str, new_hash: str, rotated_at: datetime, expires_at: datetime) -> bool:
    """Replace the refresh token; False if the old one is no longer the newest (it was used before)."""
    swapped = await Session.filter(id=session_id, refresh_hash=old_hash).update(
        refresh_hash=new_hash, rotated_at=rotated_at, expires_at=expires_at
    )
    return bool(swapped)


async def set_authenticated(session_id: UUID, at: datetime) -> bool:
    """Store when the password was last given in a session; False if there is no such session."""
    return bool(await Session.filter(id=session_id).update(authenticated_at=at))


async def record_uses(uses: Sequence[Use], interval: timedelta) -> None:
    """Store the last use of sessions, unless another process has stored one within the interval."""

    async def work() -> None:
        rows = [(use.at, use.address, use.user_agent, use.session_id, use.at - interval) for use in uses]
        await execute_many(RECORD_USE, rows)

    await atomically(work)


async def close(session_id: UUID) -> bool:
    """Delete a session, so that its tokens are invalid from now on; False if there is none."""
    return bool(await Session.filter(id=session_id).delete())


async def close_all(account_id: UUID, *, kept: UUID | None = None) -> list[UUID]:
    """Delete every session of an account, or every one but ``kept``. Returns their keys.

    It can be part of a transaction that changes the account. The account's lock excludes a sign-in meanwhile.
    """

    async def work() -> list[UUID]:
        await accounts.lock(account_id)
        found = Session.filter(account_id=account_id)
        keys = [UUID(str(key)) for key in await found.values_list("id", flat=True)]
        closed = [key for key in keys if key != kept]
        for start in range(0, len(closed), BATCH):
            await Session.filter(id__in=closed[start : start + BATCH]).delete()
        return closed

    return await atomically(work)


def _open(now: datetime, oldest: datetime) -> QuerySet[Session]:
    return Session.filter(Q(ends_at__gte=now) | Q(ends_at__isnull=True, created_at__gte=oldest), expires_at__gte=now)


async def _require_unchanged(account: Account) -> None:
    found = await Account.get_or_none(id=account.id)
    if found is None or found.disabled_at or found.password_changed_at != account.password_changed_at:
        raise AccountChanged
