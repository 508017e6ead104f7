"""Changes of passwords, by people who know the present one."""

from services.accounts.errors import InvalidCredentials, Unauthenticated
from services.accounts.passwords.hash_queue import known_client
from services.accounts.passwords.password_rules import PasswordRules, owner_of
from services.accounts.passwords.passwords import Passwords
from services.accounts.sessions.sessions import Sessions
from services.accounts.sign_in.sign_in import SignIn
from services.accounts.tokens import Viewer
from services.core import validation
from services.core.clock import now
from services.mail.kinds import PasswordChangedMail
from services.mail.sender import MailSender
from storage.accounts import accounts, credentials
from storage.accounts.models import Account

WRONG = "The password is wrong, or it was changed a moment ago."


class PasswordChange:
    """Replaces passwords."""

    def __init__(
        self, sign_in: SignIn, passwords: Passwords, rules: PasswordRules, sessions: Sessions, mails: MailSender
    ) -> None:
        self._sign_in = sign_in
        self._passwords = passwords
        self._rules = rules
        self._sessions = sessions
        self._mails = mails

    async def change(self, viewer: Viewer, *, current_password: str, new_password: str) -> Account:
        """Replace the password of the viewer, and close all other sessions (OWASP ASVS 5.0.0, 6.2.3 and 7.4.3).

        API tokens stay: they do not depend on the password, and their owner can revoke them. Raises
        :class:`InvalidInput`, :class:`InvalidCredentials`, :class:`TooManyAttempts`, :class:`ServerBusy`, and
        :class:`Unauthenticated` for a viewer without a session.
        """
        account = await accounts.find(viewer.account_id)
        if account is None or viewer.session_id is None:
            raise Unauthenticated("Sign in with the password first.")
        field = "newPassword"
        password = validation.new_password(new_password, field)
        await self._rules.require_good(password, owner_of(account), field)
        await self._sign_in.verify_password(account, current_password, viewer.session_id, field="currentPassword")
        password_hash = await self._passwords.hash(password, known_client(account.id))
        notice = self._mails.outgoing(
            PasswordChangedMail(), to=account.email, locale=account.locale, account_id=account.id
        )
        closed = await credentials.replace_password(
            account, password_hash, now(), notice, kept_session=viewer.session_id
        )
        if closed is None:
            raise InvalidCredentials(WRONG, field="currentPassword")
        self._sessions.live.forget(closed)
        await self._mails.notify_workers()
        return account
