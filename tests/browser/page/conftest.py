"""A server with the page, and a person who uses it in Chromium."""

import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from page_build.build import build
from page_build.places import DIST
from tests.browser import devtools
from tests.browser.browser import Browser
from tests.browser.devtools import Tab, opened_tab
from tests.browser.page.support.person import Person
from tests.browser.site import url_of
from tests.e2e.conftest import sign_up
from tests.support.backends.databases import Databases
from tests.support.faults.stalling_link import StallingLink, stalling_link
from tests.support.process import ServeProcess, serving
from tests.support.server import Api, Json, http_client, listening_socket
from tests.support.shared_server import SharedServer, another_user, shared_server


@pytest.fixture(scope="session")
def dist() -> Path:
    """The page, which is built if its sources have changed."""
    build()
    return DIST.resolve()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(
    dist: Path, tmp_path_factory: pytest.TempPathFactory, databases: Databases
) -> AsyncIterator[SharedServer]:
    """A server with the page, a worker and a sink for its mails."""
    folder = tmp_path_factory.mktemp("stand")
    (folder / "page").symlink_to(dist)
    async with shared_server(folder, databases) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tab(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tab]:
    """A tab of a browser."""
    profile = tmp_path_factory.mktemp("browser") / "profile"
    with browser.showing("about:blank", profile, *devtools.FLAGS):
        async with opened_tab(profile) as opened:
            yield opened


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def no_errors(tab: Tab) -> AsyncIterator[None]:
    """Nothing is an error in the console. A test that expects one takes it by ``tab.errors()``."""
    await tab.errors()
    yield
    assert await tab.errors() == []


@pytest_asyncio.fixture(loop_scope="module")
async def person(tab: Tab, shared: SharedServer) -> AsyncIterator[Person]:
    """A person without a session and without anything that the page has stored."""
    await tab.command("Network.clearBrowserCookies")
    await tab.command("Storage.clearDataForOrigin", origin=shared.url, storageTypes="all")
    yield Person(tab, shared.url)
    await tab.show("about:blank")


@pytest_asyncio.fixture(loop_scope="module")
async def user(shared: SharedServer) -> AsyncIterator[Json]:
    """The account of a user who is not signed in on the page."""
    async with another_user(shared) as api:
        yield await api.data("{ me { userId email } }")


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    """Where the page reaches the server."""
    with listening_socket() as reserved:
        yield reserved


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    """More settings of the server behind the line. A module may have its own."""
    return {}


@pytest.fixture(scope="module")
def server(
    dist: Path, listener: socket.socket, settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServeProcess]:
    """A server with the page, as ``make run`` starts it. The page reaches it by ``link``."""
    assert dist.is_dir()
    with serving(
        tmp_path_factory.mktemp("data"), None, (), CLOUDKEEP_PUBLIC_URL=url_of(listener), **settings
    ) as process:
        yield process


@pytest_asyncio.fixture(loop_scope="module")
async def link(server: ServeProcess, listener: socket.socket) -> AsyncIterator[StallingLink]:
    """The line from the page to the server."""
    async with stalling_link(urlsplit(server.url).port or 0, listener) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def api(server: ServeProcess) -> AsyncIterator[Api]:
    """A user of the API, whose requests do not take the line of the page."""
    async with http_client(server.url, timeout=60) as http:
        yield await sign_up(http, server)
