"""Queries of the outbox. A mail is queued in the transaction of the change that it is about."""

from datetime import datetime
from uuid import UUID

from storage.database.connection import atomically
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind
from storage.outbox.models import OutboxMail

#: The rows that one purge deletes at most, so that its transaction is short.
BATCH = 500


async def enqueue(mail: OutboxMail, now: datetime) -> None:
    """Store a new mail and queue the job that sends it. Call it inside a transaction, which may run again."""
    mail.created_at = now
    await OutboxMail.bulk_create([mail])
    await jobs.enqueue(JobKind.MAIL, mail.id, now)


async def find(mail_id: UUID) -> OutboxMail | None:
    """The mail with this key."""
    return await OutboxMail.get_or_none(id=mail_id)


async def finish(job: Job, now: datetime) -> bool:
    """Record that the mail was sent, and end its job; False when the lease was lost."""

    async def work() -> bool:
        if not await jobs.finish(job):
            return False
        await OutboxMail.filter(id=job.subject_id).update(sent_at=now)
        return True

    return await atomically(work)


async def purge(sent_before: datetime, created_before: datetime) -> int:
    """Delete mails that were sent before the one time or created before the other, and their jobs.

    Returns the number of deleted mails, ``BATCH`` at most.
    """

    sent = await OutboxMail.filter(sent_at__lt=sent_before).limit(BATCH).values_list("id", flat=True)
    old = await OutboxMail.filter(created_at__lt=created_before).limit(BATCH).values_list("id", flat=True)
    keys = list({*sent, *old})[:BATCH]

    async def work() -> int:
        await Job.filter(subject_id__in=keys, kind=JobKind.MAIL).delete()
        return await OutboxMail.filter(id__in=keys).delete()

    return await atomically(work) if keys else 0
