"""PostgreSQL: broken connections, servers that are away or hang, and concurrent transactions."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from tortoise import connections

from storage.accounts.models import Account
from storage.blobs import Digests
from storage.database.connection import (
    atomically,
    close_database,
    fetch,
    fetch_in_transaction,
    migrate,
    open_database,
    ping_database,
)
from storage.database.engine import PoolSize
from storage.database.postgres import client
from storage.errors import ConnectionLost, DatabaseUnavailable, Duplicate, NoSpace, StateChanged
from storage.uploads import receipts, uploads
from storage.uploads.models import Chunk, Upload, UploadStatus
from tests.storage.rows import LATER, NOW, new_account, new_upload, receive
from tests.storage.statements import statements_of
from tests.support.backends.databases import MAINTENANCE, PostgresDatabases
from tests.support.backends.postgres import PostgresServer
from tests.support.waiting import eventually

pytestmark = pytest.mark.postgres

TERMINATE_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cloudkeep'"


@pytest.fixture
async def own(server: PostgresServer, quick: None) -> AsyncIterator[PostgresServer]:
    """The server, with this process connected to it."""
    await open_database(server.url(MAINTENANCE), PoolSize(1, 4))
    yield server
    await close_database()


async def test_a_question_after_its_connection_broke_does_not_notice(
    database: str, databases: PostgresDatabases
) -> None:
    await new_account("ada")
    await databases.run(TERMINATE_ALL)
    assert await Account.filter(user_id="ada").exists()
    await databases.run(TERMINATE_ALL)
    assert await fetch("SELECT COUNT(*) FROM account") == [(1,)]


async def test_a_transaction_whose_connection_breaks_before_its_commit_is_run_again(
    database: str, databases: PostgresDatabases
) -> None:
    runs = 0

    async def work() -> None:
        nonlocal runs
        runs += 1
        await new_account(f"ada-{runs}")
        if runs == 1:
            await databases.run(TERMINATE_ALL)
        await new_account(f"grace-{runs}")

    await atomically(work)
    assert sorted(account.user_id for account in await Account.all()) == ["ada-2", "grace-2"]


async def test_a_transaction_whose_connections_keep_breaking_is_an_error_and_leaves_nothing(
    database: str, databases: PostgresDatabases
) -> None:
    async def work() -> None:
        await new_account()
        await databases.run(TERMINATE_ALL)
        await new_account()

    with pytest.raises(ConnectionLost):
        await atomically(work)
    assert await Account.all().count() == 0


async def test_a_write_on_a_broken_connection_is_an_error_or_done_and_the_next_one_is_done(
    database: str, databases: PostgresDatabases
) -> None:
    stored = 1
    for _ in range(5):
        await databases.run(TERMINATE_ALL)
        with suppress(DatabaseUnavailable):
            await new_account()
            stored += 1
    await new_account()
    assert await Account.all().count() == stored


async def test_a_server_that_was_restarted_is_found_again(own: PostgresServer) -> None:
    name = uuid4().hex
    await new_account(name)
    own.stop()
    for _ in range(3):
        with pytest.raises(DatabaseUnavailable):
            await ping_database()
    own.start()
    assert await Account.filter(user_id=name).exists()
    await new_account()


async def test_the_wait_for_a_connection_is_bounded(own: PostgresServer) -> None:
    free = asyncio.Event()

    waiting = 0

    async def work() -> None:
        nonlocal waiting
        await new_account()
        waiting += 1
        await free.wait()

    async def begun() -> bool:
        return waiting == 4

    holders = [asyncio.create_task(atomically(work)) for _ in range(4)]
    await eventually(begun)
    with pytest.raises(DatabaseUnavailable, match=r"no connection was free within 0.5 s"):
        await ping_database()
    free.set()
    await asyncio.gather(*holders)
    await ping_database()


async def test_the_wait_for_an_answer_is_bounded(own: PostgresServer) -> None:
    with pytest.raises(DatabaseUnavailable):
        await fetch("SELECT pg_sleep(60)")
    await ping_database()


@pytest.mark.parametrize("setting", ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"])
async def test_a_limit_of_the_operators_is_no_internal_error_and_undoes_all(
    database: str, databases: PostgresDatabases, setting: str
) -> None:
    ada = await new_account()
    held, over = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        await Account.filter(id=ada.id).update(name="held")
        held.set()
        await over.wait()

    async def limited() -> None:
        await fetch(f"SET LOCAL {setting} = '50ms'")
        await new_account("lost")
        if setting.startswith("idle"):
            await asyncio.sleep(0.3)  # the limit is the server's, whose clock no test can see
        await Account.filter(id=ada.id).update(name="late")

    holder = asyncio.create_task(atomically(hold))
    await held.wait()
    with pytest.raises(DatabaseUnavailable):
        await atomically(limited)
    over.set()
    await holder
    assert [account.name for account in await Account.all()] == ["held"]


async def test_a_primary_that_became_read_only_refuses_writes_until_it_is_one_again(own: PostgresServer) -> None:
    def turned(how: str) -> Any:
        return _run(own, f"ALTER SYSTEM SET default_transaction_read_only = {how}", "SELECT pg_reload_conf()")

    async def is_read_only() -> bool:
        return bool(await fetch("SHOW default_transaction_read_only") == [("on",)])

    async def is_not() -> bool:
        return not await is_read_only()

    name = uuid4().hex
    await turned("on")
    await eventually(is_read_only)
    with pytest.raises(DatabaseUnavailable):
        await new_account(name)
    with pytest.raises(DatabaseUnavailable):
        await atomically(lambda: new_account(name))
    await ping_database()
    await turned("off")
    await eventually(is_not)
    await atomically(lambda: new_account(name))
    assert await Account.filter(user_id=name).count() == 1


async def test_a_server_without_a_free_connection_refuses_those_that_need_another_one(
    own: PostgresServer,
) -> None:
    await _run(own, "DROP ROLE IF EXISTS guest", "CREATE ROLE guest LOGIN SUPERUSER PASSWORD 'guest-word'")
    await _run(own, "ALTER ROLE guest NOSUPERUSER CONNECTION LIMIT 1", "GRANT pg_read_all_data TO guest")
    url = f"postgres://guest:guest-word@127.0.0.1:{own.port}/{MAINTENANCE}?sslmode=disable"
    await close_database()
    await open_database(url, PoolSize(1, 4))

    pool: Any = connections.get("default")

    async def ask_twice() -> None:
        await fetch("SELECT 1")
        with pytest.raises(DatabaseUnavailable, match="too many connections"):
            await pool.acquire()

    await atomically(ask_twice)
    with pytest.raises(DatabaseUnavailable, match="too many connections") as caught:
        await migrate(url)
    assert "guest-word" not in str(caught.value)
    await ping_database()


async def _run(server: PostgresServer, *statements: str) -> None:
    connection = await asyncpg.connect(server.url(MAINTENANCE))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_full_disk_is_distinguished_from_other_troubles(database: str) -> None:
    raising = "DO $$ BEGIN RAISE EXCEPTION SQLSTATE '53100'; END $$"
    with pytest.raises(NoSpace):
        await fetch(raising)
    with pytest.raises(NoSpace):
        await atomically(lambda: fetch(raising))
    await new_account()


# Transactions that meet


async def test_two_that_lock_each_other_out_both_succeed(database: str) -> None:
    one, two = await new_account(), await new_account()
    both = asyncio.Barrier(2)
    runs = 0

    async def rename(first: Account, second: Account) -> None:
        nonlocal runs
        runs += 1
        await Account.filter(id=first.id).update(name="first")
        if runs <= 2:
            await both.wait()
        await Account.filter(id=second.id).update(name="second")

    await asyncio.gather(atomically(lambda: rename(one, two)), atomically(lambda: rename(two, one)))
    assert runs == 3


async def test_a_receipt_is_one_round_trip(database: str) -> None:
    upload = await new_upload(chunks=5)
    await receive(upload, 0)  # a connection prepares each statement once, which is another round trip
    assert await statements_of(receive(upload, 1)) == [client.number_placeholders(receipts.COUNT_AND_INSERT)]


async def test_a_repeated_chunk_is_distinguished_from_one_that_comes_too_late(database: str) -> None:
    upload = await new_upload(chunks=2)
    await receive(upload, 0)
    with pytest.raises(Duplicate):
        await receive(upload, 0)
    await receive(upload, 1)
    with pytest.raises(Duplicate):
        await receive(upload, 1)
    late = await new_upload(chunks=2)
    assert await uploads.abort(late.id)
    with pytest.raises(StateChanged):
        await receipts.add(late, 1, Digests("0" * 64, ""), NOW, LATER)
    assert await Chunk.filter(upload_id=late.id).count() == 0
    assert (await Upload.get(id=late.id)).status is UploadStatus.ABORTED


async def test_statements_without_a_combined_form_are_one_transaction(database: str) -> None:
    account = await new_account()
    rename = "UPDATE account SET name = ? WHERE id = ? RETURNING name"
    assert await fetch_in_transaction((rename, ("one", account.id)), (rename, ("two", account.id))) == [("two",)]
    assert await fetch_in_transaction((rename, ("three", account.id)), (rename, ("four", uuid4()))) == []
    assert await fetch("SELECT name FROM account") == [("two",)]
