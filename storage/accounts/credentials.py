"""Changes of passwords, and what they end: sessions, API tokens, and what waits for a code."""

from datetime import datetime
from uuid import UUID

from storage.accounts import accounts, sessions
from storage.accounts.models import Account, ApiToken, EmailChange, PasswordReset
from storage.database.connection import atomically
from storage.outbox import outbox
from storage.outbox.models import OutboxMail


async def replace_password(
    account: Account, password_hash: str, now: datetime, notice: OutboxMail, *, kept_session: UUID
) -> list[UUID] | None:
    """Replace the password of an account, close its other sessions, and queue the notice.

    ``account`` is as it was when its password was verified. Returns the keys of the closed sessions; None if the
    password was changed or the account was disabled meanwhile.
    """

    async def work() -> list[UUID] | None:
        await accounts.lock(account.id)
        found = await Account.get_or_none(id=account.id)
        if found is None or found.disabled_at or found.password_changed_at != account.password_changed_at:
            return None
        await set_password(account.id, password_hash, now)
        await outbox.enqueue(notice, now)
        return await sessions.close_all(account.id, kept=kept_session)

    return await atomically(work)


async def set_password(account_id: UUID, password_hash: str, now: datetime) -> None:
    """Set the password, and end the resets and changes of address that wait for a code.

    Call it in a transaction that has locked the account.
    """
    await Account.filter(id=account_id).update(password_hash=password_hash, password_changed_at=now)
    await PasswordReset.filter(account_id=account_id).delete()
    await EmailChange.filter(account_id=account_id, confirmed_at__isnull=True).delete()


async def end_everything(account_id: UUID) -> list[UUID]:
    """Close every session of an account, and delete its API tokens. Returns the keys of the sessions.

    Call it in a transaction that has locked the account.
    """
    await ApiToken.filter(account_id=account_id).delete()
    return await sessions.close_all(account_id)
