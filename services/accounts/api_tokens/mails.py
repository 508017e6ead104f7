"""The mail to an owner when an API token of theirs is created (OWASP ASVS 5.0.0, 6.3.7).

Someone who uses a session that is not theirs could keep access by a token, also after the session is closed.
"""

from datetime import datetime

from services.mail.kinds import ApiTokenCreatedMail
from services.mail.sender import MailSender
from storage.accounts import accounts, attempts
from storage.accounts.attempts import AttemptKind, Refused
from storage.accounts.models import ApiToken
from storage.outbox import outbox

#: Mails to one owner in an hour. Tokens can be created and revoked again and again.
MAILS = 10


class ApiTokenMails:
    """Queues the mails in the outbox."""

    def __init__(self, mails: MailSender) -> None:
        self._mails = mails

    async def queue(self, token: ApiToken, moment: datetime) -> None:
        """Tell the owner about a new token, unless ``MAILS`` were sent within an hour.

        Call it in the transaction that stores the token: one that is not created must not count. The mail has no name
        of the token: a thief who creates one could choose a link as its name.
        """
        if isinstance(await attempts.count(AttemptKind.API_TOKEN, token.account_id.hex, MAILS, moment), Refused):
            return
        account = await accounts.find(token.account_id)
        if account is None:
            return
        content = ApiTokenCreatedMail(token.last_characters, ", ".join(token.scopes), f"{moment:%Y-%m-%d %H:%M} UTC")
        mail = self._mails.outgoing(content, to=account.email, locale=account.locale, account_id=account.id)
        await outbox.enqueue(mail, moment)

    async def notify_workers(self) -> None:
        """Tell the workers that a mail was stored."""
        await self._mails.notify_workers()
