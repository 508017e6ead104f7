"""Access tokens of a session: one that was given, or a pair that is refreshed."""

import asyncio
from typing import Protocol

from cloudkeep.client.api.graphql import GraphQL
from cloudkeep.client.api.sign_in import SessionEnded, SignIn, refresh
from cloudkeep.client.errors import SignInError


class Tokens(Protocol):
    """The access token of a session."""

    async def current(self) -> str | None:
        """The access token; None when nobody is signed in. Raises :class:`SignInError`."""

    async def renew(self, refused: str | None) -> None:
        """Replace the token that the server refused, unless another task has done so since.

        Raises :class:`SignInError`, :class:`RetryableError` and :class:`RequestRefused`.
        """

    def ended(self) -> SignInError:
        """The error for a session that has ended."""


class GivenToken:
    """An access token or API token of the environment, which is used as long as it is valid. None signs nobody in."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    async def current(self) -> str | None:
        """See :class:`Tokens`."""
        return self._token

    async def renew(self, refused: str | None) -> None:
        """Raise :class:`SignInError`: a single token has no successor."""
        raise self.ended()

    def ended(self) -> SignInError:
        """See :class:`Tokens`."""
        return SignInError(
            "the token in CLOUDKEEP_TOKEN is invalid or has expired; set a new one, or unset it to sign in"
        )


class TokenPair:
    """The tokens of a session that is kept in memory only."""

    def __init__(self, graphql: GraphQL, access_token: str, refresh_token: str) -> None:
        self._graphql = graphql
        self._access_token = access_token
        self._refresh_token = refresh_token
        self._lock = asyncio.Lock()

    @classmethod
    def of(cls, graphql: GraphQL, signed_in: SignIn) -> "TokenPair":
        """The tokens of a sign-in."""
        return cls(graphql, signed_in.access_token, signed_in.refresh_token)

    async def current(self) -> str | None:
        """See :class:`Tokens`."""
        return self._access_token

    async def renew(self, refused: str | None) -> None:
        """See :class:`Tokens`."""
        async with self._lock:
            if self._access_token != refused:
                return
            try:
                fresh = await refresh(self._graphql, self._refresh_token)
            except SessionEnded as error:
                raise self.ended() from error
            self._access_token, self._refresh_token = fresh.access_token, fresh.refresh_token

    def ended(self) -> SignInError:
        """See :class:`Tokens`."""
        return SignInError("the session has ended; run the same command again to sign in and continue")
