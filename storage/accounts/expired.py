"""Deletes rows of accounts that have expired."""

from datetime import datetime, timedelta

from storage.accounts import attempts
from storage.accounts.models import ApiToken, EmailChange, PasswordReset, Registration, Session

#: For so long, the list of an account shows which token has expired.
SHOWN_AFTER_EXPIRY = timedelta(days=30)


async def purge(now: datetime) -> None:
    """Delete registrations, resets, changes of address, sessions, API tokens and attempts that no longer matter."""
    await Registration.filter(expires_at__lt=now).delete()
    await PasswordReset.filter(expires_at__lt=now).delete()
    await EmailChange.filter(expires_at__lt=now).delete()
    await Session.filter(expires_at__lt=now).delete()
    await attempts.purge(now)
    await ApiToken.filter(expires_at__lt=now - SHOWN_AFTER_EXPIRY).delete()
