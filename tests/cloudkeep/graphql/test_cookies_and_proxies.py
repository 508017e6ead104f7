"""The name of the cookie, and what counts as our own origin, follow the scheme and host that trusted proxies report."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from tests.support.backends.databases import Databases
from tests.support.graphql_ws import connected
from tests.support.server import PASSWORD, Json
from tests.support.shared_server import SharedServer, shared_server

pytestmark = pytest.mark.asyncio(loop_scope="module")

PUBLIC = "https://files.example.org"
ME = "{ me { userId } }"
LOGIN = """mutation ($input: LoginInput!) { login(input: $input) { userErrors { code } } }"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> AsyncIterator[SharedServer]:
    """A server behind a proxy on this machine, with a public URL and a host in the local network."""
    folder = tmp_path_factory.mktemp("stand")
    hosts = ("drive.lan", "files.example.org")
    async with shared_server(folder, databases, trusted_proxies=("127.0.0.1",), allowed_hosts=hosts) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def user_id(shared: SharedServer) -> str:
    return str((await shared.api.data(ME))["userId"])


async def sign_in(shared: SharedServer, user_id: str, **headers: str) -> httpx.Response:
    given = {"userId": user_id, "password": PASSWORD, "cookies": True}
    body = {"query": LOGIN, "variables": {"input": given}}
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    shared.http.cookies.clear()
    return await shared.http.post("/graphql", json=body, headers=sent)


async def me(shared: SharedServer, headers: Json) -> Json:
    response = await shared.http.post("/graphql", json={"query": ME}, headers=headers)
    answer: Json = response.json()
    return answer


async def test_over_plain_http_the_cookie_has_no_prefix_and_is_not_secure(shared: SharedServer, user_id: str) -> None:
    response = await sign_in(shared, user_id, Host="drive.lan", Origin="http://drive.lan")
    header, device = response.headers.get_list("set-cookie")
    assert device.startswith("ck-device=")
    name, _, secret = header.partition(";")[0].partition("=")
    assert name == "ck"
    assert "Secure" not in header
    assert "; HttpOnly; SameSite=Strict" in header
    here = {"Host": "drive.lan", "Origin": "http://drive.lan"}
    assert (await me(shared, {**here, "Cookie": f"ck={secret}"}))["data"]["me"] == {"userId": user_id}
    assert (await me(shared, {**here, "Cookie": f"__Host-ck={secret}"}))["data"] == {"me": None}


async def test_a_second_cookie_that_shadows_ours_over_plain_http_does_not_count(
    shared: SharedServer, user_id: str
) -> None:
    response = await sign_in(shared, user_id, Host="drive.lan", Origin="http://drive.lan")
    ours = response.headers["set-cookie"].partition(";")[0]
    sent = {"Host": "drive.lan", "Origin": "http://drive.lan", "Cookie": f"ck={'A' * 43}; {ours}"}
    response = await shared.http.post("/graphql", json={"query": ME}, headers=sent)
    assert response.status_code == 401
    assert "set-cookie" not in response.headers


async def test_a_proxy_that_terminates_tls_gets_a_secure_cookie(shared: SharedServer, user_id: str) -> None:
    response = await sign_in(shared, user_id, X_Forwarded_Proto="https", Host="drive.lan", Sec_Fetch_Site="same-origin")
    assert response.headers["set-cookie"].startswith("__Host-ck=")
    assert response.headers["set-cookie"].endswith("; Secure")


@pytest.mark.parametrize(
    ("scheme", "origin", "is_own"),
    [
        ("https", "https://drive.lan", True),
        ("https", "http://drive.lan", False),
        ("http", "http://drive.lan", True),
        ("http", "https://drive.lan", False),
        ("http", "http://drive.lan:8080", False),
        ("http", "http://files.example.org", False),
    ],
)
async def test_our_own_origin_has_the_scheme_and_the_port_of_the_request(
    shared: SharedServer, user_id: str, scheme: str, origin: str, is_own: bool
) -> None:
    response = await sign_in(shared, user_id, X_Forwarded_Proto=scheme, Host="drive.lan", Origin=origin)
    errors = response.json()["data"]["login"]["userErrors"]
    assert errors == ([] if is_own else [{"code": "COOKIES_REFUSED"}])


async def test_the_public_url_is_our_own_origin_too(shared: SharedServer, user_id: str) -> None:
    """Some proxies do not tell under which host the page was requested."""
    response = await sign_in(shared, user_id, Host="drive.lan", Origin=shared.settings.public_url)
    assert response.json()["data"]["login"]["userErrors"] == []


@pytest.mark.parametrize(("scheme", "found"), [("http", True), ("https", False)])
async def test_a_websocket_of_another_scheme_does_not_use_the_cookie(
    shared: SharedServer, user_id: str, scheme: str, found: bool
) -> None:
    port = shared.url.rpartition(":")[2]
    own = f"http://localhost:{port}"
    response = await sign_in(shared, user_id, Host=f"localhost:{port}", Origin=own)
    cookie = response.headers["set-cookie"].partition(";")[0]
    headers = {"Origin": f"{scheme}://localhost:{port}", "Cookie": cookie}
    async with connected(own, headers=headers) as socket:
        await socket.init()
        await socket.subscribe(ME)
        (message,) = await socket.until_complete()
    assert message["payload"]["data"]["me"] == ({"userId": user_id} if found else None)
