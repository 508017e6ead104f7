"""The sessions of an account: its owner sees them, and closes them."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.accounts import recent_reads
from services.core.clock import now
from storage.accounts.models import Session
from tests.support.server import PASSWORD, Api, Json, http_client, key_of
from tests.support.shared_server import SharedServer, another_user

pytestmark = pytest.mark.asyncio(loop_scope="module")

SESSIONS = """query ($first: Int, $after: String) { me { sessions(first: $first, after: $after) {
  totalCount pageInfo { endCursor hasNextPage }
  nodes { id createdAt lastUsedAt userAgent address current expiresAt } } } }"""
LOGIN = """mutation ($input: LoginInput!) { login(input: $input) {
  session { accessToken refreshToken session { id current } } userErrors { code } } }"""
REFRESH = """mutation ($token: String!) { refreshSession(input: {refreshToken: $token}) {
  session { accessToken refreshToken } userErrors { code } } }"""
LOGOUT = "mutation { logout { userErrors { code } } }"
LOGOUT_BY_TOKEN = """mutation ($token: String!) { logout(input: {refreshToken: $token}) {
  userErrors { code field } } }"""
REVOKE = "mutation ($id: ID!) { revokeSession(input: {sessionId: $id}) { sessionId userErrors { code field } } }"
REVOKE_OTHERS = "mutation { revokeOtherSessions { closedSessions userErrors { code } } }"
REAUTHENTICATE = """mutation ($password: String!) { reauthenticate(input: {password: $password}) {
  expiresAt userErrors { code field } } }"""
NODE = "query ($id: ID!) { node(id: $id) { id ... on Session { current userAgent expiresAt } } }"


async def sign_in(api: Api, client: httpx.AsyncClient) -> Json:
    """Sign the user in on another device, whose requests have the access token from now on."""
    user_id = (await api.data("{ me { userId } }"))["userId"]
    payload = await Api(client).data(LOGIN, input={"userId": user_id, "password": PASSWORD})
    session: Json = payload["session"]
    client.headers["Authorization"] = f"Bearer {session['accessToken']}"
    return session


async def sessions_of(api: Api) -> list[Json]:
    nodes: list[Json] = (await api.data(SESSIONS))["sessions"]["nodes"]
    return nodes


async def codes(api: Api, document: str, **variables: object) -> list[str]:
    """The codes of the errors of a mutation."""
    return [error["code"] for error in (await api.data(document, **variables))["userErrors"]]


async def is_signed_out(api: Api) -> bool:
    answer = await api.call("{ me { id } }")
    return [error["extensions"]["code"] for error in answer.get("errors", [])] == ["UNAUTHENTICATED"]


async def make_old(session_id: str) -> None:
    """Let the last sign-in of a session be long ago."""
    await Session.filter(id=key_of(session_id)).update(authenticated_at=now() - timedelta(minutes=11))


async def test_the_owner_sees_each_device_with_its_last_use(shared: SharedServer) -> None:
    async with another_user(shared) as api, http_client(shared.url) as phone:
        phone.headers["User-Agent"] = "Phone/1.0"
        opened = await sign_in(api, phone)
        newest, oldest = await sessions_of(Api(phone))
        assert newest["id"] == opened["session"]["id"]
        assert (newest["userAgent"], newest["address"], newest["current"]) == ("Phone/1.0", "127.0.0.1", True)
        assert (oldest["userAgent"].split("/")[0], oldest["current"]) == ("python-httpx", False)
        assert newest["createdAt"] <= newest["lastUsedAt"] < newest["expiresAt"]
        assert [session["current"] for session in await sessions_of(api)] == [False, True]
        assert (await api.data(NODE, id=newest["id"]))["userAgent"] == "Phone/1.0"


async def test_sessions_are_listed_in_pages(shared: SharedServer) -> None:
    async with another_user(shared) as api, http_client(shared.url) as phone:
        await sign_in(api, phone)
        first = (await api.data(SESSIONS, first=1))["sessions"]
        second = (await api.data(SESSIONS, first=1, after=first["pageInfo"]["endCursor"]))["sessions"]
        assert (first["totalCount"], second["totalCount"]) == (2, 2)
        assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)
        assert {node["id"] for page in (first, second) for node in page["nodes"]} == {
            session["id"] for session in await sessions_of(api)
        }


async def test_nobody_sees_or_closes_a_session_of_another_account(shared: SharedServer) -> None:
    async with another_user(shared) as api:
        (own,) = await sessions_of(api)
        assert await shared.api.data(NODE, id=own["id"]) is None
        assert await codes(shared.api, REVOKE, id=own["id"]) == ["NOT_FOUND"]
        assert not await is_signed_out(api)


async def test_a_client_that_signs_out_is_signed_out_at_once(shared: SharedServer) -> None:
    async with another_user(shared) as api, http_client(shared.url) as phone:
        opened = await sign_in(api, phone)
        assert await codes(Api(phone), LOGOUT) == []
        assert await is_signed_out(Api(phone))
        response = await phone.post("/graphql", json={"query": "{ me { id } }"})
        assert (response.status_code, response.headers["WWW-Authenticate"][:6]) == (401, "Bearer")
        assert await codes(api, REFRESH, token=opened["refreshToken"]) == ["INVALID_CREDENTIALS"]
        assert [session["current"] for session in await sessions_of(api)] == [True]


async def test_signing_out_needs_no_access_token_if_there_is_a_refresh_token(shared: SharedServer) -> None:
    async with another_user(shared) as api, http_client(shared.url) as phone:
        opened = await sign_in(api, phone)
        session_id = key_of(opened["session"]["id"])
        for garbage in (f"{session_id}.garbage", "garbage", ""):
            assert await codes(Api(shared.http), LOGOUT_BY_TOKEN, token=garbage) == ["NOT_FOUND"]
        assert not await is_signed_out(Api(phone))
        assert await codes(Api(shared.http), LOGOUT_BY_TOKEN, token=opened["refreshToken"]) == []
        assert await is_signed_out(Api(phone))


async def test_a_client_without_a_session_cannot_sign_out(shared: SharedServer) -> None:
    answer = await Api(shared.http).call(LOGOUT)
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_the_owner_closes_a_session_of_another_device(shared: SharedServer) -> None:
    async with another_user(shared) as api, http_client(shared.url) as phone:
        lost = (await sign_in(api, phone))["session"]["id"]
        assert await api.data(REVOKE, id=lost) == {"sessionId": lost, "userErrors": []}
        assert await is_signed_out(Api(phone))
        assert not await is_signed_out(api)
        assert await codes(api, REVOKE, id=lost) == ["NOT_FOUND"]


async def test_the_owner_closes_all_other_sessions(shared: SharedServer) -> None:
    async with another_user(shared) as api, http_client(shared.url) as phone, http_client(shared.url) as tablet:
        await sign_in(api, phone)
        await sign_in(api, tablet)
        assert await api.data(REVOKE_OTHERS) == {"closedSessions": 2, "userErrors": []}
        assert [await is_signed_out(each) for each in (Api(phone), Api(tablet), api)] == [True, True, False]
        assert await api.data(REVOKE_OTHERS) == {"closedSessions": 0, "userErrors": []}


async def test_other_sessions_are_closed_only_after_a_recent_sign_in(shared: SharedServer) -> None:
    async with another_user(shared) as api, http_client(shared.url) as phone:
        other = (await sign_in(api, phone))["session"]["id"]
        (own,) = [session["id"] for session in await sessions_of(api) if session["current"]]
        await make_old(own)
        assert await codes(api, REVOKE, id=other) == ["REAUTHENTICATION_REQUIRED"]
        assert await codes(api, REVOKE_OTHERS) == ["REAUTHENTICATION_REQUIRED"]
        assert await codes(api, REAUTHENTICATE, password="a wrong password") == ["INVALID_CREDENTIALS"]
        assert await codes(api, REVOKE, id=other) == ["REAUTHENTICATION_REQUIRED"]
        payload = await api.data(REAUTHENTICATE, password=PASSWORD)
        assert (bool(payload["expiresAt"]), payload["userErrors"]) == (True, [])
        assert await codes(api, REVOKE, id=other) == []


async def test_a_session_closes_itself_without_a_recent_sign_in(shared: SharedServer) -> None:
    async with another_user(shared) as api:
        (own,) = await sessions_of(api)
        await make_old(own["id"])
        assert await codes(api, REVOKE, id=own["id"]) == []
        assert await is_signed_out(api)


async def test_a_session_that_another_process_closed_is_refused(
    shared: SharedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with another_user(shared) as api:
        (own,) = await sessions_of(api)
        await Session.filter(id=key_of(own["id"])).delete()
        monkeypatch.setattr(recent_reads, "LIFE_SECONDS", 0)
        assert await is_signed_out(api)
        answer: Any = await api.call("{ __typename }")
        assert answer["data"] == {"__typename": "Query"}
