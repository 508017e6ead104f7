"""The results of the accounts service, and the scopes of API tokens."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from storage.accounts.models import Account, ApiToken, Session


class RegistrationMode(StrEnum):
    """Who may register: everybody, people with an invitation, or nobody."""

    OPEN = "open"
    INVITE = "invite"
    CLOSED = "closed"


@dataclass(frozen=True)
class OpenSession:
    """A session, with the tokens by which a client acts for its account. ``expires_at`` is that of the access token.

    ``device_token`` tells the device from others at its next sign-in (:mod:`services.accounts.devices`). A refresh has
    none. ``cookie`` is the secret of a session with a cookie, whose tokens are empty.
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
