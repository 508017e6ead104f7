"""Sign-in with a password."""

from services.accounts.errors import InvalidCredentials
from services.accounts.passwords import Passwords
from services.accounts.sessions import Client, Sessions
from services.accounts.types import OpenSession
from services.core import validation
from services.core.errors import InvalidInput
from storage.accounts import accounts


class SignIn:
    """Opens sessions for passwords."""

    def __init__(self, passwords: Passwords, sessions: Sessions) -> None:
        self._passwords = passwords
        self._sessions = sessions

    async def login(self, *, user_id: str, password: str, client: Client) -> OpenSession:
        """Open a session.

        Raises :class:`InvalidCredentials`, which does not say which of the two is wrong, and :class:`ServerBusy`.
        """
        try:
            user_id, password = validation.user_id(user_id), validation.password(password)
        except InvalidInput as error:
            raise InvalidCredentials("User ID or password is wrong.") from error
        account = await accounts.find_by_user_id(user_id)
        if not await self._passwords.check(account, password, client.address) or not account:
            raise InvalidCredentials("User ID or password is wrong.")
        return await self._sessions.open(account, client)
