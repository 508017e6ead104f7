"""Who acts, and how they stay signed in while uploads and compressions outlast an access token."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from cloudkeep.client.api.documents import LOGIN, ME, REFRESH
from cloudkeep.client.api.graphql import GraphQL, Json, Unauthenticated
from cloudkeep.client.api.retry import RetryPolicy, as_asked
from cloudkeep.client.display.display import say
from cloudkeep.client.errors import Refused, SignInError, Throttled, TryAgain, Unreachable


class Session:
    """Operations as one person. An access token without a refresh token is used until it expires, and that is it."""

    def __init__(self, graphql: GraphQL, access: str | None = None, refresh: str | None = None) -> None:
        self._graphql = graphql
        self._access = access
        self._refresh = refresh
        self._renewing = asyncio.Lock()

    async def check(self) -> None:
        """Say hello. Raises :class:`Unreachable`, and :class:`SignInError` when a token from outside does not hold."""
        try:
            known = await self._ask_unhurried(ME, {}, self._access)
        except (TryAgain, Refused) as error:
            raise Unreachable(str(error)) from error
        except Unauthenticated as error:
            raise self._ended() from error
        if self._access and not known:
            raise self._ended()

    async def sign_in(self, user_id: str, password: str) -> None:
        """Open a session of our own. Raises :class:`SignInError` and :class:`Unreachable`."""
        try:
            answer = await self._ask_unhurried(LOGIN, {"input": {"userId": user_id, "password": password}}, None)
        except Refused as error:
            raise SignInError(str(error)) from error
        except TryAgain as error:
            raise Unreachable(str(error)) from error
        self._take(answer["session"])

    async def ask(self, document: str, **variables: object) -> Any:
        """One attempt at a query or mutation. Raises :class:`TryAgain`, :class:`Refused` and :class:`SignInError`."""
        used = self._access
        try:
            return await self._graphql.ask(document, variables, used)
        except Unauthenticated:
            await self._renew(used)
        try:
            return await self._graphql.ask(document, variables, self._access)
        except Unauthenticated as error:
            raise self._ended() from error

    async def follow(self, document: str, **variables: object) -> AsyncGenerator[Any, None]:
        """One attempt at a subscription; it begins anew when the access token expires. Raises as :meth:`ask` does."""
        renewed = False
        while True:
            used = self._access
            try:
                async with aclosing(self._graphql.follow(document, variables, used)) as values:
                    async for value in values:
                        renewed = False
                        yield value
                    return
            except Unauthenticated as error:
                if renewed:
                    raise self._ended() from error
                await self._renew(used)
                renewed = True

    async def _ask_unhurried(self, document: str, variables: Json, token: str | None) -> Any:
        """Ask, and wait for as long as the server wants it, which has no file's track yet to say it on."""
        while True:
            try:
                return await self._graphql.ask(document, variables, token)
            except Throttled as error:
                say(f"cloudkeep: {as_asked(error)}")
                await asyncio.sleep(RetryPolicy().pause(error.after))

    async def _renew(self, refused: str | None) -> None:
        """Get a new access token, unless another task just did."""
        async with self._renewing:
            if self._access != refused:
                return
            if not self._refresh:
                raise self._ended()
            try:
                answer = await self._graphql.ask(REFRESH, {"token": self._refresh}, None)
            except (Refused, Unauthenticated) as error:
                raise self._ended() from error
            self._take(answer["session"])

    def _take(self, session: Json) -> None:
        self._access, self._refresh = session["accessToken"], session["refreshToken"]

    def _ended(self) -> SignInError:
        if self._refresh:
            return SignInError("the session has ended; run the same command again to sign in and go on")
        return SignInError("the token in CLOUDKEEP_TOKEN is not valid or has expired")
