"""What many tests need: a Valkey, a migrated database, a blob store, a server with a worker, and people to use it."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from passlib.hash import argon2
from redis import Redis

from cloudkeep.settings import Settings
from cloudkeep.worker import work
from services.keys import SecretKey
from storage.blobs import LocalBlobStore
from storage.database import close_database, migrate, open_database
from storage.valkey import EmbeddedValkey
from tests.smtp_sink import SmtpSink, smtp_sink
from tests.support.server import Api, http_client, listening_socket, serve, sign_up
from tests.support.stand import PLENTY

KEYS = (SecretKey("test", b"a secret that is long enough to be one"),)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the developer has set in their shell must not change a test."""
    for name in [name for name in os.environ if name.startswith("CLOUDKEEP_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> Iterator[None]:
    """Hashes that cost next to nothing, in this process; tests/services/test_passwords.py has them as they are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("services.passwords.argon2", argon2.using(rounds=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite database to copy: migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("database") / "template.sqlite3"
    asyncio.run(migrate(f"sqlite://{path}"))
    return path


@pytest.fixture
def database_url(migrated_database: Path, tmp_path: Path) -> str:
    """A database of the test's own, not yet connected."""
    path = tmp_path / "cloudkeep.sqlite3"
    shutil.copyfile(migrated_database, path)
    return f"sqlite://{path}"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[str]:
    """A database of the test's own, connected."""
    await open_database(database_url)
    yield database_url
    await close_database()


@pytest.fixture
async def valkey(tmp_path: Path) -> AsyncIterator[EmbeddedValkey]:
    """A Valkey of the test's own."""
    server = EmbeddedValkey(tmp_path)
    await server.start()
    yield server
    await server.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def common_valkey(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedValkey]:
    """A Valkey for the tests that do nothing to its process."""
    server = EmbeddedValkey(tmp_path_factory.mktemp("valkey"))
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def redis_url(request: pytest.FixtureRequest, common_valkey: EmbeddedValkey) -> str:
    """Where an empty Redis is: the test's own Valkey where it has one."""
    if "valkey" in request.fixturenames:
        own: EmbeddedValkey = request.getfixturevalue("valkey")
        return own.url
    with Redis.from_url(common_valkey.url) as redis:
        redis.flushall()
    return common_valkey.url


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[LocalBlobStore]:
    """A blob store of the test's own."""
    local = LocalBlobStore(tmp_path / "blobs")
    yield local
    await local.close()


@pytest.fixture
async def sink() -> AsyncIterator[SmtpSink]:
    """A mail server of the test's own."""
    async with smtp_sink() as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path, database_url: str, redis_url: str, sink: SmtpSink) -> Settings:
    """Settings of a server on a free port, all of it the test's own."""
    given = Settings(
        data_dir=tmp_path,
        database_url=database_url,
        redis_url=redis_url,
        mail_url=f"smtp://127.0.0.1:{sink.port}?tls=none",
        body_stall_timeout=1.0,
        job_lease=4.0,
        **PLENTY,
    )
    return given.model_copy(update={"secret_keys": KEYS})


@pytest.fixture
async def server(settings: Settings) -> AsyncIterator[str]:
    """The base URL of a running server without a worker."""
    with listening_socket() as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with serve(settings.model_copy(update={"public_url": address}), listener) as url:
            yield url


@pytest.fixture
async def worker(settings: Settings, server: str) -> AsyncIterator[None]:
    """A worker beside the server."""
    task = asyncio.create_task(work(settings.model_copy(update={"worker_name": "test"})))
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@pytest.fixture
async def http(server: str) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client that nobody has signed in with."""
    async with http_client(server) as client:
        yield client


@pytest.fixture
async def api(http: httpx.AsyncClient, sink: SmtpSink) -> Api:
    """A person who is signed in."""
    return await sign_up(http, sink)


@pytest.fixture
async def other(server: str, sink: SmtpSink) -> AsyncIterator[Api]:
    """Somebody else who is signed in."""
    async with http_client(server) as client:
        yield await sign_up(client, sink)
