"""Forgotten passwords: a code that is mailed to the address of the account allows a new one."""

from uuid import UUID

from uuid_utils.compat import uuid7

from services.accounts.codes import ATTEMPTS
from services.accounts.credentials.mailed_codes import WRONG, MailedCodes
from services.accounts.errors import InvalidOtp, ServerBusy
from services.accounts.passwords.hash_queue import known_client
from services.accounts.passwords.password_rules import PasswordRules, owner_of
from services.accounts.passwords.passwords import Passwords
from services.accounts.sessions.sessions import Client, Sessions
from services.accounts.types import PendingCode
from services.core import validation
from services.core.background import BackgroundFull, BackgroundWork
from services.core.clock import now
from services.core.errors import InvalidInput
from services.core.validation import Checks
from services.mail.kinds import PasswordChangedMail, PasswordResetMail
from storage.accounts import accounts
from storage.accounts import password_resets as rows
from storage.accounts.models import PasswordReset


class PasswordRecovery:
    """Resets passwords. No response tells whether an address has an account (OWASP ASVS 5.0.0, 6.3.8)."""

    def __init__(
        self,
        mailed: MailedCodes,
        passwords: Passwords,
        rules: PasswordRules,
        sessions: Sessions,
        background: BackgroundWork,
    ) -> None:
        self._mailed = mailed
        self._passwords = passwords
        self._rules = rules
        self._sessions = sessions
        self._background = background

    async def request(self, email: str, client: Client) -> PendingCode:
        """Mail a code to an address, if an account has it.

        Everything that depends on the account happens after the response. Raises :class:`InvalidInput`,
        :class:`TooManyMails` and :class:`ServerBusy`.
        """
        email = validation.email(email)
        counted = await self._mailed.allowance.require(email, client.address)
        pending = PendingCode(uuid7(), now() + self._mailed.lifetime)
        try:
            self._background.start(lambda: self._mail_code(email, pending))
        except BackgroundFull as error:
            await self._mailed.allowance.take_back(counted)
            raise ServerBusy("Too many resets are in progress at the moment. Try again in a few seconds.") from error
        return pending

    async def _mail_code(self, email: str, pending: PendingCode) -> None:
        account = await accounts.find_by_email(email)
        if account is None or account.disabled_at:
            return
        code = self._mailed.codes.new()
        row = PasswordReset(
            id=pending.id,
            account_id=account.id,
            otp_hash=self._mailed.codes.hash(pending.id, code),
            expires_at=pending.expires_at,
        )
        if await rows.insert(row, email):
            content = PasswordResetMail(code=code, minutes=self._mailed.minutes)
            self._mailed.mails.send_later_in_process(content, to=email, locale=account.locale)

    async def reset(self, *, reset_id: UUID | None, otp: str, new_password: str) -> None:
        """Set a new password, and end every session and API token of the account.

        It opens no session: a sign-in has to follow, which can ask for a second factor (OWASP ASVS 5.0.0, 6.4.3).
        A right code stays valid if the new password is refused. Raises :class:`InvalidInput`, :class:`InvalidOtp` and
        :class:`ServerBusy`.
        """
        field = "newPassword"
        with Checks() as check:
            code = check(validation.otp, otp)
            password = check(validation.new_password, new_password, field)
        await self._rules.require_strong(password, field)
        row = await rows.count_attempt(reset_id, ATTEMPTS) if reset_id else None
        # Apart from the guesses at registrations, which addresses without an account have, too.
        await self._mailed.require_match(row, reset_id, code, f"resets of {row.account.email}" if row else None)
        assert row
        try:
            # After the code is known to be right: the error tells the names of the account.
            self._rules.require_unlike(password, owner_of(row.account), field)
            password_hash = await self._passwords.hash(password, known_client(row.account_id))
        except (InvalidInput, ServerBusy):
            # The code was right, so it was no guess.
            await rows.take_back_attempt(row.id)
            raise
        notice = self._mailed.mails.outgoing(
            PasswordChangedMail(), to=row.account.email, locale=row.account.locale, account_id=row.account_id
        )
        closed = await rows.complete(row, password_hash, now(), notice)
        if closed is None:
            raise InvalidOtp(WRONG, field="otp")
        self._sessions.live.forget(closed)
        await self._mailed.mails.notify_workers()
