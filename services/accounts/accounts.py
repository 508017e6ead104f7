"""Accounts as they are stored."""

from collections.abc import Collection
from uuid import UUID

from storage.accounts import accounts as rows
from storage.accounts.models import Account


class Accounts:
    """Reads accounts."""

    async def find_many(self, account_ids: Collection[UUID]) -> dict[UUID, Account]:
        """The accounts with these keys."""
        return await rows.find_many(account_ids)
