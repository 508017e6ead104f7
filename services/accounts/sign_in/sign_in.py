"""Sign-in with a password, and every other check of a password."""

from uuid import UUID

from services.accounts.errors import AccountDisabled, InvalidCredentials
from services.accounts.passwords.hash_queue import known_client
from services.accounts.passwords.passwords import Passwords
from services.accounts.sessions.sessions import Client, Sessions
from services.accounts.sign_in.devices import Devices
from services.accounts.sign_in.new_device_mails import NewDeviceMails
from services.accounts.sign_in.sign_in_delays import SignInDelays
from services.accounts.types import OpenSession
from services.core import validation
from services.core.errors import InvalidInput
from storage.accounts import accounts
from storage.accounts.models import Account

WRONG = "User ID, e-mail address or password is wrong."


class SignIn:
    """Opens sessions for passwords. Wrong ones are delayed (:mod:`services.accounts.sign_in.sign_in_delays`)."""

    def __init__(
        self,
        passwords: Passwords,
        sessions: Sessions,
        delays: SignInDelays,
        devices: Devices,
        new_device_mails: NewDeviceMails,
    ) -> None:
        self._passwords = passwords
        self._sessions = sessions
        self._delays = delays
        self._devices = devices
        self._new_device_mails = new_device_mails

    async def login(self, *, name: str, password: str, client: Client, device_token: str | None = None) -> OpenSession:
        """Open a session. ``name`` is the user ID or the address of the account.

        Names without an account have the same errors in the same time. Raises :class:`InvalidCredentials`, which does
        not say what is wrong; :class:`AccountDisabled` if the password is right; :class:`TooManyAttempts`; and
        :class:`ServerBusy`.
        """
        try:
            name, password = normalised_name(name), validation.password(password)
        except InvalidInput as error:
            raise InvalidCredentials(WRONG) from error
        device = await self._devices.recognise(device_token, name)
        stranger = self._delays.of_name(name, client.address)
        # A device that has used up its guesses counts as a stranger, so a thief of its token does not lock it out.
        ticket = await self._delays.begin(*([self._delays.of_device(device)] if device else []), stranger)
        hasher = client.address if device is None or ticket.guess is stranger else known_client(device.account_id)
        account = await self._delays.finish(ticket, self._verified(name, password, hasher))
        if account is None:
            raise InvalidCredentials(WRONG)
        _require_enabled(account)
        if ticket.guess is stranger:
            # A stranger gets a new device, whose counter nobody else knows.
            device = None
            # Before the session is opened, so that there is no session without the mail.
            await self._new_device_mails.queue(account, client)
        return self._devices.with_token(await self._sessions.open(account, client), device)

    async def verify_password(
        self, account: Account, password: str, session_id: UUID, *, field: str = "password"
    ) -> None:
        """Check the password of an account in one of its sessions, as a change of the password does.

        The wrong ones of each session are delayed by themselves: a stolen session must not be a way to guess the
        password, nor delay the owner. Raises :class:`InvalidCredentials` with this field, :class:`TooManyAttempts` and
        :class:`ServerBusy`.
        """
        try:
            password = validation.password(password)
        except InvalidInput as error:
            raise InvalidCredentials("The password is wrong.", field=field) from error
        ticket = await self._delays.begin(self._delays.of_session(session_id))
        if not await self._delays.finish(ticket, self._matches(account, password, known_client(account.id))):
            raise InvalidCredentials("The password is wrong.", field=field)

    async def _verified(self, name: str, password: str, client: str) -> Account | None:
        return await self._matches(await accounts.find_by_name(name), password, client)

    async def _matches(self, account: Account | None, password: str, client: str) -> Account | None:
        return account if await self._passwords.check(account, password, client) else None


def normalised_name(typed: str) -> str:
    """The stored form of a user ID or, with an @, of an address. Raises :class:`InvalidInput`."""
    return validation.email(typed) if "@" in typed else validation.user_id(typed)


def _require_enabled(account: Account) -> None:
    if account.disabled_at:
        raise AccountDisabled("This account has been disabled. Ask the administrator of this server.")
