"""Rows of API tokens."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from tortoise.expressions import Q

from storage.accounts import accounts
from storage.accounts.models import ApiToken, Session
from storage.database.connection import atomically
from storage.database.pages import Window, newest_first
from storage.errors import LimitReached

#: SQLite accepts at least 999 values in one statement.
BATCH = 500


class UsableApiToken(NamedTuple):
    """A token of an account that is not disabled. It may have expired."""

    id: UUID
    account_id: UUID
    scopes: Sequence[str]
    expires_at: datetime | None


class SessionClosed(Exception):
    """The session in which a token was to be created has been closed meanwhile."""


async def _nothing() -> None:
    """Do nothing."""


async def insert(
    row: ApiToken,
    limit: int,
    now: datetime,
    *,
    session_id: UUID | None = None,
    and_then: Callable[[], Awaitable[None]] = _nothing,
) -> None:
    """Store a new token, and await ``and_then`` in the same transaction.

    Raises :class:`LimitReached` if the account has ``limit`` tokens that have not expired. ``session_id`` is the
    session that creates the token. Raises :class:`SessionClosed`: a reset of the password closes all sessions and
    deletes all tokens, and the token of a request that is under way must not outlive that.
    """

    async def work() -> None:
        await accounts.lock(row.account_id)
        if session_id and not await Session.filter(id=session_id, account_id=row.account_id).exists():
            raise SessionClosed
        valid = ApiToken.filter(Q(expires_at=None) | Q(expires_at__gt=now), account_id=row.account_id)
        if await valid.count() >= limit:
            raise LimitReached("the account has too many API tokens")
        await ApiToken.bulk_create([row])
        await and_then()

    await atomically(work)


async def find_usable(secret_hashes: Collection[str]) -> dict[str, UsableApiToken]:
    """The tokens with these hashes, by hash, at most ``BATCH``. Those of disabled accounts are left out."""
    query = ApiToken.filter(secret_hash__in=list(secret_hashes), account__disabled_at=None)
    rows = await query.values_list("secret_hash", "id", "account_id", "scopes", "expires_at")
    return {secret_hash: UsableApiToken(*values) for secret_hash, *values in rows}


async def find_live(token_ids: Collection[UUID], now: datetime) -> set[UUID]:
    """Those of these tokens that exist and have not expired, and whose accounts are not disabled."""
    valid = ApiToken.filter(Q(expires_at=None) | Q(expires_at__gt=now), id__in=list(token_ids))
    return {row.id for row in await valid.filter(account__disabled_at=None).only("id")}


async def find(token_id: UUID) -> ApiToken | None:
    """The token with this key."""
    return await ApiToken.get_or_none(id=token_id)


async def page(account_id: UUID, window: Window[UUID]) -> list[ApiToken]:
    """A window of the tokens of an account, the newest one first."""
    return await newest_first(ApiToken.filter(account_id=account_id), window)


async def count(account_id: UUID) -> int:
    """The number of an account's tokens."""
    return await ApiToken.filter(account_id=account_id).count()


async def delete(token_id: UUID) -> None:
    """Delete a token. It is invalid from now on."""
    await ApiToken.filter(id=token_id).delete()


async def set_last_use(token_ids: Collection[UUID], moment: datetime) -> None:
    """Store when these tokens were last used, at most ``BATCH``."""
    await ApiToken.filter(id__in=list(token_ids)).update(last_used_at=moment)
