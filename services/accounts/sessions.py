"""Sessions: each begins with a sign-in, and is refreshed by its newest refresh token."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from services.accounts.errors import InvalidCredentials
from services.accounts.tokens import AccessTokens
from services.accounts.types import OpenSession
from services.core.clock import now
from services.core.keys import SecretKey, derive
from storage.accounts import sessions as rows
from storage.accounts.models import Account, Session

REFRESH_PURPOSE = "refresh-token"
#: The time within which a refresh can be repeated. Enough for a phone that changes networks.
REPEATABLE = timedelta(seconds=30)
MAX_USER_AGENT = 255
MAX_ADDRESS = 64


@dataclass(frozen=True)
class Client:
    """Where a request comes from: the client's address, and the ``User-Agent`` that it sends."""

    address: str = ""
    user_agent: str | None = None


@dataclass(frozen=True)
class SessionLimits:
    """How long a session lasts without a refresh, and how many an account may have."""

    idle: timedelta
    number: int = 1_000


class Sessions:
    """Opens, refreshes and finds sessions."""

    def __init__(self, tokens: AccessTokens, keys: Sequence[SecretKey], limits: SessionLimits) -> None:
        self._tokens = tokens
        self._refresh_keys = [derive(key, REFRESH_PURPOSE) for key in keys]
        self._limits = limits

    async def open(self, account: Account, client: Client) -> OpenSession:
        """Open a session of an account that has just signed in."""
        session_id, moment = uuid7(), now()
        refresh_token = _new_refresh_token(session_id)
        row = Session(
            id=session_id,
            account_id=account.id,
            refresh_hash=_digest(refresh_token),
            expires_at=moment + self._limits.idle,
            user_agent=client.user_agent[:MAX_USER_AGENT] if client.user_agent else None,
            address=client.address[:MAX_ADDRESS],
            authenticated_at=moment,
        )
        return self._sign_in(account, await rows.insert(row, self._limits.number), refresh_token)

    async def refresh(self, refresh_token: str) -> OpenSession:
        """Exchange a refresh token for a new pair. A token that was used before was copied, so it closes the session.

        For ``REPEATABLE``, the token that was used last gets the same successor again, because the response may have
        been lost. Raises :class:`InvalidCredentials` (RFC 9700, section 4.14.2, on refresh token rotation).
        """
        session_id = _session_of(refresh_token)
        session = await rows.find(session_id) if session_id else None
        moment = now()
        if not session or session.expires_at < moment:
            raise InvalidCredentials("The refresh token is invalid or has expired. Sign in again.")
        fresh = _successor(self._refresh_keys[0], session.id, refresh_token)
        expires_at = moment + self._limits.idle
        if not await rows.rotate(session.id, _digest(refresh_token), _digest(fresh), moment, expires_at):
            return await self._refresh_again(session.id, refresh_token)
        session.expires_at = expires_at
        return self._sign_in(session.account, session, fresh)

    async def _refresh_again(self, session_id: UUID, used: str) -> OpenSession:
        # Read again: a simultaneous refresh may have rotated the token.
        session = await rows.find(session_id)
        # In both directions, because the clock of the host that rotated the token may be slightly ahead.
        if session and session.rotated_at and abs(now() - session.rotated_at) <= REPEATABLE:
            for key in self._refresh_keys:
                fresh = _successor(key, session_id, used)
                if hmac.compare_digest(_digest(fresh), session.refresh_hash):
                    return self._sign_in(session.account, session, fresh)
        await rows.close(session_id)
        raise InvalidCredentials("The refresh token was used before. Sign in again.")

    async def find(self, session_id: UUID) -> Session | None:
        """The session with this key, of any account, unless it has expired."""
        session = await rows.find(session_id)
        return session if session and session.expires_at >= now() else None

    def _sign_in(self, account: Account, session: Session, refresh_token: str) -> OpenSession:
        access_token, expires_at = self._tokens.issue(account.id, session.id)
        return OpenSession(access_token, refresh_token, expires_at, account, session)


def _new_refresh_token(session_id: UUID) -> str:
    return f"{session_id}.{secrets.token_urlsafe(32)}"


def _successor(key: bytes, session_id: UUID, refresh_token: str) -> str:
    """The successor of a refresh token: always the same, and secret without the key."""
    secret = hmac.digest(key, refresh_token.encode(errors="replace"), "sha256")
    return f"{session_id}.{base64.urlsafe_b64encode(secret).rstrip(b'=').decode()}"


def _session_of(refresh_token: str) -> UUID | None:
    try:
        return UUID(refresh_token.partition(".")[0])
    except ValueError:
        return None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
