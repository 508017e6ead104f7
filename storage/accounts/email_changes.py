"""Rows of changes of address: each waits for its code, and after that it can be undone for some days.

A confirmed row reserves the old address until it can no longer be undone (:mod:`storage.accounts.addresses`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tortoise.exceptions import IntegrityError
from tortoise.expressions import F

from storage.accounts import accounts, addresses, credentials
from storage.accounts.models import Account, EmailChange, PasswordReset, Session
from storage.database.connection import atomically
from storage.errors import Duplicate
from storage.outbox import outbox
from storage.outbox.models import OutboxMail


@dataclass(frozen=True)
class Undo:
    """How a confirmed change can be undone: by the token with this SHA-256, until then."""

    token_hash: str
    until: datetime


async def insert(row: EmailChange) -> None:
    """Store a change that waits for its code."""
    await EmailChange.bulk_create([row])


async def count_attempt(change_id: UUID, account_id: UUID, limit: int) -> EmailChange | None:
    """Count one guess at the code and return the change with its account.

    None if this account has no such change, it was confirmed, or no guess is left.
    """
    waiting = EmailChange.filter(id=change_id, account_id=account_id, confirmed_at__isnull=True)
    counted = await waiting.filter(attempts__lt=limit).update(attempts=F("attempts") + 1)
    return await EmailChange.get_or_none(id=change_id).prefetch_related("account") if counted else None


async def confirm(
    change: EmailChange, undo: Undo, now: datetime, notice: Callable[[Account], OutboxMail], *, session_id: UUID
) -> Account | None:
    """Give the account its new address. ``notice`` makes the mail to the old address, which is queued.

    Returns the account; None if the change was confirmed or ended before, or the session was closed. Raises
    :class:`Duplicate` if the address is taken.
    """

    async def work() -> Account | None:
        await addresses.lock(change.new_email)
        await accounts.lock(change.account_id)
        account = await Account.get(id=change.account_id)
        # A reset closes the sessions of someone who took over the account, and their request may be under way.
        if not await Session.filter(id=session_id, account_id=account.id).exists():
            return None
        if not await _mark_confirmed(change.id, account.email, undo, now):
            return None
        if await addresses.is_taken(change.new_email, now, except_account=account.id):
            raise Duplicate("the address is taken")
        await outbox.enqueue(notice(account), now)
        await Account.filter(id=account.id).update(email=change.new_email)
        # They were mailed to the old address, or begun before this change.
        await PasswordReset.filter(account_id=account.id).delete()
        await EmailChange.filter(account_id=account.id, confirmed_at__isnull=True).delete()
        account.email = change.new_email
        return account

    try:
        return await atomically(work)
    except IntegrityError as error:
        raise Duplicate("the address is taken") from error


async def _mark_confirmed(change_id: UUID, old_email: str, undo: Undo, now: datetime) -> bool:
    waiting = EmailChange.filter(id=change_id, confirmed_at__isnull=True)
    return bool(
        await waiting.update(
            confirmed_at=now,
            old_email=old_email,
            undo_hash=undo.token_hash,
            undo_until=undo.until,
            # The row is deleted when it can no longer be undone.
            expires_at=undo.until,
        )
    )


async def find_undoable(token_hash: str, now: datetime) -> EmailChange | None:
    """The change that the token with this SHA-256 can undo, with its account."""
    found = EmailChange.get_or_none(undo_hash=token_hash, undo_until__gt=now)
    return await found.prefetch_related("account")


async def undo(change: EmailChange, password_hash: str, now: datetime, notice: OutboxMail) -> list[UUID] | None:
    """Put the old address back, set the password, and end every session and API token of the account.

    Ends this change and the later ones, so their tokens are invalid. Earlier changes can still be undone. Returns the
    keys of the sessions; None if the change was undone before. ``notice`` is queued.
    """
    assert change.old_email
    old_email = change.old_email

    async def work() -> list[UUID] | None:
        await addresses.lock(old_email)
        await accounts.lock(change.account_id)
        if not await EmailChange.filter(id=change.id, undo_until__gt=now).delete():
            return None
        await EmailChange.filter(account_id=change.account_id, confirmed_at__gte=change.confirmed_at).delete()
        await Account.filter(id=change.account_id).update(email=old_email)
        await credentials.set_password(change.account_id, password_hash, now)
        await outbox.enqueue(notice, now)
        return await credentials.end_everything(change.account_id)

    try:
        return await atomically(work)
    except IntegrityError:
        # The reservation has expired in this moment, and another account has the address.
        return None
