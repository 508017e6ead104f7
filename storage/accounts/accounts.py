"""Rows of accounts, registrations and sessions."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from tortoise.exceptions import IntegrityError
from tortoise.expressions import F

from storage.accounts.models import Account, Registration, Session
from storage.database.connection import atomically
from storage.errors import Duplicate


async def user_id_exists(user_id: str) -> bool:
    """Whether an account has this normalised user ID."""
    return await Account.filter(user_id=user_id).exists()


async def email_exists(email: str) -> bool:
    """Whether an account has this normalised address."""
    return await Account.filter(email=email).exists()


async def find_by_user_id(user_id: str) -> Account | None:
    """The account with this normalised user ID."""
    return await Account.get_or_none(user_id=user_id)


async def find_many(account_ids: Collection[UUID]) -> dict[UUID, Account]:
    """The accounts with these keys."""
    return {account.id: account for account in await Account.filter(id__in=list(account_ids))}


async def lock(account_id: UUID) -> None:
    """Lock this account until the transaction ends. Call it first in the transaction."""
    # An update that changes nothing: it locks the row in PostgreSQL and the database in SQLite. Later reads see what
    # the previous holder of the lock committed, in READ COMMITTED too, where each statement sees what is committed by
    # then.
    await Account.filter(id=account_id).update(name=F("name"))


async def save_registration(
    *, email: str, user_id: str, name: str, password_hash: str, otp_hash: str, expires_at: datetime
) -> None:
    """Store a registration in place of an older one for the same address."""
    row = Registration(
        email=email,
        user_id=user_id,
        name=name,
        password_hash=password_hash,
        otp_hash=otp_hash,
        expires_at=expires_at,
    )
    # One statement: if two requests deleted and then inserted, the second would conflict with the row of the first.
    everything = Registration._meta.fields - {"email"}
    await Registration.bulk_create([row], on_conflict=["email"], update_fields=sorted(everything))


async def count_attempt(email: str, limit: int) -> Registration | None:
    """Count one guess at the OTP and return the registration; None if it does not exist or has no guess left."""
    counted = await Registration.filter(email=email, attempts__lt=limit).update(attempts=F("attempts") + 1)
    return await Registration.get_or_none(email=email) if counted else None


async def complete_registration(registration: Registration) -> Account:
    """Turn a registration into an account.

    Raises :class:`Duplicate` when the user ID or the address has been taken since, or the registration was used.
    """

    async def work() -> Account:
        used = await Registration.filter(email=registration.email, otp_hash=registration.otp_hash).delete()
        if not used:
            raise Duplicate("the registration was used before")
        return await Account.create(
            user_id=registration.user_id,
            name=registration.name,
            email=registration.email,
            password_hash=registration.password_hash,
        )

    try:
        return await atomically(work)
    except IntegrityError as error:
        raise Duplicate("the user ID or the address is taken") from error


async def open_session(session_id: UUID, account_id: UUID, refresh_hash: str, expires_at: datetime) -> Session:
    """Store a new session."""
    return await Session.create(id=session_id, account_id=account_id, refresh_hash=refresh_hash, expires_at=expires_at)


async def find_session(session_id: UUID) -> Session | None:
    """The session with this key, its account loaded."""
    return await Session.get_or_none(id=session_id).prefetch_related("account")


async def rotate_session(
    session_id: UUID, old_hash: str, new_hash: str, rotated_at: datetime, expires_at: datetime
) -> bool:
    """Replace the refresh token; False if the old one is no longer the newest (it was used before)."""
    swapped = await Session.filter(id=session_id, refresh_hash=old_hash).update(
        refresh_hash=new_hash, rotated_at=rotated_at, expires_at=expires_at
    )
    return bool(swapped)


async def close_session(session_id: UUID) -> None:
    """Delete a session; its refresh tokens are invalid from now on."""
    await Session.filter(id=session_id).delete()


async def purge_expired(now: datetime) -> None:
    """Delete registrations and sessions that can no longer be used."""
    await Registration.filter(expires_at__lt=now).delete()
    await Session.filter(expires_at__lt=now).delete()
