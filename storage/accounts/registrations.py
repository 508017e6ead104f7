"""Rows of registrations, which wait for their OTP."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tortoise.exceptions import IntegrityError
from tortoise.expressions import F

from storage.accounts import accounts, addresses, invitations
from storage.accounts.models import Account, Invitation, Registration
from storage.database.connection import atomically, fetch, lock_name
from storage.errors import Duplicate, LimitReached

PENDING_OF_NETWORK = "SELECT 1 FROM registration WHERE network = ? AND expires_at >= ? LIMIT ?"
#: A row if more are pending than the number says.
PENDING_BEYOND = "SELECT 1 FROM registration WHERE expires_at >= ? ORDER BY expires_at LIMIT 1 OFFSET ?"

#: Sets the quota of an account, in bytes, in the caller's transaction.
GrantQuota = Callable[[UUID, int], Awaitable[None]]


class RegistrationUsed(Duplicate):
    """The registration was completed before."""


class UserIdTaken(Duplicate):
    """The user ID belongs to another account."""


class AddressTaken(Duplicate):
    """The address belongs to another account or is reserved by one."""


class InvitationSpent(Duplicate):
    """The invitation was used before, was deleted, or has expired."""


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


async def find_waiting(registration_id: UUID, limit: int, now: datetime) -> Registration | None:
    """The registration with this key, if it has not expired and has a guess left of ``limit``."""
    return await Registration.get_or_none(id=registration_id, attempts__lt=limit, expires_at__gte=now)


async def replace_code(registration_id: UUID, otp_hash: str, expires_at: datetime) -> bool:
    """Replace the code of a registration. Its attempts stay. False if it does not exist any more."""
    changed = await Registration.filter(id=registration_id).update(otp_hash=otp_hash, expires_at=expires_at)
    return bool(changed)


async def count_attempt(registration_id: UUID, limit: int) -> Registration | None:
    """Count one guess at the OTP and return the registration; None if it does not exist or has no guess left."""
    found = Registration.filter(id=registration_id, attempts__lt=limit)
    counted = await found.update(attempts=F("attempts") + 1)
    return await Registration.get_or_none(id=registration_id) if counted else None


async def take_back_attempt(registration_id: UUID) -> None:
    """Remove one guess from the count, because the code was right."""
    await Registration.filter(id=registration_id, attempts__gt=0).update(attempts=F("attempts") - 1)


async def complete(
    registration: Registration,
    now: datetime,
    *,
    user_id: str | None = None,
    grant_quota: GrantQuota | None = None,
) -> Account:
    """Turn a registration into an account, and use up its invitation. All is stored, or nothing.

    The first account of a server becomes an administrator. ``user_id`` replaces that of the registration. Raises
    :class:`RegistrationUsed`, :class:`UserIdTaken`, :class:`AddressTaken` and :class:`InvitationSpent`, which are kinds
    of :class:`Duplicate`.
    """

    async def work() -> Account:
        await addresses.lock(registration.email)
        if not await Registration.filter(id=registration.id).delete():
            raise RegistrationUsed("the registration was used before")
        if await addresses.is_taken(registration.email, now):
            raise AddressTaken("the address is taken")
        invitation = await _use_invitation(registration, now)
        is_first = await accounts.is_first()
        account = await Account.create(
            user_id=user_id or registration.user_id,
            name=registration.name,
            email=registration.email,
            password_hash=registration.password_hash,
            locale=registration.locale,
            is_admin=is_first or (invitation is not None and invitation.makes_admin),
        )
        if invitation:
            await invitations.set_account(invitation.id, account.id)
            if invitation.quota is not None and grant_quota:
                await grant_quota(account.id, invitation.quota)
        return account

    try:
        return await atomically(work)
    except IntegrityError as error:
        # The address is locked, so the conflict is one of user IDs.
        raise UserIdTaken("the user ID is taken") from error


async def _use_invitation(registration: Registration, now: datetime) -> Invitation | None:
    if registration.invitation_id is None:
        return None
    invitation = await invitations.use(registration.invitation_id, registration.email, now)
    if not invitation:
        raise InvitationSpent("the invitation was used before, or has expired")
    return invitation
