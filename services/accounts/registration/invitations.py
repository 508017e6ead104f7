"""Invitations: each permits one registration. A token is shown once, when it is made."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from services.core import checked_tokens
from services.core.clock import now
from storage.accounts import invitations as rows
from storage.accounts.models import Invitation

PREFIX = "cki_"
DEFAULT_LIFETIME = timedelta(days=7)


@dataclass(frozen=True)
class InvitationTerms:
    """What an invitation permits. ``email`` is normalised, ``quota`` in bytes.

    Without ``email`` any address may use it; without ``quota`` the account has that of the settings.
    """

    email: str | None = None
    makes_admin: bool = False
    quota: int | None = None
    lifetime: timedelta = DEFAULT_LIFETIME


async def create(terms: InvitationTerms) -> tuple[Invitation, str]:
    """Store a new invitation. Returns it with its token, which is not stored."""
    token, moment = checked_tokens.new(PREFIX), now()
    row = Invitation(
        token_hash=checked_tokens.digest(token),
        email=terms.email,
        makes_admin=terms.makes_admin,
        quota=terms.quota,
        created_at=moment,
        expires_at=moment + terms.lifetime,
    )
    return await rows.insert(row), token


async def find_usable(token: str, email: str) -> Invitation | None:
    """The invitation with this token, if this normalised address may use it now."""
    token = token.strip()
    if not checked_tokens.is_well_formed(PREFIX, token):
        return None
    return await rows.find_usable(checked_tokens.digest(token), email, now())


async def find_all() -> Sequence[Invitation]:
    """Every invitation, the newest first, with the accounts that used them."""
    return await rows.find_all()


async def delete(invitation_id: UUID) -> bool:
    """Delete an invitation that was not used; False if there is none."""
    return await rows.delete(invitation_id)
