"""Signing in, and renewing a session."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from cloudkeep.client.api.documents import LOGIN, ME, UPLOAD_PROGRESS
from cloudkeep.client.api.graphql import GraphQL
from cloudkeep.client.api.http import open_http
from cloudkeep.client.api.session import Session
from cloudkeep.client.api.sign_in import sign_in
from cloudkeep.client.api.tokens import GivenToken, TokenPair
from cloudkeep.client.errors import ServerUnreachable, SignInError
from services.accounts.sign_in.sign_in_delays import FREE_OF_CLIENT
from tests.cloudkeep.client.conftest import init_upload
from tests.support.faults.proxy import Proxy
from tests.support.server import PASSWORD, Api, Json

STALE = "not.a.token"


@pytest.fixture
def graphql(client: httpx.AsyncClient, server: str) -> GraphQL:
    """The server's GraphQL endpoint."""
    return GraphQL(client, server)


async def _user_id(api: Api) -> str:
    me = await api.data("{ me { userId } }")
    return str(me["userId"])


async def _login(api: Api) -> Json:
    answer = await api.data(LOGIN, input={"userId": await _user_id(api), "password": PASSWORD})
    session: Json = answer["session"]
    return session


async def test_user_id_and_password_open_a_session(graphql: GraphQL, api: Api) -> None:
    await Session(graphql).check()
    session = Session(graphql, TokenPair.of(graphql, await sign_in(graphql, await _user_id(api), PASSWORD)))
    assert await session.execute(ME) == await api.data(ME)


async def test_a_wrong_password_is_an_error_of_one_line(graphql: GraphQL, api: Api) -> None:
    with pytest.raises(SignInError, match=r"^User ID, e-mail address or password is wrong$"):
        await sign_in(graphql, await _user_id(api), "wrong horse battery")


async def test_after_too_many_wrong_passwords_it_waits_as_long_as_the_server_asks_and_says_so(
    graphql: GraphQL, api: Api, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.accounts.sign_in.sign_in_delays.FIRST_SECONDS", 2.0)
    user_id = await _user_id(api)
    for _ in range(FREE_OF_CLIENT + 1):
        await api.call(LOGIN, input={"userId": user_id, "password": "wrong horse battery"})
    await sign_in(graphql, user_id, PASSWORD)
    line, *_ = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"cloudkeep: there were too many wrong passwords; waiting \d+ s, as it asks", line)


async def test_an_invalid_token_is_an_error_at_once(graphql: GraphQL) -> None:
    with pytest.raises(SignInError, match=r"^the token in CLOUDKEEP_TOKEN is invalid or has expired; set a new one"):
        await Session(graphql, GivenToken(STALE)).check()


async def test_an_expired_token_is_renewed_and_the_query_sent_again(graphql: GraphQL, api: Api) -> None:
    session = Session(graphql, TokenPair(graphql, STALE, (await _login(api))["refreshToken"]))
    assert await session.execute(ME) == await api.data(ME)


async def test_many_queries_at_once_renew_a_session_once(graphql: GraphQL, api: Api) -> None:
    session = Session(graphql, TokenPair(graphql, STALE, (await _login(api))["refreshToken"]))
    answers = await asyncio.gather(*(session.execute(ME) for _ in range(8)))
    assert answers == [await api.data(ME)] * 8


async def test_a_session_that_cannot_be_renewed_ends_with_one_line(graphql: GraphQL) -> None:
    with pytest.raises(SignInError, match=r"^the session has ended; run the same command again"):
        await Session(graphql, TokenPair(graphql, STALE, "no refresh token")).execute(ME)


async def test_a_token_from_the_environment_cannot_be_renewed(graphql: GraphQL) -> None:
    with pytest.raises(SignInError, match="CLOUDKEEP_TOKEN"):
        await Session(graphql, GivenToken(STALE)).execute(ME)


async def test_a_subscription_starts_with_a_renewed_session(graphql: GraphQL, api: Api, file: Path) -> None:
    session = Session(graphql, TokenPair(graphql, STALE, (await _login(api))["refreshToken"]))
    frames = session.subscribe(UPLOAD_PROGRESS, id=(await init_upload(api, file))["id"], after=None)
    assert (await anext(frames))["stage"] == "RECEIVING"
    await frames.aclose()


async def test_a_server_that_is_away_is_unreachable(graphql: GraphQL, front: Proxy) -> None:
    front.open = False
    with pytest.raises(ServerUnreachable, match=f"^the connection to {front.url} was lost$"):
        await Session(graphql).check()
    with pytest.raises(ServerUnreachable):
        await sign_in(graphql, "someone", PASSWORD)


@asynccontextmanager
async def _answering_with(response: bytes) -> AsyncIterator[str]:
    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 " + response)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve_one, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


HTML = b"Content-Type: text/html\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>"


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (b"200 OK\r\n" + HTML, "does not answer like a CloudKeep server"),
        (b"404 Not Found\r\n" + HTML, "does not answer like a CloudKeep server"),
        (b"502 Bad Gateway\r\n" + HTML, "answers 502 Bad Gateway"),
        (b"301 Moved\r\nLocation: https://d.example.org/x?y\r\n" + HTML, "redirects to https://d.example.org$"),
        (b"nonsense\r\n\r\n", "was lost"),
        (b"200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]", "does not answer like a CloudKeep server"),
    ],
)
async def test_any_other_server_counts_as_unreachable(response: bytes, message: str) -> None:
    async with _answering_with(response) as url, open_http(url) as http:
        with pytest.raises(ServerUnreachable, match=message):
            await Session(GraphQL(http, url)).check()
