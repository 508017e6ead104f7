"""Rows of grants: what of an account's budget an operator has set."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from storage.budgets.models import Grant, GrantKind
from storage.database.connection import as_uuid, atomically, fetch

#: SQLite takes at least 999 values in one statement.
BATCH = 500
#: Written out, for it is asked between a request and its answer: the ORM takes longer to compose it than it takes.
FIND = "SELECT account_id, kind, capacity, refill FROM account_grant WHERE account_id IN ({})"


class LimitOverride(NamedTuple):
    """One row: ``capacity`` of a kind, and its ``refill`` a second where the kind is a bucket."""

    account_id: UUID
    kind: GrantKind
    capacity: int
    refill: float | None


async def of(account_ids: Sequence[UUID]) -> list[LimitOverride]:
    """The grants of up to ``BATCH`` accounts."""
    marks = ", ".join("?" * len(account_ids))
    rows: Sequence[Any] = await fetch(FIND.format(marks), *account_ids)
    return [LimitOverride(as_uuid(key), GrantKind(kind), capacity, refill) for key, kind, capacity, refill in rows]


async def put(account_id: UUID, kind: GrantKind, capacity: int, refill: float | None, now: datetime) -> None:
    """Store a grant in place of an older one of its kind."""
    row = Grant(account_id=account_id, kind=kind, capacity=capacity, refill=refill)

    async def work() -> None:
        # Of two commands at once that both found none, the second would fail at the first one's row.
        await Grant.bulk_create([row], ignore_conflicts=True)
        await Grant.filter(account_id=account_id, kind=kind).update(capacity=capacity, refill=refill, updated_at=now)

    await atomically(work)


async def remove(account_id: UUID, kinds: Collection[GrantKind]) -> int:
    """Delete an account's grants of these kinds; how many there were."""
    return await Grant.filter(account_id=account_id, kind__in=list(kinds)).delete()


async def every(account_id: UUID | None = None) -> list[Grant]:
    """All grants, or those of one account, by user ID and kind, their accounts loaded."""
    wanted = Grant.all() if account_id is None else Grant.filter(account_id=account_id)
    return await wanted.order_by("account__user_id", "kind").prefetch_related("account")
