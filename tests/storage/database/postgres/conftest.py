"""A PostgreSQL server that tests may stop."""

import asyncio
from collections.abc import Iterator

import pytest

from storage.database.connection import migrate
from storage.database.postgres import client, engine
from tests.support.backends.databases import MAINTENANCE
from tests.support.backends.postgres import PostgresServer, postgres_server
from tests.support.process import free_port


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short timeouts."""
    for module, name in ((client, "ACQUIRE"), (client, "RELEASE"), (engine, "COMMAND"), (engine, "START")):
        monkeypatch.setattr(module, name, 0.5)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server that may be stopped; what was committed survives that."""
    with postgres_server(free_port(), {}) as running:
        asyncio.run(migrate(running.url(MAINTENANCE)))
        yield running
