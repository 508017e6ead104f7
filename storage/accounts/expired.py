"""Deletes rows of accounts that have expired."""

from datetime import datetime

from storage.accounts import attempts
from storage.accounts.models import Registration, Session


async def purge(now: datetime) -> None:
    """Delete registrations, sessions and attempts that no longer matter."""
    await Registration.filter(expires_at__lt=now).delete()
    await Session.filter(expires_at__lt=now).delete()
    await attempts.purge(now)
