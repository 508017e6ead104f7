"""Limits for each mail address and hour, over all callers: mails that strangers cause, and guesses at codes.

The address need not belong to an account, so a refusal does not tell whether it does. Everything that mails a code, or
that takes one, uses this service::

    async with mail_allowance.sending(email, client.address):  # before a code or a notice is mailed
        await mailer.send(mail)

    await attempts.require(AttemptKind.OTP, email, always=row.attempts == 1)  # before a code is compared

A stranger can use up the guesses of an address, by codes that he had mailed to it. So the first guess at each code is
always allowed: an owner who types her code correctly is never refused. Codes are bounded by the limit of mails.
"""

import hmac
import math
from collections.abc import Sequence
from uuid import UUID

from services.accounts.errors import TooManyAttempts, TooManyMails
from services.core.clock import now
from services.core.keys import SecretKey, derive
from storage.accounts import attempts as rows
from storage.accounts.attempts import WINDOW, AttemptKind, Refused

PURPOSE = "attempts-of-address"
#: Guesses at the codes of one address, in an hour: apart at its resets, and at all others. With the first guess at each
#: of five codes, that is at most 13.
GUESSES = 10
DEFAULT_MAILS = 5
_MAILS = (TooManyMails, "Too many mails were sent to this address.")
_ERRORS = {
    AttemptKind.MAIL: _MAILS,
    AttemptKind.CLIENT_MAIL: _MAILS,
    AttemptKind.OTP: (TooManyAttempts, "There were too many wrong codes for this address."),
}


class Attempts:
    """Counts attempts in advance, in the database, over all processes. Addresses are stored as keyed hashes."""

    def __init__(self, keys: Sequence[SecretKey], mails: int = DEFAULT_MAILS) -> None:
        """``mails`` is the number of mails to one address in an hour."""
        self._key = derive(keys[0], PURPOSE)
        # One client network leaves a mail to the others: it cannot keep the owner from getting a code.
        by_client = max(1, mails - 1)
        self._limits = {AttemptKind.MAIL: mails, AttemptKind.CLIENT_MAIL: by_client, AttemptKind.OTP: GUESSES}

    async def require(self, kind: AttemptKind, address: str, *, always: bool = False) -> UUID:
        """Count one attempt at a normalised address. Returns a key for :meth:`take_back`.

        With ``always``, it is counted and never refused. Raises :class:`TooManyMails` or :class:`TooManyAttempts`, with
        the seconds until the next attempt is possible: an hour at most.
        """
        moment = now()
        counted = await rows.count(kind, self._subject(address), self._limits[kind], moment, always=always)
        if not isinstance(counted, Refused):
            return counted
        error, message = _ERRORS[kind]
        wait = min(counted.until - moment, WINDOW).total_seconds()
        raise error(f"{message} Try again in {math.ceil(wait / 60)} min.", retry_after=wait)

    async def take_back(self, attempt: UUID) -> None:
        """Remove an attempt from its count, because it did not take place."""
        await rows.remove(attempt)

    def _subject(self, address: str) -> str:
        return hmac.digest(self._key, address.encode(), "sha256").hex()
