"""Rows of registrations, which wait for their OTP."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tortoise.exceptions import IntegrityError
from tortoise.expressions import F

from storage.accounts.models import Account, Registration
from storage.database.connection import atomically, fetch, lock_name
from storage.errors import Duplicate, LimitReached

PENDING_OF_NETWORK = "SELECT 1 FROM registration WHERE network = ? AND expires_at >= ? LIMIT ?"
#: A row if more are pending than the number says.
PENDING_BEYOND = "SELECT 1 FROM registration WHERE expires_at >= ? ORDER BY expires_at LIMIT 1 OFFSET ?"


@dataclass(frozen=True)
class RegistrationLimits:
    """How many registrations may wait for their code: in total, and of one client network."""

    total: int
    network: int


async def require_space(network: str, limits: RegistrationLimits, now: datetime) -> None:
    """Raise :class:`LimitReached` if one more registration would be too many. Expired ones do not count.

    Final only in the transaction of :func:`insert`.
    """
    if len(await fetch(PENDING_OF_NETWORK, network, now, limits.network)) >= limits.network:
        raise LimitReached("too many registrations of this network are pending")
    if await fetch(PENDING_BEYOND, now, limits.total - 1):
        raise LimitReached("too many registrations are pending")


async def insert(row: Registration, limits: RegistrationLimits, now: datetime) -> None:
    """Store a registration. ``limits`` hold at the time ``now``, however many are stored at once.

    Raises :class:`LimitReached`.
    """

    async def work() -> None:
        await lock_name("registrations")
        await require_space(row.network, limits, now)
        await Registration.bulk_create([row])

    await atomically(work)


async def count_attempt(registration_id: UUID, limit: int) -> Registration | None:
    """Count one guess at the OTP and return the registration; None if it does not exist or has no guess left."""
    found = Registration.filter(id=registration_id, attempts__lt=limit)
    counted = await found.update(attempts=F("attempts") + 1)
    return await Registration.get_or_none(id=registration_id) if counted else None


async def complete(registration: Registration) -> Account:
    """Turn a registration into an account.

    Raises :class:`Duplicate` when the user ID or the address has been taken since, or the registration was used.
    """

    async def work() -> Account:
        if not await Registration.filter(id=registration.id).delete():
            raise Duplicate("the registration was used before")
        return await Account.create(
            user_id=registration.user_id,
            name=registration.name,
            email=registration.email,
            password_hash=registration.password_hash,
            locale=registration.locale,
        )

    try:
        return await atomically(work)
    except IntegrityError as error:
        raise Duplicate("the user ID or the address is taken") from error
