"""A server with the page behind a line that can be cut, and a user who is signed in."""

import os
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from tests.browser.devtools import Tab
from tests.browser.page.support.person import Person
from tests.browser.page.support.sending import CHUNK, in_front_of
from tests.browser.site import url_of
from tests.e2e.conftest import sign_up
from tests.support.faults.stalling_link import StallingLink, stalling_link
from tests.support.process import ServeProcess, serving
from tests.support.server import Api, http_client, listening_socket


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    """Where the page reaches the server."""
    with listening_socket() as reserved:
        yield reserved


@pytest.fixture(scope="module")
def server(dist: Path, listener: socket.socket, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServeProcess]:
    """A server with the page."""
    assert dist.is_dir()
    with serving(tmp_path_factory.mktemp("data"), CLOUDKEEP_PUBLIC_URL=url_of(listener)) as process:
        yield process


@pytest_asyncio.fixture(loop_scope="module")
async def link(server: ServeProcess, listener: socket.socket) -> AsyncIterator[StallingLink]:
    """The line from the page to the server."""
    async with stalling_link(urlsplit(server.url).port or 0, listener) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def api(server: ServeProcess) -> AsyncIterator[Api]:
    """A user of the API."""
    async with http_client(server.url, timeout=60) as http:
        yield await sign_up(http, server)


@pytest_asyncio.fixture(loop_scope="module")
async def person(tab: Tab, link: StallingLink, listener: socket.socket, api: Api) -> AsyncIterator[Person]:
    """The same user, signed in on the page."""
    async with in_front_of(tab, url_of(listener), api) as person:
        yield person


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A file of three chunks."""
    path = tmp_path / "film.bin"
    path.write_bytes(os.urandom(2 * CHUNK + 8_000_000))
    return path
