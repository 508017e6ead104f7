"""A script with an API token that runs away leaves the pages of its owner usable."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from services.budgets.budgets import Limit
from tests.support.backends.databases import Databases
from tests.support.graphql_ws import Socket, connected
from tests.support.server import PROGRESS, Api, Json, http_client
from tests.support.shared_server import SharedServer, shared_server

pytestmark = pytest.mark.asyncio(loop_scope="module")

CREATE = """mutation { createApiToken(input: {name: "a script", scopes: [READ, UPLOAD]}) { secret } }"""
UPLOADS = "{ uploads(first: 100) { nodes { id fileName } } }"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> AsyncIterator[SharedServer]:
    """A server whose budgets are not refilled."""
    folder = tmp_path_factory.mktemp("stand")
    account, token = Limit(4_000, 1e-6), Limit(3_000, 1e-6)
    async with shared_server(
        folder, databases, budget_account=account, budget_api_token=token, subscriptions=(4, 4)
    ) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def script(shared: SharedServer) -> AsyncIterator[Api]:
    """A program with a new token."""
    secret = (await shared.api.data(CREATE))["secret"]
    async with http_client(shared.url) as http:
        http.headers["Authorization"] = f"Bearer {secret}"
        yield Api(http)


async def test_a_script_that_uses_up_its_points_leaves_half_of_them_to_its_owner(
    shared: SharedServer, script: Api
) -> None:
    answer: Json = {}
    while "errors" not in answer:
        answer = await script.call(UPLOADS)
    assert answer["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
    assert answer["errors"][0]["extensions"]["layer"] == "token"
    remaining = (await shared.api.data("{ rateLimit { remaining } }"))["remaining"]
    assert 1_500 < remaining < 2_500


async def test_a_script_that_subscribes_to_everything_leaves_half_of_the_subscriptions(
    shared: SharedServer, script: Api
) -> None:
    upload = await shared.api.init(bytes(100_000))

    async def subscribe(socket: Socket, count: int) -> list[str]:
        """The types of the first messages of so many subscriptions, one after another."""
        types = []
        for number in range(count):
            await socket.subscribe(PROGRESS, name=str(number), id=upload["id"])
            types.append((await socket.receive())["type"])
        return types

    async with (
        connected(shared.url, headers={"Authorization": script.http.headers["Authorization"]}) as program,
        connected(shared.url, headers={"Authorization": shared.api.http.headers["Authorization"]}) as page,
    ):
        await program.init()
        await page.init()
        assert await subscribe(program, 3) == ["next", "next", "error"]
        assert await subscribe(page, 3) == ["next", "next", "error"]
