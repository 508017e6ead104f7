"""The codes of resets and changes of address: each is mailed, and bound to the row that waits for it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from services.accounts.attempts import Attempts
from services.accounts.codes import Codes
from services.accounts.errors import InvalidOtp, TooManyAttempts
from services.accounts.mail_allowance import MailAllowance
from services.core.clock import now
from services.mail.sender import MailSender
from storage.accounts.attempts import AttemptKind

WRONG = "The code is wrong or has expired, or there were too many attempts. Request a new one."


class Waiting(Protocol):
    """A row that waits for its code. ``attempts`` includes the present one."""

    id: UUID
    otp_hash: str
    attempts: int
    expires_at: datetime


@dataclass(frozen=True)
class MailedCodes:
    """Everything that a mailed code needs: the code, its mail, the limits of both, and its lifetime."""

    codes: Codes
    attempts: Attempts
    allowance: MailAllowance
    mails: MailSender
    lifetime: timedelta

    @property
    def minutes(self) -> int:
        """The lifetime of a code, as a mail says it."""
        return int(self.lifetime.total_seconds() // 60)

    async def require_match(self, row: Waiting | None, row_id: UUID | None, code: str, subject: str | None) -> None:
        """Compare a code with the one of its row, whose guess was counted. Raises :class:`InvalidOtp`.

        The guess is also counted for ``subject``. It is the address of the code only if such rows exist for addresses
        with and without accounts alike: the refusals of other codes of the address would tell the difference. A row
        that does not exist takes as long, and has the same error.
        """
        if row is None or subject is None:
            # As many writes as for a row that exists.
            for _ in range(2):
                await self._count_in_vain(row_id)
            raise InvalidOtp(WRONG, field="otp")
        try:
            # The first guess at each code is always allowed, so that others cannot use up the guesses of the owner.
            await self.attempts.require(AttemptKind.OTP, subject, always=row.attempts == 1)
        except TooManyAttempts as error:
            # An error of its own would tell that the row exists, and so that the address has an account. So would the
            # time without a write.
            await self._count_in_vain(row_id)
            raise InvalidOtp(WRONG, field="otp") from error
        if row.expires_at < now() or not self.codes.matches(row.otp_hash, row.id, code):
            raise InvalidOtp(WRONG, field="otp")

    async def _count_in_vain(self, row_id: UUID | None) -> None:
        await self.attempts.require(AttemptKind.OTP, f"missing {row_id}", always=True)
