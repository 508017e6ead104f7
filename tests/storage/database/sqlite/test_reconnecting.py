"""A connection to the database that breaks causes an error for its user, and for no other caller."""

import asyncio
import sqlite3
from pathlib import Path
from typing import cast
from uuid import uuid4

import pytest
from tortoise import connections

from storage.accounts import accounts
from storage.accounts.models import Account
from storage.database.connection import atomically, fetch, ping_database
from storage.database.sqlite.reconnecting import ReconnectingClient
from storage.errors import DatabaseUnavailable

pytestmark = pytest.mark.sqlite


def client() -> ReconnectingClient:
    return cast(ReconnectingClient, connections.get("default"))


async def break_connection() -> None:
    """Close it as a fault would: without notice to its client."""
    connection = client()._connection
    assert connection
    closed = asyncio.get_running_loop().create_future()
    connection._tx.put_nowait((closed, connection._conn.close))
    await closed


async def create_account() -> Account:
    name = uuid4().hex
    return await Account.create(user_id=name, name=name, email=name, password_hash="hash")


async def test_a_query_after_the_connection_broke_does_not_notice(database: str) -> None:
    account = await create_account()
    await break_connection()
    assert await accounts.user_id_exists(account.user_id)


async def test_a_transaction_after_the_connection_broke_does_not_notice(database: str) -> None:
    await break_connection()
    account = await atomically(create_account)
    assert await accounts.user_id_exists(account.user_id)


async def test_a_new_connection_is_as_careful_as_the_first(database: str) -> None:
    before = [await fetch(f"PRAGMA {name}") for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")]
    await break_connection()
    after = [await fetch(f"PRAGMA {name}") for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")]
    assert before == after


async def test_a_transaction_whose_connection_breaks_leaves_nothing_and_blocks_no_other_caller(database: str) -> None:
    async def work() -> None:
        await create_account()
        await break_connection()
        await create_account()

    with pytest.raises((sqlite3.Error, ValueError)):
        await atomically(work)
    async with asyncio.timeout(10):
        assert await Account.all().count() == 0
        await atomically(create_account)
    assert await Account.all().count() == 1


async def test_a_commit_on_a_broken_connection_is_an_error_and_not_a_success(database: str) -> None:
    async def work() -> None:
        await create_account()
        await break_connection()

    with pytest.raises((sqlite3.Error, ValueError)):
        await atomically(work)
    assert await Account.all().count() == 0


async def test_those_who_waited_for_the_connection_get_the_new_one(database: str) -> None:
    async def breaking() -> None:
        await create_account()
        await break_connection()
        raise ZeroDivisionError

    results = await asyncio.gather(
        atomically(breaking), *(atomically(create_account) for _ in range(20)), return_exceptions=True
    )
    assert isinstance(results[0], Exception)
    assert all(isinstance(result, Account) for result in results[1:])
    assert await Account.all().count() == 20


async def test_callers_get_errors_only_while_the_database_cannot_be_opened(database: str, tmp_path: Path) -> None:
    path = Path(database.removeprefix("sqlite://"))
    await break_connection()
    away = path.rename(tmp_path / "away")
    path.mkdir()
    async with asyncio.timeout(20):
        for _ in range(2):
            with pytest.raises(DatabaseUnavailable, match="unable to open"):
                await ping_database()
            with pytest.raises(DatabaseUnavailable, match="unable to open"):
                await atomically(create_account)
        path.rmdir()
        away.rename(path)
        await atomically(create_account)


async def test_a_caller_that_is_cancelled_during_a_reconnect_blocks_no_other_caller(database: str) -> None:
    for number in range(20):
        await break_connection()
        task = asyncio.create_task(create_account())
        await asyncio.sleep(number / 10_000)
        task.cancel()
        await asyncio.wait({task})
        async with asyncio.timeout(10):
            await atomically(create_account)
