"""In Chromium, the session cookie acts for its account on our own pages, and for no page of another origin."""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from cloudkeep.http.app import create_app
from cloudkeep.settings.settings import Settings
from storage.redis.valkey import EmbeddedValkey
from tests.browser import devtools, origins
from tests.browser.browser import Browser
from tests.browser.devtools import Tab, opened_tab
from tests.browser.origins import OUR_NAME, SIBLING, STRANGER, Ports, Recorder, ports_of, serving_both, two_listeners
from tests.clients.guide.page import blocks
from tests.support.backends.databases import Databases
from tests.support.backends.smtp_sink import smtp_sink
from tests.support.server import PASSWORD, Api, Json, http_client, sign_up
from tests.support.shared_server import KEYS, PLENTY

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCRIPT = Path(__file__).with_name("cookies.js").read_text()
#: A page of the server that has no scripts of its own.
OWN_PAGE = "/healthz"
ME = {"query": "{ me { userId } }"}
ACT = {
    "query": "mutation ($input: InitUploadInput!) { initUpload(input: $input) { upload { id } } }",
    "variables": {"input": {"fileName": "evil.bin", "size": 3}},
}
LOGOUT = {"query": "mutation { logout { userErrors { code } } }"}
LOGIN = """mutation ($input: LoginInput!) {
  login(input: $input) { session { accessToken account { userId } } userErrors { code } } }"""
WAYS = ("post", "plainPost", "simplePost", "form", "beacon", "image", "get", "plainGet", "socket")


@dataclass(frozen=True)
class Stand:
    """The server, the other site, a victim with an account, and an attacker with another one."""

    ours: Ports
    others: Ports
    recorder: Recorder
    victim: Api
    attacker: Api


@pytest.fixture(scope="module")
def listeners() -> Iterator[tuple[Any, Any]]:
    with two_listeners() as ours, two_listeners() as others:
        yield ours, others


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stand(
    listeners: tuple[Any, Any], tmp_path_factory: pytest.TempPathFactory, databases: Databases
) -> AsyncIterator[Stand]:
    """A server that allows every origin, so that nothing but the rule for cookies protects it."""
    folder, (ours, others) = tmp_path_factory.mktemp("stand"), listeners
    database = await databases.migrated(folder)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(databases.drop, database)
        valkey = EmbeddedValkey(folder)
        await valkey.start()
        stack.push_async_callback(valkey.stop)
        sink = await stack.enter_async_context(smtp_sink())
        ports = ports_of(*ours)
        settings = Settings(
            data_dir=folder,
            database_url=database,
            redis_url=valkey.url,
            mail_url=f"smtp://127.0.0.1:{sink.port}?tls=none",
            public_url=ports.https_url(OUR_NAME),
            cors_origins="*",  # type: ignore[arg-type]
            **PLENTY,
        )
        recorder = Recorder(create_app(settings.model_copy(update={"secret_keys": KEYS})))
        await stack.enter_async_context(serving_both(recorder, *ours))
        await stack.enter_async_context(serving_both(origins.other_site(), *others))
        clients = [
            await stack.enter_async_context(http_client(ports.http_url("127.0.0.1"), timeout=60)) for _ in range(2)
        ]
        yield Stand(ports, ports_of(*others), recorder, *[await sign_up(client, sink) for client in clients])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tab(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tab]:
    """A tab of a browser that knows the names of the test."""
    profile = tmp_path_factory.mktemp("browser") / "profile"
    with browser.showing("about:blank", profile, *devtools.FLAGS, *origins.FLAGS):
        async with opened_tab(profile) as opened:
            # The server has no page of its own yet that may send requests: its policy forbids everything elsewhere.
            await opened.command("Page.setBypassCSP", enabled=True)
            yield opened


async def show(tab: Tab, url: str) -> None:
    """Show a page that can run the script of this test."""
    await tab.show(url)
    await tab.run(SCRIPT)


async def use(tab: Tab, way: str, url: str, operation: Json) -> Json:
    """What the page learns when it sends an operation in this way."""
    result: Json = await tab.run(f"ways.{way}({json.dumps(url)}, {json.dumps(operation)})")
    return result


async def user_id_of(person: Api) -> str:
    return str((await person.data(ME["query"]))["userId"])


def sign_in_of(user_id: str) -> Json:
    return {
        "query": LOGIN,
        "variables": {"input": {"userId": user_id, "password": PASSWORD, "cookies": True}},
    }


async def sign_in(tab: Tab, stand: Stand, own: str) -> None:
    """Sign the victim in on our own page, which is shown then, in a browser without other cookies."""
    await tab.command("Network.clearBrowserCookies")
    await show(tab, own + OWN_PAGE)
    answer = await use(tab, "post", own, sign_in_of(await user_id_of(stand.victim)))
    assert answer["data"]["login"]["userErrors"] == []
    assert answer["data"]["login"]["session"]["accessToken"] is None


async def viewer(tab: Tab, own: str, way: str = "post") -> str | None:
    """The user ID of the viewer of our own page; None if there is none."""
    answer = await use(tab, way, own, ME)
    me = (answer.get("data") or {}).get("me")
    return me and str(me["userId"])


async def uploads_of(person: Api) -> int:
    return len((await person.data("{ uploads { nodes { id } } }"))["nodes"])


OWN = {
    "localhost": lambda ports: ports.http_url("localhost"),
    "https": lambda ports: ports.https_url(OUR_NAME),
    "http": lambda ports: ports.http_url(OUR_NAME),
}
own_origins = pytest.mark.parametrize("own", OWN.values(), ids=OWN.keys())


@own_origins
async def test_our_own_page_signs_in_and_its_scripts_do_not_see_the_cookie(stand: Stand, tab: Tab, own: Any) -> None:
    url = own(stand.ours)
    await sign_in(tab, stand, url)
    assert await tab.run("document.cookie") == ""
    user_id = await user_id_of(stand.victim)
    assert await viewer(tab, url) == user_id
    assert await viewer(tab, url, "socket") == user_id
    assert await viewer(tab, url, "get") is None


async def test_the_code_of_the_guide_signs_in_and_out(stand: Stand, tab: Tab) -> None:
    url, user_id = stand.ours.https_url(OUR_NAME), await user_id_of(stand.victim)
    await tab.command("Network.clearBrowserCookies")
    await tab.show(url + OWN_PAGE)
    module = f"data:text/javascript;base64,{base64.b64encode(blocks()['cookies.js'].encode()).decode()}"

    async def call(code: str) -> Any:
        return await tab.run(f"import({json.dumps(module)}).then(({{ run, signIn, signOut }}) => {code})")

    signed_in = await call(f"signIn({json.dumps(user_id)}, {json.dumps(PASSWORD)})")
    assert signed_in["data"]["login"]["session"]["account"]["userId"] == user_id
    assert (await call(f"run({json.dumps(ME['query'])})"))["data"]["me"]["userId"] == user_id
    assert (await call("signOut()"))["data"]["logout"]["userErrors"] == []
    assert (await call(f"run({json.dumps(ME['query'])})"))["data"]["me"] is None


@own_origins
async def test_after_a_logout_nothing_works(stand: Stand, tab: Tab, own: Any) -> None:
    url = own(stand.ours)
    await sign_in(tab, stand, url)
    assert (await use(tab, "post", url, LOGOUT))["data"]["logout"]["userErrors"] == []
    before = len(stand.recorder.with_cookies)
    assert [await viewer(tab, url, way) for way in ("post", "get", "socket")] == [None] * 3
    assert len(stand.recorder.with_cookies) == before


@own_origins
async def test_a_link_of_another_site_opens_a_page_that_is_signed_in(stand: Stand, tab: Tab, own: Any) -> None:
    """The browser sends no cookie with the link, and sends it with the page's own requests."""
    url = own(stand.ours)
    await sign_in(tab, stand, url)
    await show(tab, stand.others.http_url(STRANGER) + "/")
    before = len(stand.recorder.with_cookies)
    await tab.run(f"location.href = {json.dumps(url + OWN_PAGE)}; null")
    await tab.until_shown(url + OWN_PAGE)
    assert len(stand.recorder.with_cookies) == before
    await tab.run(SCRIPT)
    assert await viewer(tab, url) == await user_id_of(stand.victim)


#: Our own origin, that of the attacker's page, and whether SameSite lets the cookie pass, so that the rule is all.
ATTACKS = {
    "another port": ("localhost", lambda ports: ports.http_url("localhost"), True),
    "another name of this machine": ("localhost", lambda ports: ports.http_url("127.0.0.1"), False),
    "https of the same name": ("localhost", lambda ports: ports.https_url("localhost"), False),
    "another site": ("localhost", lambda ports: ports.http_url(STRANGER), False),
    "another port, by TLS": ("https", lambda ports: ports.https_url(OUR_NAME), True),
    "another subdomain, by TLS": ("https", lambda ports: ports.https_url(SIBLING), True),
    "http of the same name": ("https", lambda ports: ports.http_url(OUR_NAME), False),
    "another site, by TLS": ("https", lambda ports: ports.https_url(STRANGER), False),
    "another port, plain": ("http", lambda ports: ports.http_url(OUR_NAME), True),
    "another subdomain, plain": ("http", lambda ports: ports.http_url(SIBLING), True),
    "https, of a plain one": ("http", lambda ports: ports.https_url(OUR_NAME), False),
    "another site, plain": ("http", lambda ports: ports.http_url(STRANGER), False),
}


@pytest.mark.parametrize(("own", "attacker", "is_same_site"), ATTACKS.values(), ids=ATTACKS.keys())
async def test_a_page_of_another_origin_cannot_act_for_the_victim(
    stand: Stand, tab: Tab, own: str, attacker: Any, is_same_site: bool
) -> None:
    ours, evil = OWN[own](stand.ours), attacker(stand.others)
    await sign_in(tab, stand, ours)
    before = await uploads_of(stand.victim)

    stand.recorder.with_cookies.clear()
    await show(tab, evil + "/")
    # Chromium asks the person before it sends a form from https to plain http.
    is_downgrade = evil.startswith("https:") and ours.startswith("http:")
    for way in (way for way in WAYS if not (is_downgrade and way == "form")):
        for operation in (ACT, LOGOUT, ME, sign_in_of(await user_id_of(stand.attacker))):
            answer = await use(tab, way, ours, operation)
            assert not has_a_viewer(answer), (way, answer)
    methods = stand.recorder.methods_of(evil)

    await show(tab, ours + OWN_PAGE)
    assert await viewer(tab, ours) == await user_id_of(stand.victim)
    assert await uploads_of(stand.victim) == before
    assert ({"POST", "GET", "WEBSOCKET"} <= methods) == is_same_site
    assert is_same_site or not methods


def has_a_viewer(answer: Json) -> bool:
    """Whether a page has read the response to an operation that had a viewer, or signed in."""
    data = answer.get("data") or {}
    return any(
        [
            (data.get("me") or {}).get("userId"),
            (data.get("initUpload") or {}).get("upload"),
            (data.get("login") or {}).get("session"),
        ]
    )
