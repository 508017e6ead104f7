"""Rows of limit overrides: the limits of an account that an operator has set."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from storage.budgets.models import NO_LIMIT, Grant, GrantKind
from storage.database.connection import as_uuid, atomically, fetch
from storage.database.values import marks

#: SQLite accepts at least 999 values in one statement.
BATCH = 500
#: Written out because a request waits for it: the ORM takes longer to compose the statement than the database to run
#: it.
FIND = "SELECT account_id, kind, capacity, refill FROM account_grant WHERE account_id IN ({})"


#: A capacity and, where the kind is a bucket, its refill a second.
Amount = tuple[int, float | None]


class LimitOverride(NamedTuple):
    """One row: ``capacity`` of a kind, and its ``refill`` a second where the kind is a bucket."""

    account_id: UUID
    kind: GrantKind
    capacity: int
    refill: float | None


async def find_many(account_ids: Sequence[UUID]) -> list[LimitOverride]:
    """The overrides of up to ``BATCH`` accounts."""
    rows: Sequence[Any] = await fetch(FIND.format(marks(account_ids)), *account_ids)
    return [LimitOverride(as_uuid(key), GrantKind(kind), capacity, refill) for key, kind, capacity, refill in rows]


async def quota_of(account_id: UUID, default: int | None) -> int | None:
    """The bytes that an account may use: as granted, or else ``default``. None is no limit."""
    for override in await find_many([account_id]):
        if override.kind is GrantKind.QUOTA:
            return None if override.capacity == NO_LIMIT else override.capacity
    return default


async def change(account_id: UUID, amounts: Mapping[GrantKind, Amount | None], now: datetime) -> None:
    """Set each kind to an amount, or delete its override where that is None. All is changed, or nothing."""
    rows = [
        Grant(account_id=account_id, kind=kind, capacity=amount[0], refill=amount[1])
        for kind, amount in amounts.items()
        if amount
    ]

    async def work() -> None:
        # Otherwise the second of two simultaneous commands would fail at the row of the first.
        await Grant.bulk_create(rows, ignore_conflicts=True)
        for kind, amount in amounts.items():
            override = Grant.filter(account_id=account_id, kind=kind)
            if amount:
                await override.update(capacity=amount[0], refill=amount[1], updated_at=now)
            else:
                await override.delete()

    await atomically(work)


async def grant_quota(account_id: UUID, capacity: int) -> None:
    """Set the quota of a new account, in bytes, in the caller's transaction."""
    await Grant.bulk_create([Grant(account_id=account_id, kind=GrantKind.QUOTA, capacity=capacity, refill=None)])


async def find_all(account_id: UUID | None = None) -> list[Grant]:
    """All overrides, or those of one account, by user ID and kind, their accounts loaded."""
    query = Grant.all() if account_id is None else Grant.filter(account_id=account_id)
    return await query.order_by("account__user_id", "kind").prefetch_related("account")
