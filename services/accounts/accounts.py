"""Accounts and sessions: register, verify the OTP, sign in, refresh."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from services.accounts.errors import InvalidCredentials, InvalidOtp, MailUnavailable, TooManyRegistrations
from services.accounts.passwords import Passwords
from services.accounts.tokens import AccessTokens, Viewer
from services.accounts.types import OpenSession, Registration
from services.budgets.budget_layers import client_network
from services.core import validation
from services.core.clock import now
from services.core.errors import AlreadyExists, InvalidInput
from services.core.keys import SecretKey, derive
from services.core.validation import Checks
from storage.accounts import accounts as rows
from storage.accounts.accounts import RegistrationLimits
from storage.accounts.models import Account, Session
from storage.errors import Duplicate, LimitReached
from storage.mail import Mail, Mailer, MailError

OTP_ATTEMPTS = 5
OTP_PURPOSE = "otp"
REFRESH_PURPOSE = "refresh-token"
#: The time within which a refresh can be repeated. Enough for a phone that changes networks.
REPEATABLE = timedelta(seconds=30)
#: The characters of a client's network that are stored. Every network of IPv4 and IPv6 is shorter.
LONGEST_NETWORK = 64


@dataclass(frozen=True)
class Lifetimes:
    """The lifetimes of an OTP and of a session that is not refreshed."""

    otp: timedelta
    session: timedelta


DEFAULT_REGISTRATIONS = RegistrationLimits(100_000, 100)


@dataclass(frozen=True)
class AccountLimits:
    """How many sessions an account may have, and how many registrations may wait for their code."""

    sessions: int = 1_000
    registrations: RegistrationLimits = DEFAULT_REGISTRATIONS


DEFAULT_LIMITS = AccountLimits()


class Accounts:
    """Operations on accounts and sessions. Passwords and one-time passwords are never stored in plain text."""

    def __init__(
        self,
        mailer: Mailer,
        passwords: Passwords,
        tokens: AccessTokens,
        keys: Sequence[SecretKey],
        lifetimes: Lifetimes,
        limits: AccountLimits = DEFAULT_LIMITS,
    ) -> None:
        self._mailer = mailer
        self._passwords = passwords
        self._tokens = tokens
        self._otp_keys = [derive(key, OTP_PURPOSE) for key in keys]
        self._refresh_keys = [derive(key, REFRESH_PURPOSE) for key in keys]
        self._lifetimes = lifetimes
        self._limits = limits

    async def register(
        self, *, user_id: str, user_name: str, email: str, password: str, address: str = ""
    ) -> Registration:
        """Register an account and mail an OTP to its address.

        If the address has an account, the mail says so, and the caller gets the usual response, which prevents
        enumeration of accounts. User IDs are public, so a taken one raises :class:`AlreadyExists`. ``address`` is that
        of the client. Raises :class:`InvalidInput`, :class:`MailUnavailable` and :class:`TooManyRegistrations`.
        """
        with Checks() as check:
            user_id, name = check(validation.user_id, user_id), check(validation.person_name, user_name)
            email, password = check(validation.email, email), check(validation.password, password)
        if await rows.user_id_exists(user_id):
            raise AlreadyExists("This user ID is taken.", field="userId")
        network, limits = client_network(address)[:LONGEST_NETWORK], self._limits.registrations
        with _refusing_surplus():
            await rows.require_registration_space(email, network, limits, now())
        password_hash = await self._passwords.hash(password)
        otp = f"{secrets.randbelow(10**6):06}"
        expires_at = now() + self._lifetimes.otp
        if await rows.email_exists(email):
            # A registration without a code is stored, so that the limits do not show which addresses have accounts.
            mail, otp = _already_registered(email), secrets.token_urlsafe()
        else:
            mail = _otp_mail(email, user_id, otp, self._lifetimes.otp)
        # Sent before it is stored: if the mail cannot be sent, the code of an earlier one stays valid.
        await self._send(mail)
        with _refusing_surplus():
            await rows.save_registration(
                email=email,
                user_id=user_id,
                name=name,
                password_hash=password_hash,
                otp_hash=self._otp_hash(self._otp_keys[0], email, otp),
                expires_at=expires_at,
                network=network,
                limits=limits,
                now=now(),
            )
        return Registration(email, expires_at)

    async def verify_otp(self, *, email: str, otp: str) -> OpenSession:
        """Complete a registration and open its first session.

        Raises :class:`InvalidOtp` if the OTP is wrong, used or expired, or after too many attempts, and
        :class:`AlreadyExists` if the user ID has been taken since.
        """
        email = validation.email(email)
        registration = await rows.count_attempt(email, OTP_ATTEMPTS)
        alive = registration if registration and registration.expires_at >= now() else None
        if not alive or not self._otp_matches(alive.otp_hash, email, otp):
            raise InvalidOtp("The code is wrong or has expired. Register again to get a new one.", field="otp")
        try:
            account = await rows.complete_registration(alive)
        except Duplicate as error:
            raise AlreadyExists(
                "This user ID or address has been taken. Register with another one.", field="userId"
            ) from error
        return await self._open_session(account)

    async def login(self, *, user_id: str, password: str) -> OpenSession:
        """Open a session. Raises :class:`InvalidCredentials`, which does not say which of the two is wrong."""
        try:
            user_id, password = validation.user_id(user_id), validation.password(password)
        except InvalidInput as error:
            raise InvalidCredentials("User ID or password is wrong.") from error
        account = await rows.find_by_user_id(user_id)
        if not await self._passwords.verify(password, account.password_hash if account else None) or not account:
            raise InvalidCredentials("User ID or password is wrong.")
        return await self._open_session(account)

    async def refresh(self, refresh_token: str) -> OpenSession:
        """Exchange a refresh token for a new pair. A token that was used before was copied, so it closes the session.

        For ``REPEATABLE``, the token that was used last gets the same successor again, because the response may have
        been lost. Raises :class:`InvalidCredentials` (RFC 9700, section 4.14.2, on refresh token rotation).
        """
        session_id = _session_of(refresh_token)
        session = await rows.find_session(session_id) if session_id else None
        moment = now()
        if not session or session.expires_at < moment:
            raise InvalidCredentials("The refresh token is invalid or has expired. Sign in again.")
        fresh = _successor(self._refresh_keys[0], session.id, refresh_token)
        expires_at = moment + self._lifetimes.session
        if not await rows.rotate_session(session.id, _digest(refresh_token), _digest(fresh), moment, expires_at):
            return await self._refresh_again(session.id, refresh_token)
        session.expires_at = expires_at
        return self._sign_in(session.account, session, fresh)

    async def _refresh_again(self, session_id: UUID, used: str) -> OpenSession:
        # Read again: a simultaneous refresh may have rotated the token.
        session = await rows.find_session(session_id)
        # In both directions, because the clock of the host that rotated the token may be slightly ahead.
        if session and session.rotated_at and abs(now() - session.rotated_at) <= REPEATABLE:
            for key in self._refresh_keys:
                fresh = _successor(key, session_id, used)
                if hmac.compare_digest(_digest(fresh), session.refresh_hash):
                    return self._sign_in(session.account, session, fresh)
        await rows.close_session(session_id)
        raise InvalidCredentials("The refresh token was used before. Sign in again.")

    def authenticate(self, access_token: str) -> Viewer:
        """The viewer of an access token. Raises :class:`services.accounts.errors.Unauthenticated`."""
        return self._tokens.verify(access_token)

    async def find_session(self, session_id: UUID) -> Session | None:
        """The session with this key, of any account, unless it has expired."""
        session = await rows.find_session(session_id)
        return session if session and session.expires_at >= now() else None

    async def find_many(self, account_ids: Collection[UUID]) -> dict[UUID, Account]:
        """The accounts with these keys."""
        return await rows.find_many(account_ids)

    async def _open_session(self, account: Account) -> OpenSession:
        session_id = uuid7()
        refresh_token = _new_refresh_token(session_id)
        expires_at = now() + self._lifetimes.session
        session = await rows.open_session(
            session_id, account.id, _digest(refresh_token), expires_at, self._limits.sessions
        )
        return self._sign_in(account, session, refresh_token)

    def _sign_in(self, account: Account, session: Session, refresh_token: str) -> OpenSession:
        access_token, expires_at = self._tokens.issue(account.id, session.id)
        return OpenSession(access_token, refresh_token, expires_at, account, session)

    def _otp_hash(self, key: bytes, email: str, otp: str) -> str:
        return hmac.digest(key, f"{email} {otp}".encode(), "sha256").hex()

    def _otp_matches(self, otp_hash: str, email: str, otp: str) -> bool:
        typed = otp.strip()
        if not (typed.isascii() and typed.isdigit()):
            return False
        return any(hmac.compare_digest(self._otp_hash(key, email, typed), otp_hash) for key in self._otp_keys)

    async def _send(self, mail: Mail) -> None:
        try:
            await self._mailer.send(mail)
        except MailError as error:
            raise MailUnavailable("The mail could not be sent. Please try again in a moment.") from error


@contextmanager
def _refusing_surplus() -> Iterator[None]:
    try:
        yield
    except LimitReached as error:
        raise TooManyRegistrations("Too many registrations are waiting for their code. Try again later.") from error


def _new_refresh_token(session_id: UUID) -> str:
    return f"{session_id}.{secrets.token_urlsafe(32)}"


def _successor(key: bytes, session_id: UUID, refresh_token: str) -> str:
    """The successor of a refresh token: always the same, and secret without the key."""
    secret = hmac.digest(key, refresh_token.encode(errors="replace"), "sha256")
    return f"{session_id}.{base64.urlsafe_b64encode(secret).rstrip(b'=').decode()}"


def _session_of(refresh_token: str) -> UUID | None:
    try:
        return UUID(refresh_token.partition(".")[0])
    except ValueError:
        return None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _otp_mail(email: str, user_id: str, otp: str, lifetime: timedelta) -> Mail:
    minutes = int(lifetime.total_seconds() // 60)
    text = (
        f"Your CloudKeep code for the user ID {user_id} is:\n\n    {otp}\n\n"
        f"It is valid for {minutes} minutes. If you did not request it, ignore this mail."
    )
    return Mail(to=email, subject=f"{otp} is your CloudKeep code", text=text)


def _already_registered(email: str) -> Mail:
    text = (
        "Someone, perhaps you, tried to register a CloudKeep account with this address. It already has an account, and "
        "nothing was changed. If it was you, sign in with your user ID."
    )
    return Mail(to=email, subject="You already have a CloudKeep account", text=text)
