"""One shared server, and users who are signed in to it."""

import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.backends.databases import Databases, empty_one
from tests.support.clips import large_clip
from tests.support.process import ServeProcess, serving
from tests.support.server import PASSWORD, Api, http_client
from workers.media.tools import Toolbox, find_tools


@pytest.fixture(scope="session")
def tools() -> Toolbox:
    """ffmpeg and ffprobe."""
    return find_tools()


@pytest.fixture(scope="session")
def large_video(tmp_path_factory: pytest.TempPathFactory, tools: Toolbox) -> Path:
    """A real video of more than 200 MB."""
    return large_clip(tmp_path_factory.mktemp("clips"), tools)


@pytest.fixture(scope="session")
def cloudkeep(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> Iterator[ServeProcess]:
    """A server as ``make run`` starts it, shared by the tests of this folder."""
    folder = tmp_path_factory.mktemp("data")
    with empty_one(databases, folder) as url, serving(folder, CLOUDKEEP_DATABASE_URL=url) as process:
        yield process


@pytest.fixture
async def person(cloudkeep: ServeProcess) -> AsyncIterator[Api]:
    """A user who has just registered at the shared server."""
    async with http_client(cloudkeep.url, timeout=60) as http:
        yield await sign_up(http, cloudkeep)


async def sign_up(http: httpx.AsyncClient, process: ServeProcess) -> Api:
    """Register a new user, with the code that the server prints, and sign in."""
    api, name = Api(http), f"user-{secrets.token_hex(4)}"
    email = f"{name}@example.org"
    person = {"userId": name, "userName": "A Person", "email": email, "password": PASSWORD}
    session = await api.join(person, process.otp)
    http.headers["Authorization"] = f"Bearer {session['accessToken']}"
    return api
