"""PostgreSQL: the state of the database at a start."""

import asyncio

import pytest

from storage.database.connection import migrate
from storage.errors import DatabaseUnavailable
from tests.support.backends.databases import MAINTENANCE
from tests.support.backends.postgres import PostgresServer
from tests.support.process import free_port

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("p%40ss", "wrong"), "password authentication failed"),
        ((MAINTENANCE + "?", "nothing?"), 'database "nothing" does not exist'),
    ],
)
async def test_a_start_that_cannot_succeed_is_refused_at_once(
    server: PostgresServer, change: tuple[str, str], reason: str
) -> None:
    url = server.url(MAINTENANCE)
    at = url.rindex(change[0])
    with pytest.raises(DatabaseUnavailable, match=reason) as caught:
        await migrate(url[:at] + change[1] + url[at + len(change[0]) :])
    assert "wrong" not in str(caught.value)


async def test_a_server_that_is_not_there_is_waited_for_and_then_named(quick: None) -> None:
    with pytest.raises(DatabaseUnavailable, match=r"127\.0\.0\.1"):
        await migrate(f"postgres://user:secret-word@127.0.0.1:{free_port()}/name?sslmode=disable")


async def test_a_start_waits_for_a_server_that_starts(server: PostgresServer) -> None:
    server.stop()
    starting = asyncio.create_task(migrate(server.url(MAINTENANCE)))
    await asyncio.sleep(0.1)  # the first attempt finds no server
    assert not starting.done()
    server.start()
    await starting
