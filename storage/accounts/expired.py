"""Deletes rows of accounts that have expired."""

from datetime import datetime

from storage.accounts.models import Registration, Session


async def purge(now: datetime) -> None:
    """Delete registrations and sessions that can no longer be used."""
    await Registration.filter(expires_at__lt=now).delete()
    await Session.filter(expires_at__lt=now).delete()
