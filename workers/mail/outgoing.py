"""What the job that sends a mail needs."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.core.keys import SecretKey
from services.mail.composer import MailComposer
from services.mail.stored import content_of, key_of
from storage.mail import Mail, Mailer
from storage.outbox.models import OutboxMail


@dataclass(frozen=True)
class OutgoingMails:
    """The mailer, and what turns a row of the outbox into a mail. ``keys`` are the secret keys of the API."""

    mailer: Mailer
    composer: MailComposer
    keys: Sequence[SecretKey]

    def compose(self, row: OutboxMail) -> Mail:
        """The mail of a row, with its tokens. Every attempt makes the same one, with the same Message-ID.

        Raises :class:`services.mail.stored.SecretKeyMissing`, and ValueError for a row of a newer version.
        """
        key = key_of(row, self.keys)
        return self.composer.compose(content_of(row), row.recipient, row.locale, mail_id=row.id, key=key)
