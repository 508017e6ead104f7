"""Rows of limit overrides: the limits of an account that an operator has set."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from storage.budgets.models import Grant, GrantKind
from storage.database.connection import as_uuid, atomically, fetch

#: SQLite takes at least 999 values in one statement.
BATCH = 500
#: Written out, for a request waits for it: the ORM takes longer to compose it than the database to run it.
FIND = "SELECT account_id, kind, capacity, refill FROM account_grant WHERE account_id IN ({})"


class LimitOverride(NamedTuple):
    """One row: ``capacity`` of a kind, and its ``refill`` a second where the kind is a bucket."""

    account_id: UUID
    kind: GrantKind
    capacity: int
    refill: float | None


async def find_many(account_ids: Sequence[UUID]) -> list[LimitOverride]:
    """The overrides of up to ``BATCH`` accounts."""
    marks = ", ".join("?" * len(account_ids))
    rows: Sequence[Any] = await fetch(FIND.format(marks), *account_ids)
    return [LimitOverride(as_uuid(key), GrantKind(kind), capacity, refill) for key, kind, capacity, refill in rows]


async def save(account_id: UUID, kind: GrantKind, capacity: int, refill: float | None, now: datetime) -> None:
    """Store an override in place of an older one of its kind."""
    row = Grant(account_id=account_id, kind=kind, capacity=capacity, refill=refill)

    async def work() -> None:
        # Otherwise the second of two commands at once would fail at the row of the first.
        await Grant.bulk_create([row], ignore_conflicts=True)
        await Grant.filter(account_id=account_id, kind=kind).update(capacity=capacity, refill=refill, updated_at=now)

    await atomically(work)


async def remove(account_id: UUID, kinds: Collection[GrantKind]) -> int:
    """Delete an account's overrides of these kinds; returns how many there were."""
    return await Grant.filter(account_id=account_id, kind__in=list(kinds)).delete()


async def find_all(account_id: UUID | None = None) -> list[Grant]:
    """All overrides, or those of one account, by user ID and kind, their accounts loaded."""
    query = Grant.all() if account_id is None else Grant.filter(account_id=account_id)
    return await query.order_by("account__user_id", "kind").prefetch_related("account")
