"""The results of the accounts service, and the scopes of API tokens."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.accounts.registration_mode import RegistrationMode as RegistrationMode
from storage.accounts.models import Account, ApiToken, Session


@dataclass(frozen=True)
class OpenSession:
    """A session, with the tokens by which a client acts for its account. ``expires_at`` is that of the access token.

    ``device_token`` tells the device from others at its next sign-in (:mod:`services.accounts.sign_in.devices`). A
    refresh has none. ``cookie`` is the secret of a session with a cookie, whose tokens are empty.
    """

    access_token: str
    refresh_token: str
    expires_at: datetime
    account: Account
    session: Session
    device_token: str | None = None
    cookie: str | None = None


class ApiTokenScope(StrEnum):
    """What an API token may do. The values are stored; none is ever renamed."""

    READ = "READ"
    UPLOAD = "UPLOAD"
    WRITE = "WRITE"
    DELETE = "DELETE"
    ACCOUNT = "ACCOUNT"
    COMPRESSOR = "COMPRESSOR"


@dataclass(frozen=True)
class NewApiToken:
    """A token that was just created, with its text, which nothing can show a second time."""

    row: ApiToken
    secret: str


@dataclass(frozen=True)
class PendingCode:
    """A reset or a change of address that waits for the code that was mailed for it. ``id`` is the key of its row."""

    id: UUID
    expires_at: datetime


@dataclass(frozen=True)
class ProfileChanges:
    """A new name, unless it is None; and a new locale, if ``changes_locale``."""

    user_name: str | None = None
    locale: str | None = None
    changes_locale: bool = False
