"""A signed-in client of a real server behind a proxy, with a record of its output and its requests."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from cloudkeep.client.api.graphql import GraphQL
from cloudkeep.client.api.http import open_http
from cloudkeep.client.api.retry import RetryPolicy
from cloudkeep.client.api.session import Session
from cloudkeep.client.api.tokens import GivenToken
from cloudkeep.client.display.progress import StageProgress
from cloudkeep.client.uploads.file_upload import UploadContext
from cloudkeep.client.uploads.source import Digests
from cloudkeep.client.uploads.uploads import init_input
from cloudkeep.settings.settings import Settings
from cloudkeep.supervisor.worker_process import work
from services.media.types import Compression
from tests.support.faults.proxy import Proxy, proxy
from tests.support.server import Api, Json, digest, listening_socket, serve

#: The size of the smallest chunk that the server accepts, so that small files have many chunks.
CHUNK = 64 * 1024
QUICK = RetryPolicy(max_attempts=8, first_delay=0.01, max_delay=0.05)


class Watcher:
    """A track that records its output. ``on_show`` and ``on_note`` are called with each progress and each note."""

    def __init__(self) -> None:
        self.shown: list[StageProgress] = []
        self.notes: list[str] = []
        self.on_show: Callable[[StageProgress], None] = lambda _: None
        self.on_note: Callable[[str], None] = lambda _: None

    @property
    def stages(self) -> list[str]:
        """The stages in the order in which they began."""
        names = [progress.stage for progress in self.shown]
        return [name for index, name in enumerate(names) if index == 0 or name != names[index - 1]]

    def show(self, progress: StageProgress) -> None:
        """See :class:`cloudkeep.client.display.progress.Track`."""
        self.shown.append(progress)
        self.on_show(progress)

    def note(self, text: str) -> None:
        """See :class:`cloudkeep.client.display.progress.Track`."""
        self.notes.append(text)
        self.on_note(text)


@pytest.fixture(autouse=True)
def config_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for credentials, and no keyring, so that the tests never use those of the developer."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    return tmp_path / "config"


@pytest.fixture
async def front(settings: Settings) -> AsyncIterator[Proxy]:
    """A proxy before a server, whose public URL is that of the proxy."""
    with listening_socket() as inside:
        async with (
            proxy(inside.getsockname()[1]) as running,
            serve(settings.model_copy(update={"public_url": running.url}), inside),
        ):
            yield running


@pytest.fixture
def server(front: Proxy) -> str:
    """The base URL of the server behind the proxy."""
    return front.url


@pytest.fixture
def token(api: Api) -> str:
    """The access token of the signed-in user."""
    return api.http.headers["Authorization"].removeprefix("Bearer ")


@pytest.fixture
async def client(server: str) -> AsyncIterator[httpx.AsyncClient]:
    """The client's own HTTP client."""
    async with open_http(server) as opened:
        yield opened


@pytest.fixture
def puts(client: httpx.AsyncClient) -> list[str]:
    """The path of every chunk that the client sends."""
    paths: list[str] = []

    async def note(request: httpx.Request) -> None:
        if request.method == "PUT":
            paths.append(request.url.path)

    client.event_hooks["request"].append(note)
    return paths


@pytest.fixture
def context(client: httpx.AsyncClient, server: str, token: str) -> UploadContext:
    """The context of uploads, with few and quick retries."""
    return UploadContext(client, Session(GraphQL(client, server), GivenToken(token)), policy=QUICK)


@pytest.fixture
def watcher() -> Watcher:
    """The record of the client's output."""
    return Watcher()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of eight small chunks."""
    path = tmp_path / "film.bin"
    path.write_bytes(os.urandom(8 * CHUNK - 5))
    return path


async def init_upload(api: Api, path: Path, compress: Compression | None = None) -> Json:
    """Start an upload with small chunks, which the client will find for this file."""
    content = path.read_bytes()
    variables = init_input(path.name, len(content), digests_of(content, CHUNK), compress)
    return await api.init(content, **variables)


def digests_of(content: bytes, chunk_size: int) -> Digests:
    """The digests that the client computes before it sends a file."""
    chunks = [content[start : start + chunk_size] for start in range(0, len(content), chunk_size)]
    return Digests(digest(content), chunk_size, [digest(chunk) for chunk in chunks])


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[None]:
    """Run a worker from now on."""
    task = asyncio.create_task(work(settings.model_copy(update={"worker_name": "test"})))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
