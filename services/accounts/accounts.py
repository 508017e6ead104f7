"""All services of accounts, built once by the composition root."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from services.accounts.api_tokens import ApiTokens
from services.accounts.authentication import Authentication
from services.accounts.credentials.email_change import EmailChanges
from services.accounts.credentials.password_change import PasswordChange
from services.accounts.credentials.password_recovery import PasswordRecovery
from services.accounts.registration import Registrations
from services.accounts.sessions.sessions import Sessions
from services.accounts.sign_in.devices import Devices
from services.accounts.sign_in.reauthentication import Reauthentication
from services.accounts.sign_in.sign_in import SignIn
from storage.accounts import accounts as rows
from storage.accounts.models import Account


@dataclass(frozen=True)
class Accounts:
    """The services of accounts in one process."""

    authentication: Authentication
    registrations: Registrations
    sign_in: SignIn
    devices: Devices
    sessions: Sessions
    reauthentication: Reauthentication
    recovery: PasswordRecovery
    password_change: PasswordChange
    email_changes: EmailChanges
    api_tokens: ApiTokens

    async def find_many(self, account_ids: Collection[UUID]) -> dict[UUID, Account]:
        """The accounts with these keys."""
        return await rows.find_many(account_ids)
