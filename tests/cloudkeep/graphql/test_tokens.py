"""An invalid token only affects fields that need a viewer."""

import base64
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from cloudkeep.graphql.media_types import EVENT_STREAM, GRAPHQL_RESPONSE, JSON
from services.accounts.tokens import AccessTokens
from tests.support.server import PASSWORD, Json, sse_events
from tests.support.shared_server import KEYS, SharedServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

EXPIRED = AccessTokens(KEYS, timedelta(hours=-1)).issue(uuid4(), uuid4())[0]
BAD_TOKENS = {
    "expired": EXPIRED,
    "forged": EXPIRED[:-4] + "AAAA",
    "no JWT": "x",
    "three parts": "a.b.c",
    "long": "x" * 9_000,
    "not ASCII": "é",
    "no parts": base64.b64encode(b"{}").decode(),
}
ME = "{ me { id } }"
UPLOADS = "{ uploads { nodes { id } } }"
NEEDS_A_VIEWER = {
    "me": ME,
    "upload": '{ upload(id: "x") { id } }',
    "uploads": UPLOADS,
    "files": "{ files { nodes { id } } }",
    "node": '{ node(id: "x") { id } }',
    "initUpload": 'mutation { initUpload(input: {fileName: "a", size: 1}) { upload { id } } }',
}
LOGIN = """mutation ($input: LoginInput!) {
  login(input: $input) { session { accessToken refreshToken account { userId } } userErrors { code } } }"""
REFRESH = """mutation ($token: String!) {
  refreshSession(input: {refreshToken: $token}) { session { accessToken } userErrors { code } } }"""
REGISTER = 'mutation { register(input: {userId: "", userName: "", email: "", password: ""}) { userErrors { code } } }'
VERIFY = """mutation { verifyOtp(input: {registrationId: "registration_x", otp: "000000"}) { userErrors { code } } }"""


async def ask(
    shared: SharedServer,
    query: str,
    token: str = EXPIRED,
    accept: str = GRAPHQL_RESPONSE,
    variables: Json | None = None,
) -> httpx.Response:
    """The response to a request with this token."""
    headers = [(b"Accept", accept.encode()), (b"Authorization", f"Bearer {token}".encode("latin-1"))]
    return await shared.http.post("/graphql", json={"query": query, "variables": variables}, headers=headers)


def codes_of(answer: Json) -> set[str]:
    return {error["extensions"]["code"] for error in answer["errors"]}


async def value_of(shared: SharedServer, query: str, variables: Json | None = None) -> Any:
    """The value of an operation's only field, in a request with an expired token."""
    response = await ask(shared, query, variables=variables)
    assert response.status_code == 200, response.text
    assert "errors" not in response.json()
    (value,) = response.json()["data"].values()
    return value


@pytest.mark.parametrize("token", BAD_TOKENS.values(), ids=BAD_TOKENS.keys())
@pytest.mark.parametrize("accept", [JSON, GRAPHQL_RESPONSE])
async def test_a_field_that_needs_a_viewer_is_refused(shared: SharedServer, token: str, accept: str) -> None:
    response = await ask(shared, ME, token, accept)
    assert (response.status_code, codes_of(response.json())) == (401, {"UNAUTHENTICATED"})
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    (error,) = response.json()["errors"]
    assert (error["path"], error["message"]) == (["me"], "The access token is invalid or has expired.")
    assert "data" not in response.json()


@pytest.mark.parametrize("query", NEEDS_A_VIEWER.values(), ids=NEEDS_A_VIEWER.keys())
async def test_an_invalid_token_is_an_error_in_every_field_that_needs_a_viewer(
    shared: SharedServer, query: str
) -> None:
    response = await ask(shared, query)
    assert (response.status_code, codes_of(response.json())) == (401, {"UNAUTHENTICATED"})


@pytest.mark.parametrize("token", BAD_TOKENS.values(), ids=BAD_TOKENS.keys())
async def test_fields_that_need_no_viewer_are_answered(shared: SharedServer, token: str) -> None:
    response = await ask(shared, "{ __typename }", token)
    assert (response.status_code, response.json()["data"]) == (200, {"__typename": "Query"})


async def test_signing_in_and_refreshing_work_with_an_expired_token(shared: SharedServer) -> None:
    user_id = (await shared.api.data("{ me { userId } }"))["userId"]
    session = (await value_of(shared, LOGIN, {"input": {"userId": user_id, "password": PASSWORD}}))["session"]
    assert session["account"] == {"userId": user_id}
    refreshed = await value_of(shared, REFRESH, {"token": session["refreshToken"]})
    assert refreshed["session"]["accessToken"]


async def test_registering_works_with_an_expired_token(shared: SharedServer) -> None:
    assert (await value_of(shared, REGISTER))["userErrors"][0]["code"] == "INVALID_INPUT"
    assert (await value_of(shared, VERIFY))["userErrors"][0]["code"] == "INVALID_OTP"


async def test_fields_that_need_no_viewer_keep_their_values_beside_others(shared: SharedServer) -> None:
    response = await ask(shared, "{ __typename me { id } }")
    answer = response.json()
    assert (response.status_code, answer["data"]) == (200, {"__typename": "Query", "me": None})
    assert codes_of(answer) == {"UNAUTHENTICATED"}
    assert "WWW-Authenticate" not in response.headers


async def test_each_operation_of_a_batch_is_checked_for_itself(shared: SharedServer) -> None:
    headers = {"Authorization": f"Bearer {EXPIRED}", "Accept": GRAPHQL_RESPONSE}
    batch = [{"query": "{ __typename }"}, {"query": ME}]
    response = await shared.http.post("/graphql", json=batch, headers=headers)
    first, second = response.json()
    assert (response.status_code, first["data"]) == (200, {"__typename": "Query"})
    assert codes_of(second) == {"UNAUTHENTICATED"}


async def test_a_batch_is_refused_when_all_of_its_operations_need_a_viewer(shared: SharedServer) -> None:
    headers = {"Authorization": f"Bearer {EXPIRED}", "Accept": GRAPHQL_RESPONSE}
    response = await shared.http.post("/graphql", json=[{"query": ME}, {"query": UPLOADS}], headers=headers)
    assert (response.status_code, len(response.json())) == (401, 2)
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert all(codes_of(answer) == {"UNAUTHENTICATED"} for answer in response.json())


async def test_a_refused_subscription_gets_an_event_with_the_error(shared: SharedServer) -> None:
    query = 'subscription { uploadProgress(uploadId: "x") { cursor } }'
    response = await ask(shared, query, accept=EVENT_STREAM)
    events = [event async for event in sse_events(response)]
    assert (response.status_code, [codes_of(event) for event in events]) == (200, [{"UNAUTHENTICATED"}])


async def test_a_request_with_an_invalid_token_is_paid_for_by_its_address(shared: SharedServer) -> None:
    layers = (await value_of(shared, "{ rateLimit { layers { name } } }"))["layers"]
    assert "anonymous" in [layer["name"] for layer in layers]
    assert "account" not in [layer["name"] for layer in layers]


async def test_graphiql_opens_with_an_invalid_token(shared: SharedServer) -> None:
    headers = {"Accept": "text/html", "Authorization": "Bearer x"}
    response = await shared.http.get("/graphql", headers=headers)
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
