"""API tokens as a client meets them: over HTTP, event streams and WebSockets, with their scopes and their budget."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from services.accounts.api_tokens import PREFIX
from services.core import checked_tokens
from services.core.clock import now
from storage.accounts.models import Account, ApiToken, Session
from tests.support.graphql_ws import connected
from tests.support.server import INIT, PASSWORD, PROGRESS, Api, Json, http_client, key_of, sse_events
from tests.support.shared_server import SharedServer, another_user
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

CREATE = """mutation ($input: CreateApiTokenInput!) { createApiToken(input: $input) {
  apiToken { id name scopes lastCharacters createdAt expiresAt lastUsedAt } secret
  userErrors { field code message } } }"""
REVOKE = """mutation ($id: ID!) { revokeApiToken(input: {apiTokenId: $id}) {
  apiToken { id name } userErrors { field code } } }"""
REAUTHENTICATE = """mutation ($password: String!) { reauthenticate(input: {password: $password}) {
  userErrors { code } } }"""
LIST = """query ($first: Int, $after: String) { me { apiTokens(first: $first, after: $after) {
  nodes { id name lastUsedAt } totalCount pageInfo { hasNextPage endCursor } } } }"""
ME = "{ me { id } }"
FILES = "{ files { nodes { id } } }"
STATUS = "query ($id: ID!, $all: Boolean!) { upload(id: $id) { status file @include(if: $all) { id } } }"
EVENTS = {"Accept": "text/event-stream"}


class Program(Api):
    """A client with an API token, which it sends with every request."""

    def __init__(self, http: httpx.AsyncClient, secret: str, token_id: str) -> None:
        super().__init__(http)
        self.secret = secret
        self.token_id = token_id


@pytest_asyncio.fixture(loop_scope="module")
async def http(shared: SharedServer) -> AsyncIterator[httpx.AsyncClient]:
    """A client without credentials of its own."""
    async with http_client(shared.url) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def owner(shared: SharedServer) -> AsyncIterator[Api]:
    """A signed-in user whose account and sessions a test may change."""
    async with another_user(shared) as api:
        yield api


async def create(owner: Api, *scopes: str, **changes: Any) -> Json:
    """The payload for a new token of the signed-in user."""
    given = {"name": "a script", "scopes": scopes or ["READ"], **changes}
    payload: Json = await owner.data(CREATE, input=given)
    return payload


async def program(owner: Api, http: httpx.AsyncClient, *scopes: str) -> Program:
    """A client with a new token of the signed-in user."""
    payload = await create(owner, *scopes)
    http.headers["Authorization"] = f"Bearer {payload['secret']}"
    return Program(http, payload["secret"], payload["apiToken"]["id"])


def code_of(answer: Json) -> str:
    (error,) = answer["errors"]
    code: str = error["extensions"]["code"]
    return code


async def test_a_new_token_is_shown_once_and_signs_in_as_its_owner(
    shared: SharedServer, http: httpx.AsyncClient
) -> None:
    payload = await create(shared.api, "READ", "DELETE", "READ", name="  backup of the studio ")
    token, secret = payload["apiToken"], payload["secret"]
    assert (token["name"], token["scopes"]) == ("backup of the studio", ["READ", "DELETE"])
    assert (token["expiresAt"], token["lastUsedAt"]) == (None, None)
    assert secret.endswith(token["lastCharacters"])
    http.headers["Authorization"] = f"Bearer {secret}"
    assert await Api(http).data(ME) == await shared.api.data(ME)


async def test_the_list_shows_the_tokens_of_the_viewer_and_when_they_were_used(
    shared: SharedServer, http: httpx.AsyncClient
) -> None:
    script = await program(shared.api, http, "READ")
    other = (await create(shared.api, name="never used"))["apiToken"]
    await script.data(ME)

    async def uses() -> list[Json] | None:
        nodes: list[Json] = (await shared.api.data(LIST, first=2))["apiTokens"]["nodes"]
        assert [node["id"] for node in nodes] == [other["id"], script.token_id]
        return nodes if nodes[1]["lastUsedAt"] else None

    assert (await eventually(uses))[0]["lastUsedAt"] is None
    page = (await shared.api.data(LIST, first=1))["apiTokens"]
    assert page["pageInfo"]["hasNextPage"]
    after = (await shared.api.data(LIST, first=1, after=page["pageInfo"]["endCursor"]))["apiTokens"]
    assert after["nodes"][0]["id"] == script.token_id


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("name", {"name": "\u2800"}),
        ("scopes", {"scopes": []}),
        ("expiresAt", {"expiresAt": "2020-01-01T00:00:00Z"}),
        ("expiresAt", {"expiresAt": "2999-01-01T00:00:00"}),
        ("expiresAt", {"expiresAt": "9999-12-31T23:59:59-23:00"}),
    ],
)
async def test_an_input_that_breaks_a_rule_is_refused_with_the_name_of_its_field(
    shared: SharedServer, field: str, change: Json
) -> None:
    payload = await create(shared.api, **change)
    assert [(error["field"], error["code"]) for error in payload["userErrors"]] == [(["input", field], "INVALID_INPUT")]
    assert (payload["apiToken"], payload["secret"]) == (None, None)


async def test_a_token_of_another_account_cannot_be_revoked(
    shared: SharedServer, owner: Api, http: httpx.AsyncClient
) -> None:
    script = await program(owner, http, "READ")
    for token_id in (script.token_id, "token_00000000000000000000000000", "upload_x"):
        payload = await shared.api.data(REVOKE, id=token_id)
        assert [error["code"] for error in payload["userErrors"]] == ["NOT_FOUND"]
    assert await script.data(ME)


async def test_a_mutation_whose_result_the_token_may_not_see_does_not_take_effect(
    shared: SharedServer, http: httpx.AsyncClient
) -> None:
    script = await program(shared.api, http, "UPLOAD")
    text = """mutation ($input: InitUploadInput!) { initUpload(input: $input) { upload { id file { id } } } }"""
    before = await uploads_of(shared)
    assert code_of(await script.call(text, input={"fileName": "a", "size": 5})) == "FORBIDDEN"
    assert await uploads_of(shared) == before
    assert (await script.data(INIT, input={"fileName": "a", "size": 5}))["userErrors"] == []
    assert await uploads_of(shared) == before + 1


async def uploads_of(shared: SharedServer) -> int:
    count: int = (await shared.api.data("{ uploads { totalCount } }"))["totalCount"]
    return count


async def test_a_field_that_the_values_of_variables_leave_out_needs_no_scope(
    shared: SharedServer, http: httpx.AsyncClient
) -> None:
    script = await program(shared.api, http, "UPLOAD")
    upload = await script.init(b"12345")
    assert (await script.data(STATUS, id=upload["id"], all=False))["status"] == "RECEIVING"
    assert code_of(await script.call(STATUS, id=upload["id"], all=True)) == "FORBIDDEN"


async def test_a_refusal_names_the_scope_for_people_for_programs_and_for_http(
    shared: SharedServer, http: httpx.AsyncClient
) -> None:
    script = await program(shared.api, http, "UPLOAD")
    response = await script.http.post("/graphql", json={"query": FILES})
    (error,) = response.json()["errors"]
    assert response.status_code == 403
    assert response.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="READ"'
    assert error["message"] == "Query.files needs an API token with the scope READ."
    assert error["extensions"] == {"code": "FORBIDDEN", "requiredScopes": ["READ"]}


async def test_an_operation_that_is_refused_costs_what_an_invalid_one_costs(
    shared: SharedServer, http: httpx.AsyncClient
) -> None:
    script = await program(shared.api, http, "UPLOAD")
    for _ in range(2):  # the second time, the document is in the cache
        answer = await script.call("{ files(first: 100) { nodes { id renditions { id } } } }")
        assert answer["extensions"]["cost"]["requestedQueryCost"] == 20


async def test_a_batch_refuses_only_the_operations_that_a_token_may_not_run(
    shared: SharedServer, http: httpx.AsyncClient
) -> None:
    script = await program(shared.api, http, "UPLOAD")
    response = await script.http.post("/graphql", json=[{"query": ME}, {"query": FILES}])
    me, files = response.json()
    assert me["data"]["me"]
    assert code_of(files) == "FORBIDDEN"


async def test_introspection_needs_no_scope(shared: SharedServer, http: httpx.AsyncClient) -> None:
    script = await program(shared.api, http, "COMPRESSOR")
    assert await script.data('{ __type(name: "ApiToken") { name } }') == {"name": "ApiToken"}


async def test_a_token_has_a_budget_of_its_own_beside_that_of_its_account(
    shared: SharedServer, http: httpx.AsyncClient
) -> None:
    script = await program(shared.api, http, "READ")
    layers = (await script.data("{ rateLimit { layers { name limit } } }"))["layers"]
    assert {layer["name"]: layer["limit"] for layer in layers} == {
        "address": 1_000_000,
        "account": 1_000_000,
        "token": 500_000,
    }
    own = (await shared.api.data("{ rateLimit { layers { name } } }"))["layers"]
    assert [layer["name"] for layer in own] == ["address", "account"]


async def test_requests_with_an_unknown_token_are_paid_by_the_budget_of_anonymous_clients(
    http: httpx.AsyncClient,
) -> None:
    http.headers["Authorization"] = f"Bearer {checked_tokens.new(PREFIX)}"
    layers = (await Api(http).data("{ rateLimit { layers { name } } }"))["layers"]
    assert [layer["name"] for layer in layers] == ["address", "anonymous"]


@pytest.mark.parametrize("place", ["header", "parameters"])
async def test_a_token_opens_a_websocket_and_its_scopes_apply_there(
    shared: SharedServer, http: httpx.AsyncClient, place: str
) -> None:
    script = await program(shared.api, http, "UPLOAD")
    upload, token = await script.init(b"12345"), {"Authorization": f"Bearer {script.secret}"}
    async with connected(shared.url, headers=token if place == "header" else None) as socket:
        await socket.init(**(token if place == "parameters" else {}))
        await socket.subscribe(PROGRESS, name="1", id=upload["id"])
        assert (await socket.receive())["payload"]["data"]["uploadProgress"]["stage"] == "RECEIVING"
        await socket.subscribe(FILES, name="2")
        refused = await socket.receive()
        assert (refused["type"], refused["id"]) == ("error", "2")
        assert refused["payload"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_a_token_that_expires_in_the_last_second_of_all_opens_streams(
    shared: SharedServer, http: httpx.AsyncClient
) -> None:
    payload = await create(shared.api, "UPLOAD", expiresAt="9999-12-31T23:59:59Z")
    http.headers["Authorization"] = f"Bearer {payload['secret']}"
    upload = await Api(http).init(b"12345")
    body = {"query": PROGRESS, "variables": {"id": upload["id"]}}
    async with (
        connected(shared.url, headers={"Authorization": http.headers["Authorization"]}) as socket,
        http.stream("POST", "/graphql", json=body, headers=EVENTS) as stream,
    ):
        await socket.init()
        await socket.subscribe(PROGRESS, id=upload["id"])
        assert (await socket.receive())["type"] == "next"
        assert "errors" not in await anext(sse_events(stream))


async def test_streams_end_when_their_token_expires(owner: Api, http: httpx.AsyncClient) -> None:
    script = await program(owner, http, "UPLOAD")
    upload = await script.init(b"12345")
    await ApiToken.filter(id=key_of(script.token_id)).update(expires_at=now() + timedelta(seconds=5))
    body = {"query": PROGRESS, "variables": {"id": upload["id"]}}
    async with (
        connected(str(owner.http.base_url), headers={"Authorization": http.headers["Authorization"]}) as socket,
        http.stream("POST", "/graphql", json=body, headers=EVENTS) as stream,
    ):
        await socket.init()
        await socket.subscribe(PROGRESS, id=upload["id"])
        *_, last = [event async for event in sse_events(stream)]
        assert code_of(last) == "UNAUTHENTICATED"
        assert await socket.closing() in (4401, 4403)


async def revoke(owner: Api, token_id: str) -> None:
    """Revoke a token by the API, as its owner does."""
    assert (await owner.data(REVOKE, id=token_id))["apiToken"]["id"] == token_id


async def disable(owner: Api, token_id: str) -> None:
    """Disable the account of a token in the database, as a command of another process does."""
    row = await ApiToken.get(id=key_of(token_id))
    await Account.filter(id=row.account_id).update(disabled_at=now())


async def delete(owner: Api, token_id: str) -> None:
    """Delete a token in the database, as another process does."""
    await ApiToken.filter(id=key_of(token_id)).delete()


@pytest.mark.parametrize("end", [revoke, disable, delete])
async def test_a_token_that_ends_stops_requests_event_streams_and_websockets(
    shared: SharedServer, owner: Api, http: httpx.AsyncClient, end: Callable[[Api, str], Awaitable[None]]
) -> None:
    script = await program(owner, http, "UPLOAD")
    upload, token = await script.init(b"12345"), {"Authorization": f"Bearer {script.secret}"}
    body = {"query": PROGRESS, "variables": {"id": upload["id"]}}
    async with (
        connected(shared.url, headers=token) as socket,
        script.http.stream("POST", "/graphql", json=body, headers=EVENTS) as stream,
    ):
        await socket.init()
        await socket.subscribe(PROGRESS, id=upload["id"])
        assert (await socket.receive())["type"] == "next"
        events = sse_events(stream)
        assert "errors" not in await anext(events)
        await end(owner, script.token_id)
        assert code_of(await anext(events)) == "UNAUTHENTICATED"
        assert await socket.closing() == 4401

    async def is_refused() -> bool:
        return code_of(await script.call(FILES)) == "UNAUTHENTICATED"

    await eventually(is_refused)


async def test_a_token_is_created_only_by_a_session_whose_password_was_given_recently(owner: Api) -> None:
    await Session.all().update(authenticated_at=now() - timedelta(minutes=11))
    payload = await owner.data(CREATE, input={"name": "late", "scopes": ["READ"]})
    assert [error["code"] for error in payload["userErrors"]] == ["REAUTHENTICATION_REQUIRED"]
    await owner.data(REAUTHENTICATE, password=PASSWORD)
    payload = await owner.data(CREATE, input={"name": "in time", "scopes": ["READ"]})
    assert payload["userErrors"] == []
