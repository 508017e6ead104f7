"""Changes of address: a code is mailed to the new one, and the old one can undo the change for some days.

Who takes over an account changes its address first. So the undo needs nothing but the mail to the old address, and it
ends everything that the other person may have: the password, every session and every API token.
"""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from services.accounts.codes import ATTEMPTS
from services.accounts.credentials.mailed_codes import WRONG, MailedCodes
from services.accounts.errors import InvalidCredentials, InvalidOtp, Unauthenticated
from services.accounts.passwords.passwords import Passwords
from services.accounts.sessions.sessions import Client, Sessions
from services.accounts.tokens import Viewer
from services.accounts.types import PendingCode
from services.core import validation
from services.core.clock import now
from services.core.errors import AlreadyExists, InvalidInput
from services.core.keys import SecretKey
from services.mail.kinds import (
    AlreadyRegisteredMail,
    EmailChangedMail,
    EmailChangeMail,
    MailKind,
    PasswordChangedMail,
)
from services.mail.tokens import mail_token
from storage.accounts import accounts, addresses
from storage.accounts import email_changes as rows
from storage.accounts.email_changes import Undo
from storage.accounts.models import Account, EmailChange
from storage.errors import Duplicate
from storage.outbox.models import OutboxMail

#: How long a change can be undone, and the old address stays reserved. People read their mail at least once a week.
UNDO_DAYS = 7
#: The longest token that is processed.
MAX_TOKEN_CHARACTERS = 200


class EmailChanges:
    """Changes addresses, and puts old ones back."""

    def __init__(
        self, mailed: MailedCodes, sessions: Sessions, passwords: Passwords, keys: Sequence[SecretKey]
    ) -> None:
        self._mailed = mailed
        self._sessions = sessions
        self._passwords = passwords
        self._keys = keys

    async def request(self, viewer: Viewer, new_email: str, client: Client) -> PendingCode:
        """Mail a code to the new address.

        If it is taken, the mail tells its owner, and the response is the same. Raises :class:`InvalidInput`,
        :class:`ReauthenticationRequired`, :class:`TooManyMails` and :class:`MailUnavailable`.
        """
        await self._sessions.require_recent_authentication(viewer)
        email = validation.email(new_email, "newEmail")
        account = await accounts.find(viewer.account_id)
        if account is None:
            raise Unauthenticated("This account no longer exists.")
        if email == account.email:
            raise InvalidInput("This is the address of the account already.", field="newEmail")
        row = EmailChange(id=uuid7(), account_id=account.id, new_email=email, expires_at=now() + self._mailed.lifetime)
        async with self._mailed.allowance.sending(email, client.address, account.id):
            row.otp_hash = await self._mail_code(row, account)
        await rows.insert(row)
        return PendingCode(row.id, row.expires_at)

    async def _mail_code(self, row: EmailChange, account: Account) -> str:
        """Mail the code, or tell the owner of the address. Returns what is stored in place of the code."""
        code = self._mailed.codes.new()
        content = EmailChangeMail(code=code, minutes=self._mailed.minutes)
        if await addresses.is_taken(row.new_email, now(), except_account=account.id):
            # A code that cannot be typed, so that the response is the same.
            code = secrets.token_urlsafe()
            await self._mailed.mails.send_now(AlreadyRegisteredMail(), to=row.new_email)
        else:
            await self._mailed.mails.send_now(content, to=row.new_email, locale=account.locale)
        return self._mailed.codes.hash(row.id, code)

    async def confirm(self, viewer: Viewer, *, change_id: UUID | None, otp: str) -> Account:
        """Give the account its new address, and mail the undo token to the old one.

        Raises :class:`InvalidInput`, :class:`InvalidOtp`, and :class:`AlreadyExists` if the address was taken
        meanwhile.
        """
        if viewer.session_id is None:
            raise Unauthenticated("Sign in with the password first.")
        code = validation.otp(otp)
        row = await rows.count_attempt(change_id, viewer.account_id, ATTEMPTS) if change_id else None
        await self._mailed.require_match(row, change_id, code, row.new_email if row else None)
        assert row
        moment = now()
        undo = Undo(_digest(self._undo_token(row.id)), moment + timedelta(days=UNDO_DAYS))
        try:
            account = await rows.confirm(
                row, undo, moment, lambda account: self._undo_mail(row.id, account), session_id=viewer.session_id
            )
        except Duplicate as error:
            raise AlreadyExists("This address has been taken.", field="emailChangeId") from error
        if account is None:
            raise InvalidOtp(WRONG, field="otp")
        await self._mailed.mails.notify_workers()
        return account

    async def undo(self, token: str) -> str:
        """Put the old address back, and end the password, every session and every API token. Returns the address.

        A token puts back the address that it was mailed to, and ends its change and all later ones. Earlier changes
        can still be undone: their tokens went to addresses that the account had before. Raises
        :class:`InvalidCredentials`.
        """
        refusal = InvalidCredentials("The token is wrong, was used, or has expired.", field="token")
        change = await rows.find_undoable(_digest(token.strip()[:MAX_TOKEN_CHARACTERS]), now())
        if change is None or change.old_email is None:
            raise refusal
        notice = self._mailed.mails.outgoing(
            PasswordChangedMail(), to=change.old_email, locale=change.account.locale, account_id=change.account_id
        )
        closed = await rows.undo(change, self._passwords.unusable_hash(), now(), notice)
        if closed is None:
            raise refusal
        self._sessions.live.forget(closed)
        await self._mailed.mails.notify_workers()
        return change.old_email

    def _undo_token(self, change_id: UUID) -> str:
        # By the first key, as the outbox makes it.
        return mail_token(self._keys[0], MailKind.EMAIL_CHANGED, change_id)

    def _undo_mail(self, change_id: UUID, account: Account) -> OutboxMail:
        content = EmailChangedMail(change_id=change_id, days=UNDO_DAYS)
        return self._mailed.mails.outgoing(content, to=account.email, locale=account.locale, account_id=account.id)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
