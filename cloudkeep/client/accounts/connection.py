"""A connection to one server for a command that asks questions between its requests."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx

from cloudkeep.client.api.graphql import GraphQL
from cloudkeep.client.api.http import open_http
from cloudkeep.client.api.session import Session
from cloudkeep.client.api.tokens import Tokens
from cloudkeep.client.api.waiting import when_allowed
from cloudkeep.client.errors import RetryableError, ServerUnreachable

T = TypeVar("T")


class Connection:
    """Runs requests in an event loop. Prompts are outside of it, because they block."""

    def __init__(self, url: str, http: httpx.AsyncClient, graphql: GraphQL, runner: asyncio.Runner) -> None:
        self.url = url
        self.http = http
        self.graphql = graphql
        self._runner = runner

    def require_server(self) -> None:
        """Raise :class:`ServerUnreachable` unless a server answers, before anyone types a password."""
        self.run(Session(self.graphql).check())

    def execute(self, document: str, tokens: Tokens | None = None, **variables: object) -> Any:
        """Execute as the session of these tokens, and wait as long as the server asks.

        Raises :class:`RequestRefused`, :class:`SignInError` and :class:`ServerUnreachable`.
        """
        session = Session(self.graphql, tokens)
        return self.run(when_allowed(lambda: session.execute(document, **variables)))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run to the end. Raises :class:`ServerUnreachable` for what could be tried again, and KeyboardInterrupt."""
        try:
            return self._runner.run(work)
        except RetryableError as error:
            raise ServerUnreachable(str(error)) from error


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """A connection for the block."""
    http = open_http(url)
    with asyncio.Runner() as runner:
        try:
            yield Connection(url, http, GraphQL(http, url), runner)
        finally:
            runner.run(http.aclose())
