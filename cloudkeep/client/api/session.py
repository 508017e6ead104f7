"""A session: operations of one account, whose access token is refreshed when it expires."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from cloudkeep.client.api.documents import ME
from cloudkeep.client.api.graphql import GraphQL, Unauthenticated
from cloudkeep.client.api.tokens import GivenToken, Tokens
from cloudkeep.client.api.waiting import when_allowed
from cloudkeep.client.errors import RequestRefused, RetryableError, ServerUnreachable


class Session:
    """Operations of one account, or of nobody if there are no tokens."""

    def __init__(self, graphql: GraphQL, tokens: Tokens | None = None) -> None:
        self._graphql = graphql
        self._tokens = tokens or GivenToken(None)

    async def check(self) -> None:
        """Raise :class:`ServerUnreachable` unless a server answers, and :class:`SignInError` for an invalid token."""
        try:
            me = await when_allowed(lambda: self.execute(ME))
        except (RetryableError, RequestRefused) as error:
            raise ServerUnreachable(str(error)) from error
        if not me and await self._tokens.current():
            raise self._tokens.ended()

    async def execute(self, document: str, **variables: object) -> Any:
        """One attempt at a query or mutation, two if the access token has expired.

        Raises :class:`RetryableError`, :class:`RequestRefused` and :class:`SignInError`.
        """
        token = await self._tokens.current()
        try:
            return await self._graphql.execute(document, variables, token)
        except Unauthenticated:
            await self._tokens.renew(token)
        try:
            return await self._graphql.execute(document, variables, await self._tokens.current())
        except Unauthenticated as error:
            raise self._tokens.ended() from error

    async def subscribe(self, document: str, **variables: object) -> AsyncGenerator[Any, None]:
        """One attempt at a subscription, which restarts when the access token expires. Raises as :meth:`execute`."""
        is_renewed = False
        while True:
            token = await self._tokens.current()
            try:
                async with aclosing(self._graphql.subscribe(document, variables, token)) as values:
                    async for value in values:
                        is_renewed = False
                        yield value
                    return
            except Unauthenticated as error:
                if is_renewed:
                    raise self._tokens.ended() from error
                await self._tokens.renew(token)
                is_renewed = True
