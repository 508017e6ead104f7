"""Sends a mail of the outbox, at least once.

A mail is sent a second time if the worker ends, or loses its lease, between the mail server's "250" and the commit that
records it. The copy has the same Message-ID, by which mail servers and programs recognise copies. To record first would
lose mails instead: nothing tells a worker that starts whether a mail that was recorded has left.
"""

from datetime import timedelta

from services.core.clock import now
from services.core.counters import MailOutcome
from services.mail.errors import MailUnavailable
from services.mail.stored import SecretKeyMissing
from storage.jobs.models import Job, JobKind
from storage.mail import MailError
from storage.outbox import outbox
from storage.outbox.models import OutboxMail
from workers.job_context import JobContext
from workers.job_type import JobType, Postponed
from workers.lease import until_stored

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)
#: After this time no attempt is made. RFC 5321, section 4.5.4.1, suggests four to five days for a server that
#: relays mail for others; most of ours are about something that their reader should do soon.
PATIENCE = timedelta(days=3)
#: A limit for a job that ends its worker each time. In three days there are about twenty attempts.
MOST_ATTEMPTS = 64


async def send(job: Job, context: JobContext) -> None:
    """Send the mail and record it.

    Raises :class:`Postponed` if a later attempt may succeed, and :class:`MailUnavailable` if none will.
    """
    row = await outbox.find(job.subject_id)
    if row is None or row.sent_at is not None:
        return
    if now() - row.created_at >= PATIENCE:
        # Also a mail of a backup that was restored much later.
        _count(context, row, "given_up")
        raise MailUnavailable(f"not sent within {PATIENCE.days} days")
    try:
        await context.mails.mailer.send(context.mails.compose(row))
    except (MailError, SecretKeyMissing) as error:
        if isinstance(error, MailError) and error.is_permanent:
            _count(context, row, "refused")
            raise MailUnavailable(str(error)) from error
        _count(context, row, "retried")
        raise Postponed(pause_after(job.attempts), str(error)) from error
    _count(context, row, "sent")
    await until_stored(lambda: outbox.finish(job, now()))


def pause_after(attempts: int) -> timedelta:
    """The pause after so many attempts: a minute at first, doubled each time, and six hours at most."""
    doublings = min(attempts - 1, 16)
    return min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


MAIL = JobType(
    kind=JobKind.MAIL,
    handler=send,
    subject="mail_id",
    concurrency=4,
    max_attempts=MOST_ATTEMPTS,
)


def _count(context: JobContext, row: OutboxMail, outcome: MailOutcome) -> None:
    context.counters.mails[row.kind, outcome] += 1
