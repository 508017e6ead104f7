"""Rows of invitations, each of which permits one registration. Only the SHA-256 of a token is stored."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from storage.accounts.models import Invitation


async def insert(row: Invitation) -> Invitation:
    """Store a new invitation."""
    await Invitation.bulk_create([row])
    return row


async def find_usable(token_hash: str, email: str, now: datetime) -> Invitation | None:
    """The invitation with this hash, if this normalised address may use it at the time ``now``."""
    return await _usable(email, now).get_or_none(token_hash=token_hash)


async def use(invitation_id: UUID, email: str, now: datetime) -> Invitation | None:
    """Use up an invitation; None if it cannot be used by this address, or no longer.

    Call it in the transaction that creates the account, and :func:`set_account` after that. Of two transactions at
    once, one gets the invitation.
    """
    if not await _usable(email, now).filter(id=invitation_id).update(used_at=now):
        return None
    return await Invitation.get(id=invitation_id)


async def set_account(invitation_id: UUID, account_id: UUID) -> None:
    """Store which account used an invitation."""
    await Invitation.filter(id=invitation_id).update(account_id=account_id)


async def find_all() -> Sequence[Invitation]:
    """Every invitation, the newest first, with the accounts that used them."""
    return await Invitation.all().order_by("-created_at", "-id").prefetch_related("account")


async def delete(invitation_id: UUID) -> bool:
    """Delete an invitation that was not used; False if there is none."""
    return bool(await Invitation.filter(id=invitation_id, used_at=None).delete())


def _usable(email: str, now: datetime) -> QuerySet[Invitation]:
    return Invitation.filter(Q(email=None) | Q(email=email), used_at=None, expires_at__gt=now)
