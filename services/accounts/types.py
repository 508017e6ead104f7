"""What the services of accounts return."""

from dataclasses import dataclass
from datetime import datetime

from storage.accounts.models import Account, Session


@dataclass(frozen=True)
class Registration:
    """A registration that waits for its OTP."""

    email: str
    expires_at: datetime


@dataclass(frozen=True)
class OpenSession:
    """What a client needs to act for an account. ``expires_at`` is the access token's."""

    access_token: str
    refresh_token: str
    expires_at: datetime
    account: Account
    session: Session
