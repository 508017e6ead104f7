"""The mail to an owner when a device signs in that has not signed in before (OWASP ASVS 5.0.0, 6.3.5 and 6.3.7)."""

import re

from services.accounts.sessions.sessions import Client
from services.core.clock import now
from services.mail.kinds import NewSignInMail
from services.mail.sender import MailSender
from storage.accounts import attempts
from storage.accounts.attempts import AttemptKind, Refused
from storage.accounts.models import Account
from storage.database.connection import atomically
from storage.outbox import outbox

#: Mails to one owner in an hour. Programs may sign in again and again without a device token. Mails that strangers can
#: cause are not counted, so nobody can use up the number before signing in.
MAILS = 10
MAX_DEVICE_CHARACTERS = 150
UNKNOWN = "unknown"
#: What a ``User-Agent`` needs. Its sender chooses the text, which must not become a link in the mail.
NOT_IN_USER_AGENTS = re.compile(r"[^A-Za-z0-9 .;,()/_+-]|//")


class NewDeviceMails:
    """Queues the mails in the outbox."""

    def __init__(self, mails: MailSender) -> None:
        self._mails = mails

    async def queue(self, account: Account, client: Client) -> None:
        """Tell the owner of an account about a sign-in from this client, unless ``MAILS`` were sent within an hour."""
        moment = now()
        if isinstance(await attempts.count(AttemptKind.NEW_DEVICE, account.id.hex, MAILS, moment), Refused):
            return
        content = NewSignInMail(_device(client.user_agent), client.address or UNKNOWN, f"{moment:%Y-%m-%d %H:%M} UTC")
        mail = self._mails.outgoing(content, to=account.email, locale=account.locale, account_id=account.id)
        await atomically(lambda: outbox.enqueue(mail, moment))
        await self._mails.notify_workers()


def _device(user_agent: str | None) -> str:
    return NOT_IN_USER_AGENTS.sub(" ", (user_agent or "")[:MAX_DEVICE_CHARACTERS]).strip() or UNKNOWN
