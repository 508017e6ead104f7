"""Common fixtures: a Valkey, a migrated database, a blob store, a server with a worker, and users."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import hypothesis
import pytest
import pytest_asyncio
from passlib.hash import argon2
from redis import Redis

from cloudkeep.settings.settings import Settings
from cloudkeep.supervisor.worker_process import work
from services.core import clock
from services.core.keys import SecretKey
from storage.blobs import LocalBlobStore
from storage.database.connection import close_database, open_database
from storage.redis.valkey import EmbeddedValkey
from tests.support.backends.databases import ENGINES, SQLITE, Databases, databases_of, empty_one
from tests.support.backends.postgres import PostgresMissing
from tests.support.backends.s3 import S3Server, s3_server
from tests.support.backends.smtp_sink import SmtpSink, smtp_sink
from tests.support.clock import Clocks
from tests.support.server import Api, http_client, listening_socket, serve, sign_up
from tests.support.shared_server import PLENTY

#: Tests that run on every kind of database. Tests that are slow, far from SQL, or run the same statements as those of
#: services, run once.
BOTH = ("scale/", "schema/accounts/attacks/", "schema/test_hostile_values.py", "services/", "storage/", "workers/")
#: Folders with the slowest files.
SLOWEST = ("scale", "faults", "e2e", "bench", "browser", "clients", "cloudkeep")
KEYS = (SecretKey("test", b"a secret that is long enough to be one"),)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add options for the database of a run."""
    parser.addoption("--database", choices=ENGINES, default=SQLITE, help="run the tests that use a database on this")
    parser.addoption("--whole", action="store_true", help="with PostgreSQL, run also those that are far from SQL")


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers for tests of one kind of database, and let hypothesis try the same examples each time."""
    for engine in ENGINES:
        config.addinivalue_line("markers", f"{engine}: is about this database alone")
    # The same examples each time: a test fails for a change of the code, not by chance. ``make faults`` tries others.
    hypothesis.settings.register_profile("repeatable", derandomize=True)
    hypothesis.settings.load_profile("repeatable")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Skip files without tests for this database: loading them takes every process a quarter of a minute."""
    engine = config.getoption("database")
    if engine == SQLITE or config.getoption("whole") or collection_path.suffix != ".py":
        return None
    is_run = _place(collection_path).startswith(BOTH) or f"mark.{engine}" in collection_path.read_text()
    return None if is_run or collection_path.name == "conftest.py" else True


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect tests of other databases. Tests without a database run once, with SQLite."""
    engine = config.getoption("database")
    others = [other for other in ENGINES if other != engine]
    kept = [item for item in items if not any(item.get_closest_marker(other) for other in others)]
    if engine != SQLITE:
        near = uses_a_database if config.getoption("whole") else below_sql
        kept = [item for item in kept if item.get_closest_marker(engine) or near(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
    items[:] = sorted(kept, key=_turn)


def _turn(item: pytest.Item) -> int:
    """The order of a test's folder: the slowest files come first, so that no process runs one alone at the end."""
    folder = item.path.relative_to(Path(__file__).parent).parts[0]
    return SLOWEST.index(folder) if folder in SLOWEST else len(SLOWEST)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Succeed if no test is left for this kind of database."""
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and session.config.getoption("database") != SQLITE:
        session.exitstatus = pytest.ExitCode.OK


def uses_a_database(item: pytest.Item) -> bool:
    """Whether a test depends on a database, directly or indirectly."""
    return isinstance(item, pytest.Function) and "databases" in item.fixturenames


def below_sql(item: pytest.Item) -> bool:
    """Whether a test is about the database, and not about a wire or a process that only uses one."""
    return uses_a_database(item) and _place(item.path).startswith(BOTH)


def _place(path: Path) -> str:
    return str(path.relative_to(Path(__file__).parent))


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove settings of the developer's shell, which must not change a test."""
    for name in [name for name in os.environ if name.startswith("CLOUDKEEP_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def _signals_are_heard() -> None:
    """Handle signals that child processes inherit as ignored: SIGINT in a shell's background, SIGHUP under nohup."""
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> Iterator[None]:
    """Use fast hashes in this process; tests/services/accounts/passwords/test_passwords.py tests real ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "services.accounts.passwords.passwords.argon2", argon2.using(rounds=1, memory_cost=8, parallelism=1)
        )
        yield


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clocks]:
    """The clocks of this process and of its database, which are right at first."""
    yield Clocks(monkeypatch)
    clock.DATABASE.state = None


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """The source of databases of this run's kind. Every test with a database depends on it."""
    try:
        with databases_of(request.config.getoption("database"), tmp_path_factory.mktemp("database")) as source:
            yield source
    except PostgresMissing as error:
        pytest.skip(f"NOT TESTED on PostgreSQL: {error}")


@pytest.fixture
def empty_database(databases: Databases, tmp_path: Path) -> Iterator[str]:
    """An empty database for one test; ``cloudkeep serve`` creates the tables."""
    with empty_one(databases, tmp_path) as url:
        yield url


@pytest.fixture
async def database_url(databases: Databases, tmp_path: Path) -> AsyncIterator[str]:
    """A database for one test, not yet connected."""
    url = await databases.migrated(tmp_path)
    yield url
    await databases.drop(url)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[str]:
    """A database for one test, connected."""
    await open_database(database_url)
    yield database_url
    await close_database()


@pytest.fixture
async def valkey(tmp_path: Path) -> AsyncIterator[EmbeddedValkey]:
    """A Valkey for one test."""
    server = EmbeddedValkey(tmp_path)
    await server.start()
    yield server
    await server.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def common_valkey(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedValkey]:
    """A shared Valkey for tests that do not stop its process."""
    server = EmbeddedValkey(tmp_path_factory.mktemp("valkey"))
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A shared S3 server."""
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def redis_url(request: pytest.FixtureRequest, common_valkey: EmbeddedValkey) -> str:
    """The URL of an empty Redis: the test's own Valkey if it has one."""
    if "valkey" in request.fixturenames:
        own: EmbeddedValkey = request.getfixturevalue("valkey")
        return own.url
    with Redis.from_url(common_valkey.url) as redis:
        redis.flushall()
    return common_valkey.url


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[LocalBlobStore]:
    """A blob store for one test."""
    local = LocalBlobStore(tmp_path / "blobs")
    yield local
    await local.close()


@pytest.fixture
async def sink() -> AsyncIterator[SmtpSink]:
    """A mail server for one test."""
    async with smtp_sink() as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path, database_url: str, redis_url: str, sink: SmtpSink) -> Settings:
    """Settings of a server for one test, on a free port."""
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
    """An HTTP client without a sign-in."""
    async with http_client(server) as client:
        yield client


@pytest.fixture
async def api(http: httpx.AsyncClient, sink: SmtpSink) -> Api:
    """A signed-in user."""
    return await sign_up(http, sink)


@pytest.fixture
async def other(server: str, sink: SmtpSink) -> AsyncIterator[Api]:
    """Another signed-in user."""
    async with http_client(server) as client:
        yield await sign_up(client, sink)
