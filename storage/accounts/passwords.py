"""Changes of password hashes."""

from uuid import UUID

from storage.accounts.models import Account


async def replace_password_hash(account_id: UUID, old_hash: str, new_hash: str) -> bool:
    """Replace the hash of an account; False if it is no longer ``old_hash``."""
    return bool(await Account.filter(id=account_id, password_hash=old_hash).update(password_hash=new_hash))
