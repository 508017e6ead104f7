"""The mail to an owner when an API token of theirs is created (OWASP ASVS 5.0.0, 6.3.7).

Someone who uses a session that is not theirs could keep access by a token, also after the session is closed.
"""

from collections.abc import Sequence
from uuid import UUID

from services.core.clock import now
from services.mail.kinds import ApiTokenCreatedMail
from services.mail.sender import MailSender
from storage.accounts import accounts, attempts
from storage.accounts.attempts import AttemptKind, Refused
from storage.outbox.models import OutboxMail

#: Mails to one owner in an hour. Tokens can be created and revoked again and again.
MAILS = 10


class ApiTokenMails:
    """Writes the mails for the outbox."""

    def __init__(self, mails: MailSender) -> None:
        self._mails = mails

    async def about(self, account_id: UUID, last_characters: str, scopes: Sequence[str]) -> OutboxMail | None:
        """A mail about a new token, not yet stored; None if ``MAILS`` were sent within an hour.

        It has no name of the token: whoever creates it chooses the name, which could be a link.
        """
        moment = now()
        if isinstance(await attempts.count(AttemptKind.API_TOKEN, account_id.hex, MAILS, moment), Refused):
            return None
        account = (await accounts.find_many([account_id])).get(account_id)
        if account is None:
            return None
        content = ApiTokenCreatedMail(last_characters, ", ".join(scopes), f"{moment:%Y-%m-%d %H:%M} UTC")
        return self._mails.outgoing(content, to=account.email, locale=account.locale, account_id=account_id)

    async def notify_workers(self) -> None:
        """Tell the workers that a mail was stored."""
        await self._mails.notify_workers()
