"""Transactions that lock an account first."""

import asyncio

import pytest

from storage.accounts import accounts
from storage.accounts.models import Account
from storage.database.connection import close_database, open_database
from storage.database.engine import PoolSize
from tests.storage.rows import new_account


@pytest.fixture
async def few_connections(database: str) -> None:
    """Only two connections for writing, where there are more than one."""
    await close_database()
    await open_database(database, PoolSize(1, 2))


@pytest.mark.postgres
@pytest.mark.usefixtures("few_connections")
async def test_changes_of_one_account_that_wait_take_no_connections_from_others() -> None:
    busy, other = await new_account(), await new_account()
    is_locked, may_end = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        is_locked.set()
        await may_end.wait()

    async def rename(account: Account) -> None:
        await Account.filter(id=account.id).update(name="new")

    holding = asyncio.create_task(accounts.locked(busy.id, hold))
    await is_locked.wait()
    waiting = [asyncio.create_task(accounts.locked(busy.id, lambda: rename(busy))) for _ in range(5)]
    # A task, so that it starts after the others.
    await asyncio.wait_for(asyncio.create_task(accounts.locked(other.id, lambda: rename(other))), 5)
    assert not any(task.done() for task in waiting)
    may_end.set()
    await asyncio.gather(holding, *waiting)
    assert {account.name for account in await Account.all()} == {"new"}


@pytest.mark.usefixtures("database")
async def test_the_lock_is_free_again_after_an_error() -> None:
    account = await new_account()

    async def fail() -> None:
        raise ValueError

    async def succeed() -> bool:
        return True

    for _ in range(2):
        with pytest.raises(ValueError):  # noqa: PT011 - it is raised above
            await accounts.locked(account.id, fail)
    assert await accounts.locked(account.id, succeed)
