"""Rows for tests of passwords and addresses."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

from storage.accounts import email_changes, password_resets
from storage.accounts.email_changes import Undo
from storage.accounts.models import Account, ApiToken, EmailChange, PasswordReset, Session
from storage.outbox.models import OutboxMail
from tests.storage.rows import LATER, NOW

T = TypeVar("T")

Notice = Callable[[Account], OutboxMail]
NEW_EMAIL = "lovelace@example.org"


def new_notice(_: object = None) -> OutboxMail:
    """A mail to queue."""
    return OutboxMail(recipient="ada@example.org", kind="password_changed", params={})


async def new_reset(account: Account) -> PasswordReset:
    """A reset that waits for its code."""
    row = PasswordReset(account_id=account.id, otp_hash="otp", expires_at=LATER)
    assert await password_resets.insert(row, (await stored(account)).email)
    return row


async def new_change(account: Account, new_email: str = NEW_EMAIL) -> EmailChange:
    """A change of address that waits for its code."""
    row = EmailChange(account_id=account.id, new_email=new_email, otp_hash="otp", expires_at=LATER)
    await email_changes.insert(row)
    return row


async def confirm(
    row: EmailChange, token: str, *, now: datetime = NOW, until: datetime = LATER, notice: Notice = new_notice
) -> Account | None:
    """Confirm a change in a session of its own. ``token`` stands for the hash of its undo token."""
    session = await Session.create(account_id=row.account_id, refresh_hash="hash", expires_at=LATER)
    return await email_changes.confirm(row, Undo(token, until), now, notice, session_id=session.id)


async def everything_open(account: Account) -> PasswordReset:
    """Two sessions, an API token, a change of address and a reset, which is returned."""
    for _ in range(2):
        await Session.create(account_id=account.id, refresh_hash="hash", expires_at=LATER)
    await ApiToken.create(
        account_id=account.id, name="token", secret_hash=account.user_id, last_characters="1234", scopes=[]
    )
    await new_change(account, f"new-{account.email}")
    return await new_reset(account)


async def at_once(*calls: Awaitable[T]) -> list[T | BaseException]:
    """The results of calls that run at the same time."""
    return list(await asyncio.gather(*calls, return_exceptions=True))


async def stored(account: Account) -> Account:
    """The account as it is stored now."""
    return await Account.get(id=account.id)
