"""Registration: an account is created once the code that was mailed to its address is entered."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from services.accounts.attempts import Attempts
from services.accounts.codes import ATTEMPTS, Codes
from services.accounts.customer_networks import customer_network
from services.accounts.errors import TooManyRegistrations
from services.accounts.mail_allowance import MailAllowance
from services.accounts.passwords.password_rules import Owner, PasswordRules
from services.accounts.passwords.passwords import Passwords
from services.accounts.registration.admission import Admission
from services.accounts.registration.verification import Verification
from services.accounts.sessions.sessions import Client, Sessions
from services.accounts.types import OpenSession, RegistrationMode
from services.core import validation
from services.core.clock import now
from services.core.errors import AlreadyExists, NotFound
from services.core.validation import Checks
from services.mail.kinds import AlreadyRegisteredMail, MailContent, RegistrationMail
from services.mail.sender import MailSender
from storage.accounts import accounts, addresses, registrations
from storage.accounts.models import Registration
from storage.accounts.registrations import RegistrationLimits
from storage.cancellation import run_to_end
from storage.errors import LimitReached

#: The characters of a client's network that are stored. Every network of IPv4 and IPv6 is shorter.
LONGEST_NETWORK = 64
DEFAULT_LIMITS = RegistrationLimits(100_000, 100)


@dataclass(frozen=True)
class Applicant:
    """What a person enters to register."""

    user_id: str
    user_name: str
    email: str
    password: str
    invitation: str | None = None


@dataclass(frozen=True)
class RegistrationPolicy:
    """Who may register, how long a code is valid, and how many registrations may wait for one."""

    lifetime: timedelta
    mode: RegistrationMode = RegistrationMode.OPEN
    limits: RegistrationLimits = DEFAULT_LIMITS


class Registrations:
    """Registers accounts. Passwords and codes are never stored in plain text."""

    def __init__(
        self,
        mails: MailSender,
        passwords: Passwords,
        codes: Codes,
        sessions: Sessions,
        attempts: Attempts,
        policy: RegistrationPolicy,
        rules: PasswordRules | None = None,
    ) -> None:
        self._mails = mails
        self._allowance = MailAllowance(attempts)
        self._passwords = passwords
        self._codes = codes
        self._policy = policy
        self._rules = rules or PasswordRules()
        self._admission = Admission(policy.mode)
        self._verification = Verification(codes, sessions, attempts, self._admission)

    async def register(self, applicant: Applicant, client: Client) -> Registration:
        """Start a registration and mail a code to its address.

        If the address has an account or is reserved by one, the mail says so, and the caller gets the usual response in
        the usual time, which prevents enumeration of accounts. User IDs are public, so a taken one raises
        :class:`AlreadyExists`. Raises :class:`InvalidInput`, :class:`MailUnavailable`, :class:`ServerBusy`,
        :class:`TooManyMails`, :class:`TooManyRegistrations` and the errors of :class:`Admission`.
        """
        await self._admission.require(invited=bool(applicant.invitation))
        checked = await self._checked(applicant)
        invitation_id = await self._admission.invitation_of(checked.invitation, checked.email)
        if await accounts.user_id_exists(checked.user_id):
            raise AlreadyExists("This user ID is taken.", field="userId")
        network = customer_network(client.address)[:LONGEST_NETWORK]
        with _refusing_surplus():
            await registrations.require_space(network, self._policy.limits, now())
        row = Registration(
            id=uuid7(),
            email=checked.email,
            user_id=checked.user_id,
            name=checked.user_name,
            password_hash=await self._passwords.hash(checked.password, client.address),
            network=network,
            invitation_id=invitation_id,
        )
        # Sent before it is stored: if the mail cannot be sent, nothing waits for a code.
        await self._mail_new_code(row, client)
        with _refusing_surplus():
            await registrations.insert(row, self._policy.limits, now())
        return row

    async def resend(self, registration_id: UUID | None, client: Client) -> Registration:
        """Mail a new code for a registration. The code before it becomes invalid, and wrong guesses stay counted.

        Raises :class:`NotFound` for a registration that does not exist, has expired or has no guess left,
        :class:`MailUnavailable`, :class:`TooManyMails` and the errors of :class:`Admission`.
        """
        found = await registrations.find_waiting(registration_id, ATTEMPTS, now()) if registration_id else None
        if not found:
            raise _not_waiting()
        await self._admission.require(invited=found.invitation_id is not None)
        # Also if the caller has gone meanwhile: a code that was mailed must be valid.
        if not await run_to_end(self._replace_code(found, client)):
            raise _not_waiting()
        return found

    async def _replace_code(self, row: Registration, client: Client) -> bool:
        await self._mail_new_code(row, client)
        return await registrations.replace_code(row.id, row.otp_hash, row.expires_at)

    async def verify(
        self, *, registration_id: UUID | None, otp: str, client: Client, user_id: str | None = None
    ) -> OpenSession:
        """Complete a registration and open its first session. See :meth:`Verification.verify`."""
        return await self._verification.verify(registration_id, otp, user_id, client)

    async def _checked(self, applicant: Applicant) -> Applicant:
        """The input in the form in which it is stored."""
        with Checks() as check:
            user_id = check(validation.user_id, applicant.user_id)
            name = check(validation.person_name, applicant.user_name)
            email = check(validation.email, applicant.email)
            password = check(validation.new_password, applicant.password)
        await self._rules.require_good(password, Owner(user_id, name, email))
        return Applicant(user_id, name, email, password, applicant.invitation)

    async def _mail_new_code(self, row: Registration, client: Client) -> None:
        """Mail a new code to the address of a row, and set its hash in the row, which is not stored here."""
        if await addresses.is_taken(row.email, now()):
            # A code that nobody knows, so that neither limits nor guesses show which addresses have accounts.
            mail: MailContent = AlreadyRegisteredMail()
            code = secrets.token_urlsafe()
        else:
            code = self._codes.new()
            mail = RegistrationMail(code, row.user_id, minutes=int(self._policy.lifetime.total_seconds() // 60))
        async with self._allowance.sending(row.email, client.address):
            await self._mails.send_now(mail, to=row.email)
        row.otp_hash = self._codes.hash(row.id, code)
        row.expires_at = now() + self._policy.lifetime


@contextmanager
def _refusing_surplus() -> Iterator[None]:
    try:
        yield
    except LimitReached as error:
        raise TooManyRegistrations("Too many registrations are waiting for their code. Try again later.") from error


def _not_waiting() -> NotFound:
    return NotFound("This registration does not exist or has expired. Register again.", field="registrationId")
