"""Python's gql, with the code of docs/clients.md."""

import asyncio
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

import httpx
import pytest
from gql import gql
from gql.transport.exceptions import TransportConnectionFailed

from services.budgets.errors import RateLimited
from tests.clients.guide.conftest import NAMES, Person
from tests.clients.guide.page import Guide
from tests.support.server import Json
from tests.support.shared_server import SharedServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

ME = gql("{ me { userId } }")
EXPENSIVE = gql('mutation { retryUpload(input: {uploadId: "unknown"}) { userErrors { code } } }')


@pytest.fixture(scope="module")
def client(guide: Guide) -> Any:
    """The module of the page."""
    spec = spec_from_file_location("client_of_the_guide", guide.folder / "client.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def statuses(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The status of each response."""
    found = []
    original = httpx.AsyncHTTPTransport.handle_async_request

    async def noting(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        response = await original(self, request)
        found.append(response.status_code)
        return response

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", noting)
    return found


def auth_of(client: Any, server: SharedServer, tokens: Json) -> Any:
    return client.CloudKeepAuth(server.url, tokens["accessToken"], tokens["refreshToken"])


async def test_operations_whose_token_expired_share_one_refresh(
    server: SharedServer, reader: Person, client: Any
) -> None:
    auth = auth_of(client, server, reader.expired)
    async with client.create_client(auth) as session:
        answers = await asyncio.gather(*(session.execute(ME) for _ in range(3)))
    assert [answer["me"]["userId"] for answer in answers] == [reader.name] * 3
    assert auth.access_token != reader.expired["accessToken"]


async def test_a_session_that_has_ended_is_an_error(server: SharedServer, reader: Person, client: Any) -> None:
    auth = auth_of(client, server, {**reader.expired, "refreshToken": "unknown"})
    async with client.create_client(auth) as session:
        with pytest.raises(TransportConnectionFailed, match="refresh token is invalid"):
            await session.execute(ME)


async def test_an_operation_waits_while_the_budget_is_used_up(
    server: SharedServer, reader: Person, client: Any, statuses: list[int]
) -> None:
    async with client.create_client(auth_of(client, server, reader.tokens)) as session:
        while 429 not in statuses:
            answers = await asyncio.gather(*(session.execute(EXPENSIVE) for _ in range(60)))
            assert all(answer["retryUpload"]["userErrors"][0]["code"] == "NOT_FOUND" for answer in answers)


async def test_all_pages_are_read(server: SharedServer, reader: Person, client: Any) -> None:
    async with client.create_client(auth_of(client, server, reader.tokens)) as session:
        assert [file["name"] async for file in client.files(session)] == NAMES


async def test_a_subscription_goes_on_after_its_token_has_expired(
    server: SharedServer, uploader: Person, client: Any
) -> None:
    upload = await uploader.api.init(b"abc")
    tokens = uploader.with_token(10)
    auth = auth_of(client, server, tokens)
    stages = []
    async for progress in client.progress(auth, upload["id"]):
        stages.append(progress["stage"])
        if auth.access_token != tokens["accessToken"] and progress["stage"] == "RECEIVING":
            await uploader.api.put(upload["slots"]["nodes"][0], b"abc")
    assert (stages[0], stages[-1]) == ("RECEIVING", "READY")


async def test_a_subscription_whose_token_is_refused_starts_once_more(
    server: SharedServer, uploader: Person, client: Any
) -> None:
    upload = await uploader.api.upload(b"another file")
    stages = [
        progress["stage"] async for progress in client.progress(auth_of(client, server, uploader.expired), upload["id"])
    ]
    assert stages[-1] == "READY"


async def test_a_subscription_goes_on_after_the_budget_was_used_up(
    server: SharedServer, uploader: Person, client: Any, one_frame_refused: list[RateLimited]
) -> None:
    upload = await uploader.api.init(b"abc")
    stages = []
    async for progress in client.progress(auth_of(client, server, uploader.tokens), upload["id"]):
        stages.append(progress["stage"])
        if len(stages) == 1:
            await uploader.api.put(upload["slots"]["nodes"][0], b"abc")
    assert (stages[0], stages[-1]) == ("RECEIVING", "READY")
    assert len(one_frame_refused) == 1
