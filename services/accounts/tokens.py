"""Access tokens: short-lived JWTs (RFC 7519) that name an account and the session they belong to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import jwt
from uuid_utils.compat import uuid7

from services.accounts.errors import Unauthenticated
from services.accounts.types import ApiTokenScope
from services.core.clock import host_now
from services.core.keys import SecretKey, derive

ALGORITHM = "HS256"
ISSUER = "cloudkeep"
AUDIENCE = "cloudkeep-api"
PURPOSE = "access-token"
#: A token may have been issued by a host whose clock is ahead by so much.
LEEWAY = timedelta(seconds=10)
REFUSED = "The access token is invalid or has expired."
#: Cached tokens, whose signature is not verified again: that takes longer than a small query.
CACHED = 1_000
REQUIRED = ["exp", "iat", "sub", "sid", "jti", "aud", "iss"]


@dataclass(frozen=True)
class Viewer:
    """The user of a request. A viewer with an API token has no session.

    ``expires_at`` is when the credentials of the request expire; None if they have no time that is fixed in advance.
    """

    account_id: UUID
    session_id: UUID | None = None
    expires_at: datetime | None = None
    api_token_id: UUID | None = None
    #: What an API token may do; None if there is no such limit, as for sessions.
    scopes: frozenset[ApiTokenScope] | None = None

    @property
    def has_expired(self) -> bool:
        """Whether the credentials have expired by now."""
        return self.expires_at is not None and self.expires_at <= host_now()


class AccessTokens:
    """Signs with the first key and accepts every key, so that keys can be rotated without ending sessions."""

    def __init__(self, keys: Sequence[SecretKey], lifetime: timedelta) -> None:
        self._signing = keys[0].kid
        self._keys = {key.kid: derive(key, PURPOSE) for key in keys}
        self._lifetime = lifetime
        # Only valid tokens are cached. They only become invalid by expiry.
        self._verified = lru_cache(CACHED)(self._verify)

    def issue(self, account_id: UUID, session_id: UUID) -> tuple[str, datetime]:
        """A token for an account's session, and when it expires."""
        issued = host_now().replace(microsecond=0)
        expires = issued + self._lifetime
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(account_id),
            "sid": str(session_id),
            "jti": str(uuid7()),
            "iat": issued,
            "exp": expires,
        }
        key = self._keys[self._signing]
        return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": self._signing}), expires

    def verify(self, token: str) -> Viewer:
        """The viewer of a token. Raises :class:`Unauthenticated` for any flaw, without naming it."""
        viewer = self._verified(token)
        if viewer.has_expired:
            raise Unauthenticated(REFUSED)
        return viewer

    def _verify(self, token: str) -> Viewer:
        try:
            claims = self._decode(token)
            # The library would take the time of this host, without a correction.
            if claims["iat"] > (host_now() + LEEWAY).timestamp():
                raise Unauthenticated(REFUSED)
            return Viewer(UUID(claims["sub"]), UUID(claims["sid"]), datetime.fromtimestamp(claims["exp"], UTC))
        except (jwt.PyJWTError, ValueError, KeyError, TypeError) as error:
            raise Unauthenticated(REFUSED) from error

    def _decode(self, token: str) -> dict[str, Any]:
        kid = jwt.get_unverified_header(token)["kid"]
        return jwt.decode(
            token,
            self._keys[kid],
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            options={"require": REQUIRED, "verify_exp": False, "verify_iat": False},
        )
