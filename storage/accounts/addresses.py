"""Mail addresses: whether one can become the address of an account."""

from datetime import datetime
from uuid import UUID

from storage.accounts.models import Account, EmailChange
from storage.database.connection import lock_name


async def lock(email: str) -> None:
    """Lock a normalised address until the transaction ends, whether or not it is in use.

    Call it first in every transaction that gives an account an address. :func:`is_taken` is final after it.
    """
    await lock_name(f"address {email}")


async def is_taken(email: str, now: datetime, *, except_account: UUID | None = None) -> bool:
    """Whether a normalised address belongs to an account, or is reserved by one.

    The address before a change stays reserved until the change can no longer be undone. What ``except_account`` owns
    or has reserved does not count.
    """
    owners = Account.filter(email=email)
    changes = EmailChange.filter(old_email=email, undo_until__gt=now)
    if except_account:
        owners, changes = owners.exclude(id=except_account), changes.exclude(account_id=except_account)
    # Both queries always run: the time must not tell whether the address has an account.
    is_owned, is_reserved = await owners.exists(), await changes.exists()
    return is_owned or is_reserved
