"""Rows of attempts: what happened to a mail address within the last hour. Each is counted before it happens.

The rows are in the database and not in Redis, so the limits also hold while Redis is away.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from tortoise.expressions import Q
from uuid_utils.compat import uuid7

from storage.accounts.models import Attempt
from storage.database.connection import atomically, lock_name

WINDOW = timedelta(hours=1)


class AttemptKind(StrEnum):
    """What is counted: a mail to the address, one that a client network causes, or a guess at a mailed code.

    NEW_DEVICE is a mail about a sign-in, API_TOKEN one about a new token; their subject is the account.
    """

    MAIL = "MAIL"
    CLIENT_MAIL = "CLIENT_MAIL"
    OTP = "OTP"
    NEW_DEVICE = "NEW_DEVICE"
    API_TOKEN = "API_TOKEN"  # noqa: S105 - a name


@dataclass(frozen=True)
class Refused:
    """One attempt too many. The next one is possible at ``until``."""

    until: datetime


async def count(kind: AttemptKind, subject: str, limit: int, now: datetime, *, always: bool = False) -> UUID | Refused:
    """Count one attempt, and return the key of its row, unless there were ``limit`` within ``WINDOW``.

    With ``always``, the attempt is counted and never refused. Exact, however many are counted at once.
    """

    async def work() -> UUID | Refused:
        await lock_name(f"attempt {kind} {subject}")
        # A clock that was wrong may have left rows of the future. Far ones do not count: they would refuse for long.
        recent = Attempt.filter(kind=kind, subject=subject, at__gt=now - WINDOW, at__lt=now + WINDOW)
        newest = await recent.order_by("-at").limit(limit).only("at")
        if len(newest) >= limit and not always:
            return Refused(until=newest[-1].at + WINDOW)
        row = Attempt(id=uuid7(), kind=kind, subject=subject, at=now)
        await Attempt.bulk_create([row])
        return row.id

    return await atomically(work)


async def remove(attempt_id: UUID) -> None:
    """Remove an attempt from its count."""
    await Attempt.filter(id=attempt_id).delete()


async def purge(now: datetime) -> None:
    """Delete the attempts that no longer count."""
    await Attempt.filter(Q(at__lte=now - WINDOW) | Q(at__gte=now + WINDOW)).delete()
