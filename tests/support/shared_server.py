"""A server with a worker that a test module shares, for tests that do not affect each other."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from cloudkeep.server.body_offload import OffloadingProtocol
from cloudkeep.settings.settings import Settings
from cloudkeep.supervisor.worker_process import work
from services.core.ids import Prefix, encode
from services.core.keys import SecretKey
from storage.redis.valkey import EmbeddedValkey
from tests.support.backends.databases import Databases
from tests.support.backends.smtp_sink import SmtpSink, smtp_sink
from tests.support.server import Api, http_client, listening_socket, serve, sign_up

#: Even on a busy machine, every request is paid in Redis.
BUDGET_TIMEOUT = 60.0
#: All users of the tests have one address. Tests of budgets set their own limits.
PLENTY: dict[str, Any] = dict.fromkeys(
    ("budget_anonymous", "budget_address", "budget_account", "budget_api_token"), "1000000/100000"
)
KEYS = (SecretKey("test", b"a secret that is long enough to be one"),)


@dataclass(frozen=True)
class SharedServer:
    """The server and its clients; ``api`` is a signed-in user, ``http`` is anonymous."""

    url: str
    settings: Settings
    sink: SmtpSink
    http: httpx.AsyncClient
    api: Api

    @property
    def staged(self) -> set[str]:
        """The IDs of the uploads that have a staging area in the blob store."""
        folders = (self.settings.data_dir / "blobs" / "staging").iterdir()
        return {encode(Prefix.UPLOAD, UUID(folder.name)) for folder in folders}


@asynccontextmanager
async def shared_server(
    folder: Path, databases: Databases, protocol: type[asyncio.Protocol] = OffloadingProtocol, **changes: Any
) -> AsyncIterator[SharedServer]:
    """Run a server and a worker in ``folder``, on a migrated database of its own."""
    database = await databases.migrated(folder)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(databases.drop, database)
        valkey = EmbeddedValkey(folder)
        await valkey.start()
        stack.push_async_callback(valkey.stop)
        sink = await stack.enter_async_context(smtp_sink())
        listener = stack.enter_context(listening_socket())
        settings = _settings(folder, database, valkey.url, sink.port, listener.getsockname()[1], changes)
        url = await stack.enter_async_context(serve(settings, listener, protocol))
        await stack.enter_async_context(_working(settings))
        anonymous = await stack.enter_async_context(http_client(url))
        person = await stack.enter_async_context(http_client(url))
        yield SharedServer(url, settings, sink, anonymous, await sign_up(person, sink))


@asynccontextmanager
async def another_user(running: SharedServer) -> AsyncIterator[Api]:
    """Another signed-in user."""
    async with http_client(running.url) as client:
        yield await sign_up(client, running.sink)


def _settings(folder: Path, database: str, redis_url: str, mail_port: int, port: int, changes: Any) -> Settings:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CLOUDKEEP_" + field.upper() for field in Settings.model_fields):
            patch.delenv(name, raising=False)
        given = Settings(
            data_dir=folder,
            database_url=database,
            redis_url=redis_url,
            mail_url=f"smtp://127.0.0.1:{mail_port}?tls=none",
            public_url=f"http://127.0.0.1:{port}",
            body_stall_timeout=1.0,
            budget_timeout=BUDGET_TIMEOUT,
            **PLENTY,
        )
    return given.model_copy(update={"secret_keys": KEYS, **changes})


@asynccontextmanager
async def _working(settings: Settings) -> AsyncIterator[None]:
    task = asyncio.create_task(work(settings.model_copy(update={"worker_name": "test"})))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
