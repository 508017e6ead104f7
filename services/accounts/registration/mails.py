"""The mails of a registration, each within the limit of its recipient."""

from datetime import timedelta

from services.accounts.attempts import Attempts
from services.accounts.mail_allowance import MailAllowance
from services.mail.kinds import AlreadyRegisteredMail, MailContent, RegistrationMail
from services.mail.sender import MailSender


class RegistrationMails:
    """Sends mails at once, because the code in them is not stored.

    Every method raises :class:`MailUnavailable` and :class:`TooManyMails`.
    """

    def __init__(self, sender: MailSender, attempts: Attempts, lifetime: timedelta) -> None:
        self._sender = sender
        self._allowance = MailAllowance(attempts)
        self._minutes = int(lifetime.total_seconds() // 60)

    async def send_code(self, email: str, user_id: str, code: str) -> None:
        """Mail a code to an address without an account."""
        await self._send(email, RegistrationMail(code, user_id, minutes=self._minutes))

    async def send_already_registered(self, email: str) -> None:
        """Notify the owner of an address that somebody has tried to register it."""
        await self._send(email, AlreadyRegisteredMail())

    async def _send(self, email: str, content: MailContent) -> None:
        async with self._allowance.sending(email):
            await self._sender.send_now(content, to=email)
