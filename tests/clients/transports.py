"""Transports, each with a common client. Each returns the code of a refusal."""

import json
from collections.abc import Awaitable, Callable
from typing import cast

import httpx
from gql import Client, GraphQLRequest
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport

from tests.clients.conftest import Npm
from tests.support.graphql_ws import PROTOCOL
from tests.support.server import Json

#: The code that the client of a transport gets when it runs a document, with or without a token.
Asking = Callable[[Npm, str, str, str | None], Awaitable[str]]


async def by_post(_: Npm, url: str, document: str, token: str | None) -> str:
    transport = HTTPXAsyncTransport(f"{url}/graphql", headers=_headers(token))
    async with Client(transport=transport) as session:
        return await _code_of(session.execute(GraphQLRequest(document)))


async def by_batch(_: Npm, url: str, document: str, token: str | None) -> str:
    """Each result of a batch has errors of its own."""
    transport = HTTPXAsyncTransport(f"{url}/graphql", headers=_headers(token))
    async with Client(transport=transport):
        results = await transport.execute_batch([GraphQLRequest(document)] * 2)
    # gql's results hold errors as they came, whatever their type promises.
    (code,) = {_code(error) for result in results for error in cast(list[Json], result.errors)}
    return code


async def by_get(_: Npm, url: str, document: str, token: str | None) -> str:
    """No client of GraphQL asks by GET, but browsers and caches in front of the server do."""
    async with httpx.AsyncClient(base_url=url, headers=_headers(token)) as http:
        answer: Json = (await http.get("/graphql", params={"query": document})).json()
    return _code(answer["errors"][0])


async def by_events(clients: Npm, url: str, document: str, token: str | None) -> str:
    (outcome,) = await clients.ask("sse", url, {"query": document}, token=token)
    assert outcome["error"] is None, outcome
    (result,) = outcome["results"]
    return _code(result["errors"][0])


async def by_websocket(clients: Npm, url: str, document: str, token: str | None) -> str:
    (outcome,) = await clients.ask("ws", url, {"query": document}, token=token)
    errors = outcome["error"]["errors"] if outcome["error"] else outcome["results"][0]["errors"]
    return _code(errors[0])


async def by_websocket_of_gql(_: Npm, url: str, document: str, token: str | None) -> str:
    target = f"ws{url.removeprefix('http')}/graphql"
    transport = WebsocketsTransport(target, init_payload=_headers(token), subprotocols=[PROTOCOL])
    async with Client(transport=transport) as session:
        return await _code_of(session.execute(GraphQLRequest(document)))


TRANSPORTS: dict[str, Asking] = {
    "POST, gql": by_post,
    "batch, gql": by_batch,
    "GET, httpx": by_get,
    "SSE, graphql-sse": by_events,
    "WebSocket, graphql-ws": by_websocket,
    "WebSocket, gql": by_websocket_of_gql,
}


def _headers(token: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


async def _code_of(execution: Awaitable[object]) -> str:
    try:
        answer = await execution
    except TransportQueryError as error:
        return _code((error.errors or [{}])[0])
    raise AssertionError(f"not refused: {json.dumps(answer)}")


def _code(error: Json) -> str:
    assert error["message"]
    code: str = error["extensions"]["code"]
    return code
