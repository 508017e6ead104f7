"""The mails that an address may get in an hour, of all those that strangers can cause."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.accounts.attempts import Attempts
from services.mail.errors import MailUnavailable
from storage.accounts.attempts import AttemptKind


class MailAllowance:
    """Limits the mails to each address, whoever causes them (OWASP ASVS 5.0.0, 6.3.1 and 2.4.1).

    Codes of registrations, resets and changes of address, and the notice to the owner of an address that somebody
    registers, all count. Call it whether or not the address has an account, before anything depends on that: then the
    refusal tells nothing about accounts.
    """

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts

    async def require(self, address: str) -> None:
        """Count one mail to a normalised address, for a mail that is sent later. Raises :class:`TooManyMails`."""
        await self._attempts.require(AttemptKind.MAIL, address)

    @asynccontextmanager
    async def sending(self, address: str) -> AsyncIterator[None]:
        """Count one mail to a normalised address, which the block sends. Raises :class:`TooManyMails`.

        A mail that the block cannot send (:class:`MailUnavailable`) does not count.
        """
        counted = await self._attempts.require(AttemptKind.MAIL, address)
        try:
            yield
        except MailUnavailable:
            await self._attempts.take_back(counted)
            raise
