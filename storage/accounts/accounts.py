"""Rows of accounts, registrations and sessions."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tortoise.exceptions import IntegrityError
from tortoise.expressions import F

from storage.accounts.models import Account, Registration, Session
from storage.database.connection import atomically, fetch, lock_name
from storage.errors import Duplicate, LimitReached

#: No account has as many sessions.
MANY = 1_000_000
#: Rows that one statement deletes.
BATCH = 500
PENDING_OF_NETWORK = "SELECT 1 FROM registration WHERE network = ? AND email <> ? AND expires_at >= ? LIMIT ?"
#: A row if more are pending than the number says.
PENDING_BEYOND = """
SELECT 1 FROM registration WHERE expires_at >= ? AND email <> ? ORDER BY expires_at LIMIT 1 OFFSET ?"""


@dataclass(frozen=True)
class RegistrationLimits:
    """How many registrations may wait for their code: in total, and of one client network."""

    total: int
    network: int


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


async def require_registration_space(email: str, network: str, limits: RegistrationLimits, now: datetime) -> None:
    """Raise :class:`LimitReached` if a registration of this address would be one too many.

    Expired ones do not count, nor does an earlier one of the address, which it replaces. Final only in the transaction
    of :func:`save_registration`.
    """
    if len(await fetch(PENDING_OF_NETWORK, network, email, now, limits.network)) >= limits.network:
        raise LimitReached("too many registrations of this network are pending")
    if await fetch(PENDING_BEYOND, now, email, limits.total - 1):
        raise LimitReached("too many registrations are pending")


async def save_registration(
    *,
    email: str,
    user_id: str,
    name: str,
    password_hash: str,
    otp_hash: str,
    expires_at: datetime,
    network: str = "",
    limits: RegistrationLimits | None = None,
    now: datetime | None = None,
) -> None:
    """Store a registration in place of an older one for the same address.

    ``limits`` hold at the time ``now``, however many are stored at once. Raises :class:`LimitReached`.
    """
    row = Registration(
        email=email,
        user_id=user_id,
        name=name,
        password_hash=password_hash,
        otp_hash=otp_hash,
        expires_at=expires_at,
        network=network,
    )
    # One statement: if two requests deleted and then inserted, the second would conflict with the row of the first.
    everything = Registration._meta.fields - {"email"}

    async def work() -> None:
        if limits and now:
            await lock_name("registrations")
            await require_registration_space(email, network, limits, now)
        await Registration.bulk_create([row], on_conflict=["email"], update_fields=sorted(everything))

    await atomically(work)


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


async def open_session(
    session_id: UUID, account_id: UUID, refresh_hash: str, expires_at: datetime, limit: int = MANY
) -> Session:
    """Store a new session. If the account has more than ``limit`` sessions then, delete those idle for longest."""

    async def work() -> Session:
        await lock(account_id)
        # A refresh moves the expiry, so the session that expires first was not used for longest.
        idle = Session.filter(account_id=account_id).order_by("-expires_at", "-id").offset(limit - 1).limit(BATCH)
        if keys := await idle.values_list("id", flat=True):
            await Session.filter(id__in=keys).delete()
        return await Session.create(
            id=session_id, account_id=account_id, refresh_hash=refresh_hash, expires_at=expires_at
        )

    return await atomically(work)


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
