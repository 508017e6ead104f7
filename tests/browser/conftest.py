"""A server as ``make run`` starts it, which allows one other origin, and a browser with a page of that origin."""

import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.browser.browser import Browser, NoBrowser, find_browser
from tests.browser.site import Site, bundle, serving_page, url_of
from tests.e2e.conftest import sign_up
from tests.support.faults.stalling_link import StallingLink, stalling_link
from tests.support.process import ServeProcess, serving
from tests.support.server import Api, http_client, listening_socket

HERE = Path(__file__).parent
CACHE = HERE / ".cache"


@dataclass(frozen=True)
class Origins:
    """The origin of the page, and that of the server, which it reaches through a link of the test."""

    page: socket.socket
    link: socket.socket


@pytest.fixture(scope="session")
def origins() -> Iterator[Origins]:
    """Two ports, which make two origins. Both stay reserved while the server knows them."""
    with listening_socket() as page, listening_socket() as link:
        yield Origins(page, link)


@pytest.fixture(scope="session")
def cloudkeep(origins: Origins, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServeProcess]:
    """A server that allows the page's origin, and that clients reach through the link."""
    page, link = url_of(origins.page), url_of(origins.link)
    data = tmp_path_factory.mktemp("data")
    with serving(data, CLOUDKEEP_PUBLIC_URL=link, CLOUDKEEP_CORS_ORIGINS=page) as process:
        yield process


@pytest.fixture
async def person(cloudkeep: ServeProcess) -> AsyncIterator[Api]:
    """A user who has just registered."""
    async with http_client(cloudkeep.url, timeout=60) as http:
        yield await sign_up(http, cloudkeep)


@pytest.fixture
async def link(cloudkeep: ServeProcess, origins: Origins) -> AsyncIterator[StallingLink]:
    """The link, which the test may cut."""
    port = urlsplit(cloudkeep.url).port
    assert port
    async with stalling_link(port, origins.link) as running:
        yield running


@pytest.fixture
def reached(origins: Origins, link: StallingLink) -> str:
    """The URL by which the page reaches the server."""
    return url_of(origins.link)


@pytest.fixture(scope="session")
def browser() -> Browser:
    """A headless Chromium. Without one for this machine, the test is skipped."""
    try:
        return find_browser(HERE / "chromium", CACHE)
    except NoBrowser as error:
        pytest.skip(f"Uppy was not tested: {error}")


@pytest.fixture(scope="session", params=[5, 6], ids="uppy-{}".format)
def script(request: pytest.FixtureRequest, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The page with one of Uppy's versions."""
    return bundle(request.param, tmp_path_factory.mktemp("page"), CACHE)


@pytest.fixture
async def site(script: bytes, origins: Origins) -> AsyncIterator[Site]:
    """The site that serves the page."""
    async with serving_page(script, origins.page) as running:
        yield running
