"""People who use the accounts of a server that is struck, and what the server knows about them."""

import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from storage.accounts.models import Account
from storage.database.connection import close_database, open_database
from storage.database.engine import engine_of
from tests.faults.accounts.documents import CREATE_TOKEN, LOGIN, ME, REGISTER, VERIFY
from tests.faults.arming import Arming
from tests.support.backends.smtp_sink import Received, SmtpSink
from tests.support.process import ServeProcess
from tests.support.server import PASSWORD, Json
from tests.support.waiting import eventually, nothing_is_away

NEW_PASSWORD = "another horse battery"
CODE = re.compile(r"\b\d{6}\b")
#: A token, on a line of its own.
TOKEN = re.compile(r"^ +(\S{40,})$", re.MULTILINE)


@dataclass(frozen=True)
class AccountServer:
    """The server, its data folder and database, and its mail server."""

    process: ServeProcess
    arming: Arming
    http: httpx.AsyncClient
    sink: SmtpSink
    root: Path
    database_url: str

    async def call(self, document: str, given: Json | None = None, bearer: str = "") -> Json:
        """The payload of a mutation. An error of the request counts as one of the mutation."""
        body = {"query": document, "variables": {"input": given} if given else {}}
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        answer = (await self.http.post("/graphql", json=body, headers=headers)).json()
        if "errors" in answer:
            return {"userErrors": [error["extensions"] for error in answer["errors"]]}
        (payload,) = answer["data"].values()
        return dict(payload) if payload else {}

    async def succeed(self, document: str, given: Json | None = None, bearer: str = "") -> Json:
        """The payload of a mutation that has no errors."""
        payload = await self.call(document, given, bearer)
        assert payload["userErrors"] == [], payload
        return payload

    async def wait_until_ready(self) -> None:
        """Return once the API process is back."""

        async def ready() -> bool:
            try:
                return nothing_is_away(await self.http.get("/readyz"))
            except httpx.TransportError:
                return False

        await eventually(ready)

    @asynccontextmanager
    async def database(self) -> AsyncIterator[None]:
        """Connect this process to the server's database for the block."""
        await engine_of(self.database_url).require_available()
        await open_database(self.database_url)
        try:
            yield
        finally:
            await close_database()

    def mails_to(self, address: str) -> list[Received]:
        """The mails that this address has got by now."""
        return [mail for mail in self.sink.mails if address in mail.recipients]

    def codes_to(self, address: str) -> list[str]:
        """The codes that this address has got by now. It also gets notices."""
        return [code for mail in self.mails_to(address) for code in CODE.findall(mail.text)]


@dataclass
class Person:
    """Somebody with or without an account.

    ``credentials`` are those that the person has before the mutation: access tokens and API tokens, by a name.
    ``last`` is the last payload of the mutation, and ``pending`` what a code is for. ``row`` is the account as it was
    before the mutation, ``mails`` the mails of the outbox then, and ``noted`` values to compare.
    """

    server: AccountServer
    user_id: str = field(default_factory=lambda: f"user-{secrets.token_hex(6)}")
    credentials: dict[str, str] = field(default_factory=dict)
    session: Json = field(default_factory=dict)
    api_token_id: str = ""
    pending: str = ""
    code: str = ""
    last: Json = field(default_factory=dict)
    row: Account | None = None
    mails: set[UUID] = field(default_factory=set)
    noted: dict[str, Any] = field(default_factory=dict)
    rival: "Person | None" = None

    @property
    def email(self) -> str:
        """The first address."""
        return f"{self.user_id}@example.org"

    @property
    def new_email(self) -> str:
        """The address after a change."""
        return f"new-{self.user_id}@example.org"

    async def mailed(self, address: str, wanted: re.Pattern[str], subject: str = "", *, known: int = 0) -> str:
        """What the newest mail to an address has, after so many that are known."""

        async def look() -> str | None:
            mails = [mail for mail in self.server.mails_to(address)[known:] if subject in str(mail.message["Subject"])]
            found = [text for mail in mails for text in wanted.findall(mail.text)]
            return found[-1] if found else None

        return await eventually(look)

    async def register(self, **more: str) -> Json:
        """Register, and keep the ID and the code."""
        known = len(self.server.mails_to(self.email))
        given = {"userId": self.user_id, "userName": "A Person", "email": self.email, "password": PASSWORD, **more}
        payload = await self.server.call(REGISTER, given)
        if payload.get("registration"):
            self.pending = payload["registration"]["id"]
            self.code = await self.mailed(self.email, CODE, known=known)
        return payload

    async def verify(self) -> Json:
        """Enter the code of the registration."""
        return await self.server.call(VERIFY, {"registrationId": self.pending, "otp": self.code})

    async def join(self) -> "Person":
        """Get an account and its first session."""
        assert not (await self.register())["userErrors"]
        self.session = (await self.verify())["session"]
        self.credentials["first session"] = self.session["accessToken"]
        return self

    async def gather_credentials(self) -> "Person":
        """Get another session and an API token."""
        given = {"userId": self.user_id, "password": PASSWORD, "deviceToken": self.session["deviceToken"]}
        other = (await self.server.succeed(LOGIN, given))["session"]
        self.credentials["other session"] = other["accessToken"]
        made = await self.server.succeed(CREATE_TOKEN, {"name": "a program", "scopes": ["READ"]}, self.bearer)
        self.credentials["API token"], self.api_token_id = made["secret"], made["apiToken"]["id"]
        return self

    @property
    def bearer(self) -> str:
        """The access token of the first session."""
        return self.credentials["first session"]

    async def opens(self, name: str, password: str) -> bool:
        """Whether a name and a password open a session of this account."""
        payload = await self.server.call(LOGIN, {"userId": name, "password": password})
        session = payload.get("session") or {"account": {"userId": None}}
        return bool(session["account"]["userId"] == self.user_id)

    async def working(self) -> list[str]:
        """The names of the credentials that the server accepts."""
        return [
            name for name, bearer in self.credentials.items() if (await self.server.call(ME, None, bearer)).get("id")
        ]
