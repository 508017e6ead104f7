"""Builds the services that change passwords and addresses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from cloudkeep.settings.settings import Settings
from services.accounts.attempts import Attempts
from services.accounts.codes import Codes
from services.accounts.credentials.email_change import EmailChanges
from services.accounts.credentials.mailed_codes import MailedCodes
from services.accounts.credentials.password_change import PasswordChange
from services.accounts.credentials.password_recovery import PasswordRecovery
from services.accounts.mail_allowance import MailAllowance
from services.accounts.passwords.password_rules import PasswordRules
from services.accounts.passwords.passwords import Passwords
from services.accounts.sessions.sessions import Sessions
from services.accounts.sign_in.sign_in import SignIn
from services.core.background import BackgroundWork
from services.mail.sender import MailSender
from storage.accounts.breached_passwords import BreachedPasswords


@dataclass(frozen=True)
class CredentialServices:
    """The services that change passwords and addresses."""

    recovery: PasswordRecovery
    password_change: PasswordChange
    email_changes: EmailChanges


@asynccontextmanager
async def credential_services(
    settings: Settings,
    *,
    mails: MailSender,
    attempts: Attempts,
    passwords: Passwords,
    rules: PasswordRules,
    sessions: Sessions,
    sign_in: SignIn,
) -> AsyncIterator[CredentialServices]:
    """The services, for the block. At its end, work that goes on after a response is ended."""
    keys = settings.secret_keys
    lifetime = timedelta(seconds=settings.otp_ttl)
    mailed = MailedCodes(Codes(keys), attempts, MailAllowance(attempts), mails, lifetime)
    background = BackgroundWork()
    try:
        yield CredentialServices(
            PasswordRecovery(mailed, passwords, rules, sessions, background),
            PasswordChange(sign_in, passwords, rules, sessions, mails),
            EmailChanges(mailed, sessions, passwords, keys),
        )
    finally:
        await background.close()


def password_rules(settings: Settings) -> PasswordRules:
    """The rules for new passwords, with the operator's file of breached ones."""
    path = settings.breached_passwords
    return PasswordRules(BreachedPasswords(path) if path else None)
