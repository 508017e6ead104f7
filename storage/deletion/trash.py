"""Finds the accounts whose trash has items that were put there long ago."""

from datetime import datetime
from uuid import UUID

from storage.database.connection import as_uuid, fetch

#: Each account in one step of the partial index, instead of a scan of everything in any trash.
NEXT_ACCOUNT = """
SELECT account_id FROM item WHERE trashed_at IS NOT NULL AND account_id > ? ORDER BY account_id LIMIT 1"""


async def next_account(after: UUID) -> UUID | None:
    """The account with the next greater key that has something in its trash."""
    rows = await fetch(NEXT_ACCOUNT, after)
    return as_uuid(rows[0][0]) if rows else None


async def holds_older(account_id: UUID, before: datetime) -> bool:
    """Whether the account's trash has an item that was put there before this time."""
    query = "SELECT 1 FROM item WHERE account_id = ? AND trashed_at IS NOT NULL AND trashed_at < ? LIMIT 1"
    return bool(await fetch(query, account_id, before))
