"""Registration: an account is created once the code that was mailed to its address is entered."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from services.accounts.codes import ATTEMPTS, Codes
from services.accounts.errors import InvalidOtp, TooManyRegistrations
from services.accounts.password_rules import Owner, PasswordRules
from services.accounts.passwords import Passwords
from services.accounts.sessions import Client, Sessions
from services.accounts.types import OpenSession
from services.budgets.budget_layers import client_network
from services.core import validation
from services.core.clock import now
from services.core.errors import AlreadyExists
from services.core.validation import Checks
from services.mail.kinds import AlreadyRegisteredMail, MailContent, RegistrationMail
from services.mail.sender import MailSender
from storage.accounts import accounts, registrations
from storage.accounts.models import Registration
from storage.accounts.registrations import RegistrationLimits
from storage.errors import Duplicate, LimitReached

#: The characters of a client's network that are stored. Every network of IPv4 and IPv6 is shorter.
LONGEST_NETWORK = 64
DEFAULT_LIMITS = RegistrationLimits(100_000, 100)


class Registrations:
    """Registers accounts. Passwords and codes are never stored in plain text."""

    def __init__(
        self,
        mails: MailSender,
        passwords: Passwords,
        codes: Codes,
        sessions: Sessions,
        lifetime: timedelta,
        limits: RegistrationLimits = DEFAULT_LIMITS,
        rules: PasswordRules | None = None,
    ) -> None:
        self._mails = mails
        self._passwords = passwords
        self._codes = codes
        self._sessions = sessions
        self._lifetime = lifetime
        self._limits = limits
        self._rules = rules or PasswordRules()

    async def register(
        self, *, user_id: str, user_name: str, email: str, password: str, client: Client
    ) -> Registration:
        """Register an account and mail a code to its address.

        If the address has an account, the mail says so, and the caller gets the usual response, which prevents
        enumeration of accounts. User IDs are public, so a taken one raises :class:`AlreadyExists`. Raises
        :class:`InvalidInput`, :class:`MailUnavailable`, :class:`ServerBusy` and :class:`TooManyRegistrations`.
        """
        with Checks() as check:
            user_id, name = check(validation.user_id, user_id), check(validation.person_name, user_name)
            email, password = check(validation.email, email), check(validation.new_password, password)
        await self._rules.require_good(password, Owner(user_id, name, email))
        if await accounts.user_id_exists(user_id):
            raise AlreadyExists("This user ID is taken.", field="userId")
        network = client_network(client.address)[:LONGEST_NETWORK]
        with _refusing_surplus():
            await registrations.require_space(network, self._limits, now())
        password_hash = await self._passwords.hash(password, client.address)
        code, row_id = self._codes.new(), uuid7()
        if await accounts.email_exists(email):
            # A registration without a code is stored, so that the limits do not show which addresses have accounts.
            mail: MailContent = AlreadyRegisteredMail()
            code = secrets.token_urlsafe()
        else:
            mail = RegistrationMail(code, user_id, minutes=int(self._lifetime.total_seconds() // 60))
        # Sent before it is stored: if the mail cannot be sent, nothing waits for a code.
        await self._mails.send_now(mail, to=email)
        row = Registration(
            id=row_id,
            email=email,
            user_id=user_id,
            name=name,
            password_hash=password_hash,
            otp_hash=self._codes.hash(row_id, code),
            expires_at=now() + self._lifetime,
            network=network,
        )
        with _refusing_surplus():
            await registrations.insert(row, self._limits, now())
        return row

    async def verify(self, *, registration_id: UUID | None, otp: str, client: Client) -> OpenSession:
        """Complete a registration and open its first session.

        Raises :class:`InvalidInput` for a text that is no code, :class:`InvalidOtp` if the code is wrong, used or
        expired, or after too many attempts, and :class:`AlreadyExists` if the user ID or the address has been taken
        since.
        """
        code = validation.otp(otp)
        found = await registrations.count_attempt(registration_id, ATTEMPTS) if registration_id else None
        alive = found if found and found.expires_at >= now() else None
        if not alive or not self._codes.matches(alive.otp_hash, alive.id, code):
            raise InvalidOtp("The code is wrong or has expired. Register again to get a new one.", field="otp")
        try:
            account = await registrations.complete(alive)
        except Duplicate as error:
            raise AlreadyExists(
                "This user ID or address has been taken. Register with another one.", field="registrationId"
            ) from error
        return await self._sessions.open(account, client)


@contextmanager
def _refusing_surplus() -> Iterator[None]:
    try:
        yield
    except LimitReached as error:
        raise TooManyRegistrations("Too many registrations are waiting for their code. Try again later.") from error
