"""Sessions whose secret a browser keeps in a cookie.

The secret is random and means nothing by itself, and the server stores only its SHA-256. It is not exchanged like a
refresh token: its use moves the time at which the idle session ends.
"""

import logging
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic

from services.accounts.errors import Unauthenticated
from services.accounts.recent_reads import RecentReads
from services.accounts.sessions.live_sessions import LiveSessions
from services.accounts.sessions.refresh_tokens import digest
from services.accounts.sessions.session_limits import SessionLimits, end_of
from services.accounts.tokens import Viewer
from services.core.clock import now
from storage.accounts import sessions as rows
from storage.accounts.models import Session
from storage.errors import StorageError, in_one_line

logger = logging.getLogger("cloudkeep.accounts")

#: 256 random bits. Nobody can guess them, so a fast hash is enough (OWASP ASVS 5.0.0, 7.2.3 asks for 128).
SECRET_BYTES = 32
#: The secret in base64url, without padding. Other values need no query.
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
#: The end of an idle session is moved at most once in this time by each process, because that is a write.
RENEWAL = timedelta(minutes=1)
#: Seconds for which the session of a secret is remembered: a secret never gets another session. Whether the session is
#: open is read much more often.
REMEMBERED_SECONDS = 600.0
ENDED = "The session has ended. Sign in again."


@dataclass
class _Remembered:
    """The session of a secret, and when this process moved its end, by ``monotonic``."""

    session: Session
    renewed_at: float = float("-inf")


@dataclass(frozen=True)
class CookieUse:
    """The viewer of a cookie. ``max_age``: for how many seconds to set the cookie again; None if that is not due."""

    viewer: Viewer
    max_age: int | None


class CookieSessions:
    """Recognises the secrets of cookies. ``live`` knows which sessions are open."""

    def __init__(self, live: LiveSessions, limits: SessionLimits) -> None:
        self._live = live
        self._limits = limits
        self._remembered: RecentReads[str, _Remembered] = RecentReads(_read, REMEMBERED_SECONDS)

    async def use(self, secret: str) -> CookieUse:
        """The viewer of a secret. Its use prolongs the session, up to the absolute limit.

        Raises :class:`Unauthenticated`, and :class:`storage.errors.DatabaseUnavailable`.
        """
        found = await self._remembered.get(digest(secret)) if _SECRET.fullmatch(secret) else None
        if found is None or not await self._live.is_live(found.session.id):
            raise Unauthenticated(ENDED)
        return CookieUse(Viewer(found.session.account_id, found.session.id), await self._renew(found))

    async def _renew(self, found: _Remembered) -> int | None:
        moment = monotonic()
        if moment < found.renewed_at + RENEWAL.total_seconds():
            return None
        # Before the write, so that simultaneous requests do not write as well.
        found.renewed_at = moment
        found.session.expires_at = now() + self._limits.idle
        try:
            await rows.prolong(found.session.id, found.session.expires_at, RENEWAL)
        except StorageError as error:
            # The request may only read, which a full disk allows. The next renewal is a minute later.
            logger.warning("the end of a session could not be moved: %s", in_one_line(error))
            return None
        return seconds_left(found.session)


def new_secret() -> str:
    """A secret for a new session."""
    return secrets.token_urlsafe(SECRET_BYTES)


def seconds_left(session: Session) -> int:
    """The seconds until a session ends if it is not used before."""
    return max(0, int((end_of(session) - now()).total_seconds()))


async def _read(hashes: Sequence[str]) -> Mapping[str, _Remembered]:
    return {key: _Remembered(session) for key, session in (await rows.find_by_cookies(hashes)).items()}
