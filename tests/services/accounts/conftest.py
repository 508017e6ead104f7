"""The services of accounts under changing circumstances, above one database and one mail server."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from services.accounts.api_tokens import ApiTokens
from services.accounts.api_tokens.mails import ApiTokenMails
from services.accounts.api_tokens.use import ApiTokenUse
from services.accounts.attempts import DEFAULT_MAILS, Attempts
from services.accounts.authentication import Authentication
from services.accounts.codes import Codes
from services.accounts.passwords.passwords import Passwords
from services.accounts.registration import DEFAULT_LIMITS, Applicant, RegistrationPolicy, Registrations
from services.accounts.sessions.session_use import SessionUse
from services.accounts.sessions.sessions import Client, SessionLimits, Sessions
from services.accounts.sign_in.devices import Devices
from services.accounts.sign_in.new_device_mails import NewDeviceMails
from services.accounts.sign_in.sign_in import SignIn
from services.accounts.sign_in.sign_in_delays import SignInDelays
from services.accounts.tokens import AccessTokens
from services.accounts.types import OpenSession, RegistrationMode
from services.core.counters import Counters
from services.core.keys import SecretKey
from storage.accounts.models import Registration
from storage.accounts.registrations import RegistrationLimits
from storage.attempt_delays import AttemptDelays, LocalDelays
from storage.mail import Mailer, open_mailer
from tests.support.backends.smtp_sink import SmtpSink
from tests.support.mail import mail_sender
from tests.support.server import PASSWORD, otp_of

OLD = SecretKey("old", b"the secret that everything began with")
NEW = SecretKey("new", b"the secret that came in its place ...")
EMAIL = "ada@example.org"
CLIENT = Client("192.0.2.1")


@dataclass(frozen=True)
class AccountServices:
    """The services of one process."""

    registrations: Registrations
    sessions: Sessions
    sign_in: SignIn
    authentication: Authentication

    async def register(self, user_id: str = "ada", email: str = EMAIL, client: Client = CLIENT) -> Registration:
        """Start a registration."""
        return await self.registrations.register(Applicant(user_id, "Ada", email, PASSWORD), client)

    async def resend(self, registration: Registration) -> Registration:
        """Mail a new code."""
        return await self.registrations.resend(registration.id, CLIENT)

    async def verify(self, registration: Registration, otp: str) -> OpenSession:
        """Complete a registration."""
        return await self.registrations.verify(registration_id=registration.id, otp=otp, client=CLIENT)

    async def join(self, sink: SmtpSink) -> OpenSession:
        """Register and complete the registration."""
        return await self.verify(await self.register(), otp_of(sink))

    async def login(
        self, name: str = "ada", password: str = PASSWORD, client: Client = CLIENT, device_token: str | None = None
    ) -> OpenSession:
        """Sign in."""
        return await self.sign_in.login(name=name, password=password, client=client, device_token=device_token)


class World:
    """Builds services with changing keys and limits; the database and the mails stay."""

    def __init__(self, mailer: Mailer, passwords: Passwords) -> None:
        self._mailer = mailer
        self.passwords = passwords
        self.shared_delays: AttemptDelays = LocalDelays()
        self.counters = Counters()

    def accounts(
        self,
        *keys: SecretKey,
        otp: int = 600,
        session: int = 3_600,
        mailer: Mailer | None = None,
        sessions: int = 1_000,
        registrations: RegistrationLimits = DEFAULT_LIMITS,
        mode: RegistrationMode = RegistrationMode.OPEN,
        mails: int = DEFAULT_MAILS,
    ) -> AccountServices:
        """The services with these keys, lifetimes in seconds, and limits."""
        keys = keys or (OLD,)
        tokens = AccessTokens(keys, timedelta(minutes=15))
        delays = SignInDelays(keys, self.shared_delays, LocalDelays(), self.counters)
        open_sessions = Sessions(tokens, keys, SessionLimits(timedelta(seconds=session), sessions))
        sender = mail_sender(mailer or self._mailer)
        return AccountServices(
            Registrations(
                sender,
                self.passwords,
                Codes(keys),
                open_sessions,
                Attempts(keys, mails),
                RegistrationPolicy(timedelta(seconds=otp), mode, registrations),
            ),
            open_sessions,
            SignIn(self.passwords, open_sessions, delays, Devices(keys), NewDeviceMails(sender)),
            Authentication(
                tokens,
                open_sessions.live,
                SessionUse(),
                open_sessions.cookies,
                ApiTokens(ApiTokenUse(), ApiTokenMails(sender), 100),
            ),
        )


@pytest.fixture
async def world(database: str, sink: SmtpSink) -> AsyncIterator[World]:
    """The world of a test."""
    mailer, passwords = open_mailer(f"smtp://127.0.0.1:{sink.port}?tls=none"), Passwords()
    yield World(mailer, passwords)
    passwords.close()
    await mailer.close()


@pytest.fixture
def long_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    """A first delay that is longer than any test, so that the numbers are exact."""
    monkeypatch.setattr("services.accounts.sign_in.sign_in_delays.FIRST_SECONDS", 10_000.0)


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that were compared with a hash."""
    seen: list[str] = []
    verify = Passwords.verify

    async def counted(self: Passwords, password: str, password_hash: str | None, address: str = "") -> bool:
        seen.append(password)
        return await verify(self, password, password_hash, address)

    monkeypatch.setattr(Passwords, "verify", counted)
    return seen
