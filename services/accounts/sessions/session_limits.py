"""How long sessions last, and how many an account may have."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.accounts.models import Session


@dataclass(frozen=True)
class SessionLimits:
    """The limits of sessions (OWASP ASVS 5.0.0, 7.3.1 and 7.3.2).

    ``idle``: how long a session lasts without a refresh. ``number``: how many an account may have. ``absolute``: how
    long a session lasts, however often it is used.
    """

    idle: timedelta
    number: int = 1_000
    absolute: timedelta = timedelta(days=180)

    def complete(self, session: Session) -> Session:
        """Set the absolute end of a session of an older version, whose row has none."""
        session.ends_at = session.ends_at or session.created_at + self.absolute
        return session


def end_of(session: Session) -> datetime:
    """When a session ends if it is not used before, by the limit that comes first."""
    return min(session.expires_at, session.ends_at) if session.ends_at else session.expires_at
