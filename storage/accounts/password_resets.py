"""Rows of forgotten passwords, which wait for their code."""

from datetime import datetime
from uuid import UUID

from tortoise.expressions import F

from storage.accounts import accounts, credentials
from storage.accounts.models import Account, PasswordReset
from storage.database.connection import atomically
from storage.outbox import outbox
from storage.outbox.models import OutboxMail


async def insert(row: PasswordReset, email: str) -> bool:
    """Store a reset; False if its account no longer has this address, to which the code will be mailed."""

    async def work() -> bool:
        await accounts.lock(row.account_id)
        # A change of address deletes the resets that wait, and must not miss one that is stored in that moment.
        if not await Account.filter(id=row.account_id, email=email).exists():
            return False
        await PasswordReset.bulk_create([row])
        return True

    return await atomically(work)


async def count_attempt(reset_id: UUID, limit: int) -> PasswordReset | None:
    """Count one guess at the code and return the reset with its account; None if there is none or no guess is left."""
    counted = await PasswordReset.filter(id=reset_id, attempts__lt=limit).update(attempts=F("attempts") + 1)
    return await PasswordReset.get_or_none(id=reset_id).prefetch_related("account") if counted else None


async def take_back_attempt(reset_id: UUID) -> None:
    """Remove one guess from the count, because the code was right."""
    await PasswordReset.filter(id=reset_id, attempts__gt=0).update(attempts=F("attempts") - 1)


async def complete(reset: PasswordReset, password_hash: str, now: datetime, notice: OutboxMail) -> list[UUID] | None:
    """Use up a reset: set the password, end every session and API token of the account, and queue the notice.

    Returns the keys of the sessions; None if the reset was used before, or the account was disabled.
    """

    async def work() -> list[UUID] | None:
        await accounts.lock(reset.account_id)
        if not await Account.filter(id=reset.account_id, disabled_at__isnull=True).exists():
            return None
        if not await PasswordReset.filter(id=reset.id).delete():
            return None
        await credentials.set_password(reset.account_id, password_hash, now)
        await outbox.enqueue(notice, now)
        return await credentials.end_everything(reset.account_id)

    return await atomically(work)
