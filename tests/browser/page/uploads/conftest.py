"""A user who is signed in by a line that can be cut."""

import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.browser.devtools import Tab
from tests.browser.page.support.person import Person
from tests.browser.page.support.sending import CHUNK, in_front_of
from tests.browser.site import url_of
from tests.support.faults.stalling_link import StallingLink
from tests.support.server import Api


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
