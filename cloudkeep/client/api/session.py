"""A session: it signs in, and refreshes the access token when it expires during an upload."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from cloudkeep.client.api.documents import LOGIN, ME, REFRESH_SESSION
from cloudkeep.client.api.graphql import GraphQL, Json, Unauthenticated
from cloudkeep.client.api.retry import RetryPolicy, rate_limit_message
from cloudkeep.client.display.display import print_error
from cloudkeep.client.errors import RateLimited, RequestRefused, RetryableError, ServerUnreachable, SignInError


class Session:
    """Operations of one account. Without a refresh token, the access token is used until it expires."""

    def __init__(self, graphql: GraphQL, access_token: str | None = None, refresh_token: str | None = None) -> None:
        self._graphql = graphql
        self._access_token = access_token
        self._refresh_token = refresh_token
        self._refresh_lock = asyncio.Lock()

    async def check(self) -> None:
        """Raise :class:`ServerUnreachable` unless a server answers, and :class:`SignInError` for an invalid token."""
        try:
            me = await self._execute_when_allowed(ME, {}, self._access_token)
        except (RetryableError, RequestRefused) as error:
            raise ServerUnreachable(str(error)) from error
        except Unauthenticated as error:
            raise self._expired() from error
        if self._access_token and not me:
            raise self._expired()

    async def sign_in(self, user_id: str, password: str) -> None:
        """Open a session. Raises :class:`SignInError` and :class:`ServerUnreachable`."""
        variables = {"input": {"userId": user_id, "password": password}}
        try:
            payload = await self._execute_when_allowed(LOGIN, variables, None)
        except RequestRefused as error:
            raise SignInError(str(error)) from error
        except RetryableError as error:
            raise ServerUnreachable(str(error)) from error
        self._set_tokens(payload["session"])

    async def execute(self, document: str, **variables: object) -> Any:
        """One attempt at a query or mutation, two if the access token has expired.

        Raises :class:`RetryableError`, :class:`RequestRefused` and :class:`SignInError`.
        """
        token = self._access_token
        try:
            return await self._graphql.execute(document, variables, token)
        except Unauthenticated:
            await self._refresh(token)
        try:
            return await self._graphql.execute(document, variables, self._access_token)
        except Unauthenticated as error:
            raise self._expired() from error

    async def subscribe(self, document: str, **variables: object) -> AsyncGenerator[Any, None]:
        """One attempt at a subscription, which restarts when the access token expires. Raises as :meth:`execute`."""
        is_refreshed = False
        while True:
            token = self._access_token
            try:
                async with aclosing(self._graphql.subscribe(document, variables, token)) as values:
                    async for value in values:
                        is_refreshed = False
                        yield value
                    return
            except Unauthenticated as error:
                if is_refreshed:
                    raise self._expired() from error
                await self._refresh(token)
                is_refreshed = True

    async def _execute_when_allowed(self, document: str, variables: Json, token: str | None) -> Any:
        """Execute, and wait for rate limits. There is no track yet, so messages are printed."""
        while True:
            try:
                return await self._graphql.execute(document, variables, token)
            except RateLimited as error:
                print_error(f"cloudkeep: {rate_limit_message(error)}")
                await asyncio.sleep(RetryPolicy().rate_limit_delay(error.retry_after))

    async def _refresh(self, expired_token: str | None) -> None:
        """Refresh the access token, unless another task has done so since ``expired_token`` was used."""
        async with self._refresh_lock:
            if self._access_token != expired_token:
                return
            if not self._refresh_token:
                raise self._expired()
            try:
                payload = await self._graphql.execute(
                    REFRESH_SESSION, {"input": {"refreshToken": self._refresh_token}}, None
                )
            except (RequestRefused, Unauthenticated) as error:
                raise self._expired() from error
            self._set_tokens(payload["session"])

    def _set_tokens(self, session: Json) -> None:
        self._access_token, self._refresh_token = session["accessToken"], session["refreshToken"]

    def _expired(self) -> SignInError:
        if self._refresh_token:
            return SignInError("the session has ended; run the same command again to sign in and continue")
        return SignInError(
            "the token in CLOUDKEEP_TOKEN is invalid or has expired; set a new one, or unset it to sign in"
        )
