"""The storage that every account uses. It reads whole tables: it is for the command line."""

from uuid import UUID

from storage.accounts.models import Account


async def used_bytes() -> dict[UUID, int]:
    """The stored bytes of each account that has files."""
    accounts = await Account.all().only("id", "original_bytes", "derived_bytes")
    used = {account.id: account.original_bytes + account.derived_bytes for account in accounts}
    return {account_id: size for account_id, size in used.items() if size}
