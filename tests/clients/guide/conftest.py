"""A server with small budgets, people who are signed in, and the code of docs/clients.md."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
import pytest_asyncio

from resolvers import operations
from resolvers.context import Context
from resolvers.operations import FramePayment
from schema.execution import frames
from services.accounts.tokens import AccessTokens
from services.budgets.budgets import Limit
from services.budgets.errors import RateLimited
from services.core.ids import Prefix, require_key
from tests.clients.guide.page import Guide, write_guide
from tests.support.backends.databases import Databases
from tests.support.server import PASSWORD, Api, Json, http_client
from tests.support.shared_server import KEYS, SharedServer, another_user, shared_server
from tests.support.waiting import eventually

#: Less than sixty times ``retryUpload`` at once; it comes back within two seconds.
ACCOUNT_BUDGET = Limit(2000, 1000)
FILES = 5
#: The names of a reader's files, the newest one first, as lists have them.
NAMES = [f"{number}.txt" for number in reversed(range(FILES))]

LOGIN = """mutation ($input: LoginInput!) { login(input: $input) {
  session { accessToken refreshToken expiresAt account { id } session { id } } } }"""


@dataclass(frozen=True)
class Person:
    """An account, and the tokens of one of its sign-ins."""

    api: Api
    name: str
    tokens: Json
    account: UUID
    session: UUID

    def with_token(self, seconds: float) -> Json:
        """The tokens, with an access token that the server takes this long. The client does not know that."""
        token, _ = AccessTokens(KEYS, timedelta(seconds=seconds)).issue(self.account, self.session)
        return {**self.tokens, "accessToken": token}

    @property
    def expired(self) -> Json:
        """The tokens, with an access token that has expired without the client's knowledge."""
        return self.with_token(-60)


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Guide:
    """The files of the page."""
    return write_guide(tmp_path_factory.mktemp("guide"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> AsyncIterator[SharedServer]:
    """One server for the module."""
    folder = tmp_path_factory.mktemp("stand")
    async with shared_server(folder, databases, budget_account=ACCOUNT_BUDGET) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader_api(server: SharedServer) -> AsyncIterator[Api]:
    """The owner of ``FILES`` files, of which no test changes any."""
    async with another_user(server) as api:
        for name in reversed(NAMES):
            await api.upload(name.encode(), fileName=name)
        yield api


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def uploader_api(server: SharedServer) -> AsyncIterator[Api]:
    """The owner of what the tests upload."""
    async with another_user(server) as api:
        yield api


@pytest_asyncio.fixture(loop_scope="module")
async def reader(server: SharedServer, reader_api: Api) -> Person:
    """The owner of ``FILES`` files, with a sign-in for one test."""
    return await _signed_in(server, reader_api)


@pytest_asyncio.fixture(loop_scope="module")
async def uploader(server: SharedServer, uploader_api: Api) -> Person:
    """A person who uploads, with a sign-in for one test."""
    return await _signed_in(server, uploader_api)


async def _signed_in(server: SharedServer, api: Api) -> Person:
    name = (await api.data("{ me { userId } }"))["userId"]
    async with http_client(server.url) as http:
        payload = await Api(http).data(LOGIN, input={"userId": name, "password": PASSWORD})
    tokens = payload["session"]
    account = require_key(Prefix.ACCOUNT, tokens["account"]["id"])
    return Person(api, name, tokens, account, require_key(Prefix.SESSION, tokens["session"]["id"]))


async def is_refilled(api: Api) -> bool:
    """Whether the budget has what another test may have used."""
    return int((await api.data("{ rateLimit { remaining } }"))["remaining"]) > ACCOUNT_BUDGET.capacity * 0.9


@pytest_asyncio.fixture(loop_scope="module")
async def one_frame_refused(uploader_api: Api, monkeypatch: pytest.MonkeyPatch) -> list[RateLimited]:
    """The budget is used up when the first further frame of a subscription is to be paid, and never again."""
    await eventually(lambda: is_refilled(uploader_api))
    refusals = [RateLimited("There are too few points.", layer="account", retry_after=0.1)]
    refused: list[RateLimited] = []

    async def pay(context: Context, points: int) -> FramePayment:
        if refusals:
            refused.append(refusals.pop())
            raise refused[-1]
        return await context.services.frame_payments.pay(context.payer, points)

    monkeypatch.setattr(operations, "pay_frame", pay)
    monkeypatch.setattr(frames, "MAX_WAIT_SECONDS", 0.0)
    return refused
