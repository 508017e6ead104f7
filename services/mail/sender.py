"""Sends mails: at once, in a moment, or by the outbox."""

import logging
from collections.abc import Sequence
from functools import partial
from uuid import UUID

from services.core.counters import Counters
from services.core.keys import SecretKey
from services.mail.composer import MailComposer
from services.mail.errors import MailUnavailable
from services.mail.in_process_queue import InProcessQueue
from services.mail.kinds import MailContent
from services.mail.stored import row_of
from storage.jobs.job_notifications import JobNotifications
from storage.jobs.models import JobKind
from storage.mail import Mailer, MailError
from storage.outbox.models import OutboxMail

logger = logging.getLogger("cloudkeep.mail")


class MailSender:
    """The mails of an API process. ``locale`` is that of the account, a tag of BCP 47; None is the server's."""

    def __init__(
        self,
        mailer: Mailer,
        composer: MailComposer,
        keys: Sequence[SecretKey],
        counters: Counters | None = None,
        notifications: JobNotifications | None = None,
    ) -> None:
        """Without ``notifications``, workers find new mails in the outbox within seconds."""
        self._mailer = mailer
        self._composer = composer
        self._keys = keys
        self._counters = counters or Counters()
        self._notifications = notifications
        self._queue = InProcessQueue(mailer, self._counters)

    async def send_now(self, content: MailContent, *, to: str, locale: str | None = None) -> None:
        """Send a mail, and return once the mail server has accepted it. It is not stored.

        Raises :class:`MailUnavailable`.
        """
        try:
            await self._mailer.send(self._composer.compose(content, to, locale))
        except MailError as error:
            logger.warning("a mail of the kind %s was not sent: %s", content.kind, error)
            self._counters.mails[content.kind.value, "refused" if error.is_permanent else "given_up"] += 1
            raise MailUnavailable("The mail could not be sent. Please try again in a moment.") from error
        self._counters.mails[content.kind.value, "sent"] += 1

    def send_later_in_process(self, content: MailContent, *, to: str, locale: str | None = None) -> None:
        """Send a mail soon, for a response that must not take longer because of it. It is not stored.

        The mail is lost if the mail server accepts it in none of a few attempts within about a minute, if the process
        ends, or if too many mails wait already. Metrics count that.
        """
        self._queue.put(content.kind, partial(self._composer.compose, content, to, locale))

    def outgoing(
        self, content: MailContent, *, to: str, locale: str | None = None, account_id: UUID | None = None
    ) -> OutboxMail:
        """A mail for :func:`storage.outbox.outbox.enqueue`, which stores it in the transaction of its reason.

        A worker sends it. Raises ValueError for a content with a code, which is never stored.
        """
        return row_of(content, to, locale, account_id, self._keys)

    async def notify_workers(self) -> None:
        """Let a worker send a mail that was just stored at once, and not only when it looks for jobs."""
        if self._notifications:
            await self._notifications.send(JobKind.MAIL)

    async def close(self) -> None:
        """Try to send what still waits in this process, for at most two seconds."""
        await self._queue.close()
