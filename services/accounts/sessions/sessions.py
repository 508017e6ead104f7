"""Sessions: each begins with a sign-in, and is refreshed by its newest refresh token."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from services.accounts.errors import InvalidCredentials, ReauthenticationRequired
from services.accounts.sessions.cookie_sessions import CookieSessions, new_secret
from services.accounts.sessions.live_sessions import LiveSessions
from services.accounts.sessions.refresh_tokens import RefreshTokens, digest, session_of
from services.accounts.sessions.session_limits import SessionLimits as SessionLimits
from services.accounts.sessions.session_limits import end_of
from services.accounts.tokens import AccessTokens, Viewer
from services.accounts.types import OpenSession
from services.core.clock import now
from services.core.keys import SecretKey
from storage.accounts import sessions as rows
from storage.accounts.models import Account, Session
from storage.database.pages import Window

#: The time within which a refresh can be repeated. Enough for a phone that changes networks.
REPEATABLE = timedelta(seconds=30)
#: The time after a sign-in in which credentials can be changed without the password (OWASP ASVS 5.0.0, 7.5.1).
RECENT = timedelta(minutes=10)
MAX_USER_AGENT = 255
MAX_ADDRESS = 64


@dataclass(frozen=True)
class Client:
    """Where a request comes from: the client's address, and the ``User-Agent`` that it sends.

    ``keeps_cookie``: whether it keeps the session that it opens in a cookie, and gets no tokens.
    """

    address: str = ""
    user_agent: str | None = None
    keeps_cookie: bool = False


class Sessions:
    """Opens, refreshes, finds and closes sessions.

    ``live`` is what requests and streams check, and ``cookies`` finds the session of a cookie.
    """

    def __init__(self, tokens: AccessTokens, keys: Sequence[SecretKey], limits: SessionLimits) -> None:
        self._tokens = tokens
        self._refresh_tokens = RefreshTokens(keys)
        self._limits = limits
        self.live = LiveSessions(limits)
        self.cookies = CookieSessions(self.live, limits)

    async def open(self, account: Account, client: Client) -> OpenSession:
        """Open a session of an account that has just signed in.

        Raises :class:`InvalidCredentials` if the account was disabled or got another password since it was read.
        """
        session_id, moment = uuid7(), now()
        cookie = new_secret() if client.keeps_cookie else None
        refresh_token = "" if cookie else self._refresh_tokens.first(session_id)
        row = Session(
            id=session_id,
            account_id=account.id,
            refresh_hash=digest(refresh_token) if refresh_token else "",
            cookie_hash=digest(cookie) if cookie else None,
            created_at=moment,
            expires_at=moment + self._limits.idle,
            ends_at=moment + self._limits.absolute,
            user_agent=client.user_agent[:MAX_USER_AGENT] if client.user_agent else None,
            address=client.address[:MAX_ADDRESS],
            last_used_at=moment,
            authenticated_at=moment,
        )
        try:
            self.live.forget(await rows.insert(row, self._limits.number, account=account))
        except rows.AccountChanged as error:
            raise InvalidCredentials("The account was changed meanwhile. Sign in again.") from error
        if cookie:
            return OpenSession("", "", end_of(row), account, row, cookie=cookie)
        return self._sign_in(account, row, refresh_token)

    async def refresh(self, refresh_token: str) -> OpenSession:
        """Exchange a refresh token for a new pair. A token that was used before was copied, so it closes the session.

        For ``REPEATABLE``, the token that was used last gets the same successor again, because the response may have
        been lost. A token that the server has never issued closes nothing: the ID of a session is no secret. Raises
        :class:`InvalidCredentials` (RFC 9700, section 4.14.2, on refresh token rotation).
        """
        session_id, moment = session_of(refresh_token), now()
        session = await self.find(session_id) if session_id else None
        if not session or session.account.disabled_at:
            raise InvalidCredentials("The refresh token is invalid or has expired. Sign in again.")
        fresh = self._refresh_tokens.successor(session.id, refresh_token)
        expires_at = moment + self._limits.idle
        if not await rows.rotate(session.id, digest(refresh_token), digest(fresh), moment, expires_at):
            return await self._refresh_again(session.id, refresh_token)
        session.expires_at = expires_at
        return self._sign_in(session.account, session, fresh)

    async def _refresh_again(self, session_id: UUID, used: str) -> OpenSession:
        # Read again: a simultaneous refresh may have rotated the token.
        session = await self.find(session_id)
        # In both directions, because the clock of the host that rotated the token may be slightly ahead.
        if session and session.rotated_at and abs(now() - session.rotated_at) <= REPEATABLE:
            for fresh in self._refresh_tokens.successors(session_id, used):
                if hmac.compare_digest(digest(fresh), session.refresh_hash):
                    return self._sign_in(session.account, session, fresh)
        if not self._refresh_tokens.is_authentic(used):
            raise InvalidCredentials("The refresh token is invalid or has expired. Sign in again.")
        await self.close(session_id)
        raise InvalidCredentials("The refresh token was used before. Sign in again.")

    async def find(self, session_id: UUID) -> Session | None:
        """The session with this key, of any account, unless it has expired."""
        session = await rows.find(session_id)
        return session if session and end_of(self._limits.complete(session)) >= now() else None

    async def session_of(self, refresh_token: str) -> Session | None:
        """The session of a refresh token that the server has issued, unless the session has expired."""
        session_id = session_of(refresh_token)
        session = await self.find(session_id) if session_id else None
        is_newest = session and hmac.compare_digest(session.refresh_hash, digest(refresh_token))
        return session if is_newest or self._refresh_tokens.is_authentic(refresh_token) else None

    async def page(self, account_id: UUID, window: Window[UUID]) -> list[Session]:
        """A window of an account's sessions, the newest one first."""
        moment = now()
        found = await rows.page(account_id, window, moment, moment - self._limits.absolute)
        return [self._limits.complete(session) for session in found]

    async def count(self, account_id: UUID) -> int:
        """The number of an account's sessions."""
        moment = now()
        return await rows.count(account_id, moment, moment - self._limits.absolute)

    async def close(self, session_id: UUID) -> bool:
        """Close a session, so that its tokens are refused from now on. False if there is none with this key."""
        was_open = await rows.close(session_id)
        self.live.forget([session_id])
        return was_open

    async def close_others(self, account_id: UUID, kept: UUID | None) -> int:
        """Close every session of an account but one. Returns how many were closed."""
        closed = await rows.close_all(account_id, kept=kept)
        self.live.forget(closed)
        return len(closed)

    async def require_recent_authentication(self, viewer: Viewer) -> None:
        """Raise :class:`ReauthenticationRequired` unless the viewer's password was given in the session recently.

        A viewer without a session, such as one with an API token, has never given it.
        """
        session = await self.find(viewer.session_id) if viewer.session_id else None
        if session is None or (session.authenticated_at or session.created_at) < now() - RECENT:
            raise ReauthenticationRequired("Call `reauthenticate` first: the last sign-in was too long ago.")

    def _sign_in(self, account: Account, session: Session, refresh_token: str) -> OpenSession:
        access_token, expires_at = self._tokens.issue(account.id, session.id)
        return OpenSession(access_token, refresh_token, expires_at, account, session)
