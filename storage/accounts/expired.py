"""Deletes rows of accounts that have expired."""

from datetime import datetime, timedelta

from storage.accounts import attempts
from storage.accounts.models import ApiToken, EmailChange, Invitation, PasswordReset, Registration, Session

#: For so long, the lists of tokens and of invitations show which ones have expired.
SHOWN_AFTER_EXPIRY = timedelta(days=30)


async def purge(now: datetime) -> None:
    """Delete what no longer matters: attempts, sessions, API tokens, invitations, and what waits for a mailed code."""
    await Registration.filter(expires_at__lt=now).delete()
    await PasswordReset.filter(expires_at__lt=now).delete()
    await EmailChange.filter(expires_at__lt=now).delete()
    await Session.filter(expires_at__lt=now).delete()
    await attempts.purge(now)
    await ApiToken.filter(expires_at__lt=now - SHOWN_AFTER_EXPIRY).delete()
    await Invitation.filter(expires_at__lt=now - SHOWN_AFTER_EXPIRY).delete()
