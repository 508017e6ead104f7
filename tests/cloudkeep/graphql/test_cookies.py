"""A session cookie acts for its account in requests of our own pages, and nowhere else."""

import re
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie

import httpx
import pytest
import pytest_asyncio

from cloudkeep.graphql.media_types import EVENT_STREAM
from tests.support.graphql_ws import connected
from tests.support.server import PASSWORD, PROGRESS, Json, http_client, sse_events
from tests.support.shared_server import SharedServer, another_user

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAME = "__Host-ck"
DEVICE = "__Host-ck-device"
OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}
ME = "{ me { id userId } }"
UPLOADS = "{ uploads { nodes { id } } }"
LOGIN = """mutation ($input: LoginInput!) { login(input: $input) {
  session { accessToken refreshToken expiresAt deviceToken account { userId } session { id current expiresAt } }
  userErrors { field code message } } }"""
LOGOUT = "mutation { logout { userErrors { code } } }"
WEBSOCKET_REFUSAL = "A WebSocket cannot set cookies"


class Page:
    """A page of the server's own origin, with the cookies that its browser keeps."""

    def __init__(self, shared: SharedServer, http: httpx.AsyncClient, user_id: str) -> None:
        self.shared = shared
        self.http = http
        self.user_id = user_id
        self.cookie = ""
        self.device = ""

    async def post(self, query: str, headers: Json | None = None, **variables: object) -> httpx.Response:
        """The response to an operation. ``headers`` replace those of a page of our own."""
        kept = {NAME: self.cookie, DEVICE: self.device}
        cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in kept.items() if value)}
        body = {"query": query, "variables": variables}
        response = await self.http.post("/graphql", json=body, headers={**cookie, **(headers or OWN_PAGE)})
        self.keep(response)
        return response

    def keep(self, response: httpx.Response) -> None:
        """Keep the cookies of a response, as a browser does."""
        for header in response.headers.get_list("set-cookie"):
            cookies = SimpleCookie(header)
            if NAME in cookies:
                self.cookie = cookies[NAME].value
            if DEVICE in cookies:
                self.device = cookies[DEVICE].value

    async def sign_in(self, headers: Json | None = None, password: str = PASSWORD) -> Json:
        """The payload of a sign-in with a cookie."""
        given = {"userId": self.user_id, "password": password, "cookies": True}
        payload: Json = (await self.post(LOGIN, headers, input=given)).json()["data"]["login"]
        return payload

    async def who(self, headers: Json | None = None) -> str | None:
        """The user ID of the viewer; None if there is none."""
        body = (await self.post(ME, headers)).json()
        assert "errors" not in body, body
        return body["data"]["me"] and str(body["data"]["me"]["userId"])


@pytest_asyncio.fixture(loop_scope="module")
async def page(shared: SharedServer) -> AsyncIterator[Page]:
    """A page without a sign-in."""
    user_id = (await shared.api.data(ME))["userId"]
    async with http_client(shared.url) as http:
        yield Page(shared, http, user_id)


@pytest_asyncio.fixture(loop_scope="module")
async def signed_in(page: Page) -> Page:
    """A page with a session cookie."""
    assert (await page.sign_in())["userErrors"] == []
    assert page.cookie
    return page


def codes(response: httpx.Response) -> set[str]:
    return {error["extensions"]["code"] for error in response.json().get("errors", ())}


def set_cookies(response: httpx.Response, name: str = "") -> list[str]:
    return [each for each in response.headers.get_list("set-cookie") if each.startswith(f"{name}=" if name else "")]


async def test_a_sign_in_sets_a_strict_cookie_and_returns_no_token(page: Page) -> None:
    given = {"userId": page.user_id, "password": PASSWORD, "cookies": True}
    response = await page.post(LOGIN, input=given)
    session = response.json()["data"]["login"]["session"]
    assert [session[name] for name in ("accessToken", "refreshToken", "expiresAt", "deviceToken")] == [None] * 4
    assert (session["account"]["userId"], session["session"]["current"]) == (page.user_id, True)
    (header,) = set_cookies(response, NAME)
    pattern = rf"{NAME}=([\w-]{{43}}); Path=/; Max-Age=(\d+); HttpOnly; SameSite=Strict; Secure"
    match = re.fullmatch(pattern, header)
    assert match
    month = 30 * 24 * 3600
    assert month - 60 <= int(match[2]) <= month
    assert match[1] not in response.text
    assert response.headers["Cache-Control"] == "no-store"
    assert "Cookie" in response.headers["Vary"]


async def test_a_sign_in_without_cookies_sets_none(page: Page) -> None:
    response = await page.post(LOGIN, input={"userId": page.user_id, "password": PASSWORD})
    assert response.json()["data"]["login"]["session"]["accessToken"]
    assert set_cookies(response) == []


async def test_the_cookie_signs_in_the_later_requests_of_the_page(signed_in: Page) -> None:
    assert await signed_in.who() == signed_in.user_id
    assert await signed_in.who({"Origin": signed_in.shared.url}) == signed_in.user_id
    batch = [{"query": ME}, {"query": ME}]
    headers = {**OWN_PAGE, "Cookie": f"{NAME}={signed_in.cookie}"}
    answers = (await signed_in.http.post("/graphql", json=batch, headers=headers)).json()
    assert [answer["data"]["me"]["userId"] for answer in answers] == [signed_in.user_id] * 2


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
async def test_a_request_of_another_origin_with_the_cookie_runs_nothing(signed_in: Page, headers: Json) -> None:
    headers = {**headers, "X-Other": "1"}
    for query in (ME, LOGOUT, "{ __typename }"):
        response = await signed_in.post(query, headers)
        assert (response.status_code, codes(response)) == (403, {"CROSS_ORIGIN_REQUEST"})
        assert set_cookies(response) == []
    assert await signed_in.who() == signed_in.user_id


async def test_a_get_never_uses_the_cookie(signed_in: Page) -> None:
    headers = {**OWN_PAGE, "Cookie": f"{NAME}={signed_in.cookie}"}
    response = await signed_in.http.get("/graphql", params={"query": ME}, headers=headers)
    assert response.json()["data"] == {"me": None}
    refused = await signed_in.http.get("/graphql", params={"query": UPLOADS}, headers=headers)
    assert codes(refused) == {"UNAUTHENTICATED"}


async def test_a_form_never_uses_the_cookie(signed_in: Page) -> None:
    headers = {**OWN_PAGE, "Cookie": f"{NAME}={signed_in.cookie}"}
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        response = await signed_in.http.post(
            "/graphql", content='{"query":"{me{id}}"}', headers={**headers, "Content-Type": content_type}
        )
        assert response.status_code == 415


async def test_a_request_with_a_token_ignores_the_cookie(signed_in: Page) -> None:
    bearer = {"Authorization": signed_in.shared.api.http.headers["Authorization"]}
    assert await signed_in.who({**bearer, "Sec-Fetch-Site": "cross-site"}) == signed_in.user_id
    invalid = await signed_in.post(ME, {**OWN_PAGE, "Authorization": "Bearer x"})
    assert (invalid.status_code, codes(invalid)) == (401, {"UNAUTHENTICATED"})
    other_scheme = await signed_in.post(UPLOADS, {**OWN_PAGE, "Authorization": "Basic eDp5"})
    assert codes(other_scheme) == {"UNAUTHENTICATED"}
    assert set_cookies(other_scheme) == []


async def test_neither_is_valid_in_place_of_the_other(signed_in: Page) -> None:
    response = await signed_in.http.post(
        "/graphql", json={"query": ME}, headers={"Authorization": f"Bearer {signed_in.cookie}"}
    )
    assert codes(response) == {"UNAUTHENTICATED"}
    signed_in.cookie = signed_in.shared.api.http.headers["Authorization"].removeprefix("Bearer ")
    assert codes(await signed_in.post(ME)) == {"UNAUTHENTICATED"}


async def test_the_cookie_is_no_refresh_token(signed_in: Page) -> None:
    session_id = (await signed_in.sign_in())["session"]["session"]["id"]
    refresh = 'mutation { refreshSession(input: {refreshToken: "%s"}) { userErrors { code } } }'
    for token in (signed_in.cookie, f"{session_id}.{signed_in.cookie}"):
        payload = (await signed_in.http.post("/graphql", json={"query": refresh % token})).json()["data"]
        assert payload["refreshSession"]["userErrors"] == [{"code": "INVALID_CREDENTIALS"}]
    assert await signed_in.who() == signed_in.user_id


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"X-Other": "no browser"},
    ],
)
async def test_another_origin_cannot_sign_the_browser_in_to_another_account(page: Page, headers: Json) -> None:
    payload = await page.sign_in(headers)
    assert payload["session"] is None
    (error,) = payload["userErrors"]
    assert (error["code"], error["field"]) == ("COOKIES_REFUSED", ["input", "cookies"])
    assert page.cookie == ""


async def test_a_request_with_a_token_cannot_set_the_cookie(page: Page) -> None:
    bearer = {"Authorization": page.shared.api.http.headers["Authorization"], **OWN_PAGE}
    assert [error["code"] for error in (await page.sign_in(bearer))["userErrors"]] == ["COOKIES_REFUSED"]


async def test_an_event_stream_cannot_set_the_cookie(page: Page) -> None:
    given = {"userId": page.user_id, "password": PASSWORD, "cookies": True}
    body = {"query": LOGIN, "variables": {"input": given}}
    headers = {**OWN_PAGE, "Accept": EVENT_STREAM}
    async with page.http.stream("POST", "/graphql", json=body, headers=headers) as response:
        assert set_cookies(response) == []
        (event,) = [each async for each in sse_events(response)]
    (error,) = event["data"]["login"]["userErrors"]
    assert error["code"] == "COOKIES_REFUSED"
    assert error["message"].startswith("An event stream cannot set cookies")


async def test_an_event_stream_uses_the_cookie(signed_in: Page) -> None:
    upload = await signed_in.shared.api.init(b"watched")
    body = {"query": PROGRESS, "variables": {"id": upload["id"]}}
    headers = {**OWN_PAGE, "Accept": EVENT_STREAM, "Cookie": f"{NAME}={signed_in.cookie}"}
    async with signed_in.http.stream("POST", "/graphql", json=body, headers=headers) as response:
        event = await anext(sse_events(response))
    assert event["data"]["uploadProgress"]["upload"]["id"] == upload["id"]


async def test_logout_closes_the_session_and_deletes_the_cookie(signed_in: Page) -> None:
    old = signed_in.cookie
    response = await signed_in.post(LOGOUT)
    assert response.json()["data"] == {"logout": {"userErrors": []}}
    assert set_cookies(response) == [f"{NAME}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict; Secure"]
    assert signed_in.cookie == ""
    signed_in.cookie = old
    assert codes(await signed_in.post(ME)) == {"UNAUTHENTICATED"}


@pytest.mark.parametrize("value", ["", "x", "A" * 43, "A" * 44, '"', '"' + "A" * 43 + '"', "\xff" * 43, "A" * 10_000])
async def test_a_cookie_that_is_not_valid_is_an_error_and_is_deleted(page: Page, value: str) -> None:
    headers = [(b"Cookie", f"{NAME}={value}".encode("latin-1")), (b"Sec-Fetch-Site", b"same-origin")]
    response = await page.http.post("/graphql", json={"query": ME}, headers=headers)
    assert (response.status_code, codes(response)) == (401, {"UNAUTHENTICATED"})
    assert response.headers["WWW-Authenticate"] == "Bearer"
    (header,) = set_cookies(response)
    assert header.startswith(f"{NAME}=; Path=/; Max-Age=0;")


async def test_a_page_with_an_old_cookie_can_sign_in_again(page: Page) -> None:
    page.cookie = "A" * 43
    assert (await page.sign_in())["userErrors"] == []
    assert await page.who() == page.user_id


async def test_of_several_session_cookies_none_counts_and_none_is_deleted(signed_in: Page) -> None:
    """One of them is from another subdomain, and may be that of an attacker's account. It would stay."""
    cookies = f"{NAME}={'A' * 43}; {NAME}={signed_in.cookie}"
    response = await signed_in.post(ME, {**OWN_PAGE, "Cookie": cookies})
    assert codes(response) == {"UNAUTHENTICATED"}
    assert "several session cookies" in response.json()["errors"][0]["message"]
    assert set_cookies(response) == []


async def test_a_new_sign_in_of_the_page_closes_the_session_that_it_replaces(signed_in: Page) -> None:
    old = signed_in.cookie
    await signed_in.sign_in()
    assert signed_in.cookie != old
    assert await signed_in.who() == signed_in.user_id
    signed_in.cookie = old
    assert codes(await signed_in.post(ME)) == {"UNAUTHENTICATED"}


async def test_a_failed_sign_in_leaves_the_cookie_and_its_session(signed_in: Page) -> None:
    old = signed_in.cookie
    assert [error["code"] for error in (await signed_in.sign_in(password="wrong password"))["userErrors"]] == [
        "INVALID_CREDENTIALS"
    ]
    assert signed_in.cookie == old
    assert await signed_in.who() == signed_in.user_id


async def test_a_batch_can_sign_in_and_the_last_change_of_the_cookie_counts(page: Page) -> None:
    given = {"input": {"userId": page.user_id, "password": PASSWORD, "cookies": True}}
    batch = [{"query": LOGIN, "variables": given}] * 2
    response = await page.http.post("/graphql", json=batch, headers=OWN_PAGE)
    assert len(set_cookies(response, NAME)) == 1
    page.keep(response)
    assert await page.who() == page.user_id


async def test_no_response_lets_another_origin_use_credentials(signed_in: Page) -> None:
    for headers in (OWN_PAGE, {"Origin": "https://evil.example"}, {"Origin": signed_in.shared.url}):
        response = await signed_in.post(ME, headers)
        assert "Access-Control-Allow-Credentials" not in response.headers


async def test_a_websocket_of_our_own_page_uses_the_cookie(signed_in: Page) -> None:
    headers = {"Origin": signed_in.shared.url, "Cookie": f"{NAME}={signed_in.cookie}"}
    async with connected(signed_in.shared.url, headers=headers) as socket:
        await socket.init()
        await socket.subscribe(ME)
        (message,) = await socket.until_complete()
    assert message["payload"]["data"]["me"]["userId"] == signed_in.user_id


async def test_a_websocket_without_an_origin_ignores_the_cookie(signed_in: Page) -> None:
    async with connected(signed_in.shared.url, headers={"Cookie": f"{NAME}={signed_in.cookie}"}) as socket:
        await socket.init()
        await socket.subscribe(ME)
        (message,) = await socket.until_complete()
    assert message["payload"]["data"] == {"me": None}


async def test_a_token_in_connection_init_takes_the_place_of_the_cookie(signed_in: Page) -> None:
    headers = {"Origin": signed_in.shared.url, "Cookie": f"{NAME}={'A' * 43}"}
    async with connected(signed_in.shared.url, headers=headers) as socket:
        await socket.init(Authorization=signed_in.shared.api.http.headers["Authorization"])
        await socket.subscribe(ME)
        (message,) = await socket.until_complete()
    assert message["payload"]["data"]["me"]["userId"] == signed_in.user_id


async def test_a_websocket_with_a_cookie_that_is_not_valid_is_closed(signed_in: Page) -> None:
    headers = {"Origin": signed_in.shared.url, "Cookie": f"{NAME}={'A' * 43}"}
    async with connected(signed_in.shared.url, headers=headers) as socket:
        await socket.send({"type": "connection_init"})
        assert await socket.closing() == 4401


async def test_a_websocket_cannot_set_the_cookie(page: Page) -> None:
    given = {"userId": page.user_id, "password": PASSWORD, "cookies": True}
    async with connected(page.shared.url, headers={"Origin": page.shared.url}) as socket:
        await socket.init()
        await socket.subscribe(LOGIN, input=given)
        (message,) = await socket.until_complete()
    (error,) = message["payload"]["data"]["login"]["userErrors"]
    assert error["code"] == "COOKIES_REFUSED"
    assert error["message"].startswith(WEBSOCKET_REFUSAL)


async def test_a_websocket_ends_with_its_session(signed_in: Page) -> None:
    headers = {"Origin": signed_in.shared.url, "Cookie": f"{NAME}={signed_in.cookie}"}
    async with connected(signed_in.shared.url, headers=headers) as socket:
        await socket.init()
        await signed_in.post(LOGOUT)
        assert await socket.closing() == 4401


async def test_a_second_cookie_tells_this_device_from_those_that_guess_its_password(page: Page) -> None:
    async with another_user(page.shared) as victim:
        page.user_id = (await victim.data(ME))["userId"]
    await page.sign_in()
    assert page.device
    await page.post(LOGOUT)
    wrong = {"userId": page.user_id, "password": "wrong password"}
    while "TOO_MANY_ATTEMPTS" not in (await page.post(LOGIN, {"X-Other": "1", "Cookie": ""}, input=wrong)).text:
        pass
    assert (await page.sign_in())["userErrors"] == []


async def test_an_event_stream_ends_with_its_session(signed_in: Page) -> None:
    upload = await signed_in.shared.api.init(b"watched")
    body = {"query": PROGRESS, "variables": {"id": upload["id"]}}
    headers = {**OWN_PAGE, "Accept": EVENT_STREAM, "Cookie": f"{NAME}={signed_in.cookie}"}
    async with signed_in.http.stream("POST", "/graphql", json=body, headers=headers) as response:
        events = sse_events(response)
        await anext(events)
        await signed_in.post(LOGOUT)
        last = [event async for event in events][-1]
    assert last["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_a_request_may_have_several_cookie_headers(signed_in: Page) -> None:
    headers = [("Cookie", "a=1"), ("Cookie", f"{NAME}={signed_in.cookie}"), ("Sec-Fetch-Site", "same-origin")]
    response = await signed_in.http.post("/graphql", json={"query": ME}, headers=headers)
    assert response.json()["data"]["me"]["userId"] == signed_in.user_id


async def test_the_account_of_the_cookie_pays_as_with_a_token(signed_in: Page) -> None:
    bearer = {"Authorization": signed_in.shared.api.http.headers["Authorization"]}
    policies = [(await signed_in.post(ME, headers)).headers["RateLimit-Policy"] for headers in (OWN_PAGE, bearer)]
    assert policies[0] == policies[1]
    assert "account" in policies[0]


async def test_no_log_has_the_secret(signed_in: Page, caplog: pytest.LogCaptureFixture) -> None:
    secret = signed_in.cookie
    with caplog.at_level("DEBUG", logger="cloudkeep"):
        await signed_in.who()
        await signed_in.post(ME, {"Origin": "https://logged.example"})
        await signed_in.post("{ nothing }")
        await signed_in.post(LOGOUT)
        signed_in.cookie = secret
        await signed_in.post(ME)
    assert "logged.example" in caplog.text
    assert secret not in caplog.text
