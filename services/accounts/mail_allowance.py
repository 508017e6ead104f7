"""The mails that an address may get in an hour, of all those that strangers can cause."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from services.accounts.attempts import Attempts
from services.accounts.customer_networks import customer_network
from services.accounts.errors import TooManyMails
from services.mail.errors import MailUnavailable
from storage.accounts.attempts import AttemptKind


class MailAllowance:
    """Limits the mails to each address, over all callers (OWASP ASVS 5.0.0, 6.3.1 and 2.4.1).

    Codes of registrations, resets and changes of address, and the notice to the owner of an address that somebody
    registers, all count. Call it whether or not the address has an account, before anything depends on that: then the
    refusal tells nothing about accounts.
    """

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts

    async def require(self, address: str, client: str, account_id: UUID | None = None) -> Sequence[UUID]:
        """Count one mail to a normalised address, for a mail that is sent later. Raises :class:`TooManyMails`.

        ``client`` is the address of the client that causes it. Its network cannot use up the last mail of the hour.
        With an account that causes it, the mails of the account are limited as well, whatever their addresses. Returns
        keys for :meth:`take_back`.
        """
        mailbox = mailbox_of(address)
        limits = [(AttemptKind.CLIENT_MAIL, f"{mailbox} {customer_network(client)}"), (AttemptKind.MAIL, mailbox)]
        if account_id:
            limits.append((AttemptKind.MAIL, f"account {account_id}"))
        counted: list[UUID] = []
        try:
            for kind, subject in limits:
                counted.append(await self._attempts.require(kind, subject))
        except TooManyMails:
            await self.take_back(counted)
            raise
        return counted

    @asynccontextmanager
    async def sending(self, address: str, client: str, account_id: UUID | None = None) -> AsyncIterator[None]:
        """Count one mail like :meth:`require`, which the block sends.

        A mail that the block cannot send (:class:`MailUnavailable`) does not count.
        """
        counted = await self.require(address, client, account_id)
        try:
            yield
        except MailUnavailable:
            await self.take_back(counted)
            raise

    async def take_back(self, counted: Sequence[UUID]) -> None:
        """Remove a mail from its counts, because it is not sent."""
        for attempt in counted:
            await self._attempts.take_back(attempt)


def mailbox_of(address: str) -> str:
    """The address without a tag, such as ``ada@example.org`` for ``ada+news@example.org`` (RFC 5233, subaddressing).

    Many mail servers deliver all tags to one mailbox, so a choice of tags would have no limit. Only the
    limits use this: accounts and mails keep the address as it is.
    """
    local_part, _, domain = address.rpartition("@")
    return f"{local_part.partition('+')[0] or local_part}@{domain}"
