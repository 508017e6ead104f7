"""The server that is attacked, the mails of everybody, and the clock, for code that runs in no event loop."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from redis import Redis

from services.core.clock import now
from tests.schema.accounts.attacks.documents import document_of
from tests.support.backends.smtp_sink import Received
from tests.support.clock import Clocks
from tests.support.server import Json
from tests.support.shared_server import SharedServer
from tests.support.waiting import eventually

T = TypeVar("T")

ME = "{ me { id userId email } }"
CODE = re.compile(r"^ +(\d{6})\s*$", re.MULTILINE)
TOKEN = re.compile(r"^ +(\S{40,})$", re.MULTILINE)


@dataclass(frozen=True)
class Answer:
    """The response to a mutation. ``text`` is its body, ``cookies`` what it sets."""

    text: str
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def payload(self) -> Json:
        """The payload; empty if the whole request was refused."""
        data = json.loads(self.text).get("data") or {}
        return next(iter(data.values()), None) or {}

    @property
    def code(self) -> str | None:
        """The code of the first error; None if there is none."""
        body = json.loads(self.text)
        if errors := body.get("errors"):
            return str(errors[0]["extensions"]["code"])
        errors = self.payload["userErrors"]
        return str(errors[0]["code"]) if errors else None

    @property
    def error_field(self) -> str | None:
        """The last part of the field of the first error."""
        errors = self.payload.get("userErrors") or [{}]
        path: list[str] = errors[0].get("field") or []
        return path[-1] if path else None

    @property
    def session(self) -> Json | None:
        """The sign-in of the payload, if there is one."""
        found: Json | None = self.payload.get("session")
        return found


class World:
    """Calls the API from any client address, reads the mails, and advances the clock."""

    def __init__(self, runner: asyncio.Runner, server: SharedServer, clocks: Clocks) -> None:
        self._runner = runner
        self.server = server
        self._clocks = clocks
        self._examples = 0

    def begin(self) -> str:
        """Begin an example. Returns a name for its people, who are not those of other examples."""
        self._examples += 1
        # What waits for a code, and what was counted, belongs to the examples before.
        self.advance(timedelta(hours=3))
        self.server.sink.mails.clear()
        return f"x{self._examples}"

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine."""
        return self._runner.run(work)

    def call(
        self,
        mutation: str,
        given: Json | None = None,
        *,
        client: str,
        token: str | None = None,
        cookies: dict[str, str] | None = None,
    ) -> Answer:
        """Call a mutation from this client address."""
        variables = {} if given is None else {"input": given}
        return self._post(document_of(mutation), variables, client, token, cookies)

    def me(self, token: str | None, *, cookies: dict[str, str] | None = None) -> str | None:
        """The ID of the account that a token or a cookie opens; None if it opens none."""
        return (self._post(ME, {}, "192.0.2.1", token, cookies).payload or {}).get("id")

    def node(self, node_id: str, token: str | None, client: str) -> Answer:
        """The answer to a query of any object."""
        return self._post("query ($id: ID!) { node(id: $id) { id __typename } }", {"id": node_id}, client, token, None)

    def mails_to(self, address: str) -> list[Received]:
        """The mails that an address has got by now."""
        return [mail for mail in self.server.sink.mails if address in mail.recipients]

    def codes_to(self, address: str) -> list[str]:
        """The codes that were mailed to an address, the newest last."""
        return [code for mail in self.mails_to(address) for code in codes_in(mail)]

    def tokens_to(self, address: str) -> list[str]:
        """The tokens that were mailed to an address, the newest last."""
        return [token for mail in self.mails_to(address) for token in TOKEN.findall(mail.text)]

    def await_more(self, look: Callable[[], list[str]], already: int) -> None:
        """Wait until there is more of something that arrives by mail."""

        async def is_there() -> bool | None:
            return len(look()) > already or None

        self.run(eventually(is_there))

    def advance(self, by: timedelta) -> None:
        """Let time pass. Redis has a clock of its own, so its counters of wrong passwords are deleted after an hour."""
        self._clocks.passed += by
        if by >= timedelta(hours=1):
            with Redis.from_url(self.server.settings.redis_url or "") as redis:
                if keys := redis.keys("cloudkeep:sign-in:*"):
                    redis.delete(*keys)

    def now(self) -> datetime:
        """The time of the server."""
        return now()

    def _post(
        self, document: str, variables: Json, client: str, token: str | None, cookies: dict[str, str] | None
    ) -> Answer:
        headers = {"X-Forwarded-For": client}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if cookies is not None:
            headers["Origin"] = self.server.url
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        request = self.server.http.post("/graphql", json={"query": document, "variables": variables}, headers=headers)
        response = self.run(_awaited(request))
        found = dict(response.cookies.items())
        self.server.http.cookies.clear()
        return Answer(response.text, found)


async def _awaited(work: Awaitable[T]) -> T:
    return await work


def codes_in(mail: Received) -> list[str]:
    """The codes in a mail."""
    return CODE.findall(mail.text)
