"""Signing in, and exchanging a refresh token: both return the tokens of a session."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from cloudkeep.client.api.documents import LOGIN, REFRESH_SESSION
from cloudkeep.client.api.graphql import GraphQL, Json, Unauthenticated
from cloudkeep.client.api.waiting import when_allowed
from cloudkeep.client.errors import RequestRefused, RetryableError, ServerUnreachable, SignInError

#: The code of a refresh token that is invalid, has expired or was used before.
INVALID_CREDENTIALS = "INVALID_CREDENTIALS"


class SessionEnded(Exception):
    """The refresh token is not valid any more."""


@dataclass(frozen=True)
class SignIn:
    """A session that was opened or refreshed. ``expires_at`` is when the access token expires."""

    session_id: str
    account_id: str
    user_id: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime
    device_token: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, session: Json) -> "SignIn":
        """The sign-in of a payload's ``session``."""
        account = session["account"]
        return cls(
            session["session"]["id"],
            account["id"],
            account["userId"],
            session["accessToken"],
            session["refreshToken"],
            datetime.fromisoformat(session["expiresAt"]).astimezone(UTC),
            session.get("deviceToken"),
        )


async def sign_in(graphql: GraphQL, user_id: str, password: str, device_token: str | None = None) -> SignIn:
    """Open a session by a user ID or an address. Waits as long as the server asks.

    ``device_token`` is that of an earlier sign-in on this device. Raises :class:`SignInError` and
    :class:`ServerUnreachable`.
    """
    given = {"userId": user_id, "password": password, "deviceToken": device_token}
    variables = {"input": {name: value for name, value in given.items() if value is not None}}
    try:
        payload = await when_allowed(lambda: graphql.execute(LOGIN, variables, None))
    except RequestRefused as error:
        raise SignInError(str(error)) from error
    except RetryableError as error:
        raise ServerUnreachable(str(error)) from error
    return SignIn.of(payload["session"])


async def refresh(graphql: GraphQL, refresh_token: str) -> SignIn:
    """Exchange a refresh token, in one attempt.

    For 30 seconds the server returns the same successor again, so that a lost response loses no session. Raises
    :class:`SessionEnded`, :class:`RetryableError` and :class:`RequestRefused`.
    """
    try:
        payload = await graphql.execute(REFRESH_SESSION, {"input": {"refreshToken": refresh_token}}, None)
    except Unauthenticated as error:
        raise SessionEnded from error
    except RequestRefused as error:
        if error.code == INVALID_CREDENTIALS:
            raise SessionEnded from error
        raise
    return SignIn.of(payload["session"])
