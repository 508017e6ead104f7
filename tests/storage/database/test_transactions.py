"""Transactions, and statements outside of them, when callers are cancelled or fail."""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from contextlib import closing, suppress
from itertools import count
from uuid import uuid4

import pytest
from tortoise.exceptions import IntegrityError, OperationalError

from storage.accounts import accounts, registrations
from storage.accounts.models import Account
from storage.accounts.registrations import RegistrationLimits
from storage.database.connection import (
    atomically,
    close_database,
    execute_many,
    fetch,
    fetch_in_transaction,
    open_database,
)
from tests.storage.rows import NOW, new_registration
from tests.support.faults.cancelling import is_cancelled_at

CANCELLATIONS = 20


async def create_account(name: str) -> Account:
    return await Account.create(user_id=name, name=name, email=name, password_hash="hash")


async def test_a_transaction_returns_what_its_work_returns(database: str) -> None:
    account = await atomically(lambda: create_account("ada"))
    assert await Account.filter(id=account.id).exists()


async def test_work_that_fails_leaves_nothing(database: str) -> None:
    async def work() -> None:
        await create_account("ada")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await atomically(work)
    assert await Account.all().count() == 0


async def test_others_do_not_see_a_transaction_before_its_end(database: str) -> None:
    async def work() -> None:
        await create_account("ada")
        started.set()
        await asyncio.sleep(0.05)
        raise ZeroDivisionError

    started = asyncio.Event()
    task = asyncio.create_task(atomically(work))
    await started.wait()
    assert not await accounts.user_id_exists("ada")
    await asyncio.wait({task})
    assert isinstance(task.exception(), ZeroDivisionError)


async def test_a_query_does_not_wait_for_a_transaction_but_its_own_see_what_it_wrote(
    database: str,
) -> None:
    async def work() -> int:
        await create_account("ada")
        started.set()
        await go.wait()
        return await Account.all().count()

    started, go = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(atomically(work))
    await started.wait()
    assert await Account.all().count() == 0
    assert await fetch("SELECT COUNT(*) FROM account") == [(0,)]
    go.set()
    assert await task == 1
    assert await Account.all().count() == 1


async def test_what_was_written_is_seen_by_the_next_question(database: str) -> None:
    for number in range(50):
        await create_account(str(number))
        assert await accounts.user_id_exists(str(number))


async def test_statements_that_run_together_are_done_or_undone_together(database: str) -> None:
    account = await create_account("ada")
    rename = "UPDATE account SET name = ? WHERE id = ? RETURNING name"
    no_row = (rename, ("nobody", uuid4()))
    assert await fetch_in_transaction((rename, ("one", account.id))) == [("one",)]
    assert await fetch_in_transaction((rename, ("two", account.id)), no_row) == []
    with pytest.raises(OperationalError):
        await fetch_in_transaction((rename, ("three", account.id)), ("no statement", ()))
    assert await fetch("SELECT name FROM account") == [("one",)]


async def test_of_many_rows_that_are_written_at_once_a_wrong_one_undoes_all(database: str) -> None:
    ada, grace = await create_account("ada"), await create_account("grace")
    with pytest.raises(IntegrityError):
        await execute_many("UPDATE account SET email = ? WHERE id = ?", [("new", ada.id), ("new", grace.id)])
    assert sorted(account.email for account in await Account.all()) == ["ada", "grace"]


async def test_a_write_beside_a_transaction_that_fails_is_kept(database: str) -> None:
    async def work() -> None:
        await create_account("ada")
        started.set()
        await asyncio.sleep(0.05)
        raise ZeroDivisionError

    started = asyncio.Event()
    task = asyncio.create_task(atomically(work))
    await started.wait()
    await create_account("grace")
    await asyncio.wait({task})
    assert isinstance(task.exception(), ZeroDivisionError)
    assert [account.user_id for account in await Account.all()] == ["grace"]


@pytest.mark.sqlite
async def test_a_transaction_may_read_before_it_writes_even_if_others_want_to_write(database: str) -> None:
    async def work() -> None:
        await Account.all().count()
        with closing(sqlite3.connect(path, timeout=0)) as other, suppress(sqlite3.OperationalError), other:
            other.execute("UPDATE account SET name = 'another'")
        await create_account("grace")

    path = database.removeprefix("sqlite://")
    await create_account("ada")
    await atomically(work)
    assert [account.name for account in await Account.all().order_by("name")] == ["ada", "grace"]


async def test_a_transaction_ends_although_its_caller_was_cancelled(database: str) -> None:
    started, go = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await create_account("ada")
        started.set()
        await go.wait()
        await create_account("grace")

    task = asyncio.create_task(atomically(work))
    await started.wait()
    task.cancel()
    await asyncio.sleep(0)
    go.set()
    await asyncio.wait({task})
    assert task.cancelled()
    assert await Account.all().count() == 2


async def test_a_caller_that_is_cancelled_twice_lets_the_transaction_end_too(database: str) -> None:
    started, go = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        started.set()
        await go.wait()
        await create_account("ada")

    task = asyncio.create_task(atomically(work))
    await started.wait()
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(0)
    go.set()
    await asyncio.wait({task})
    async with asyncio.timeout(30):
        await create_account("grace")
    assert await Account.all().count() == 2


Operation = Callable[[str], Coroutine[None, None, object]]
OPERATIONS: list[Operation] = [
    lambda name: atomically(lambda: create_account(name)),
    create_account,
    accounts.user_id_exists,
]


async def cancelled_after(seconds: float, operation: Coroutine[None, None, object]) -> None:
    task = asyncio.create_task(operation)
    await asyncio.sleep(seconds)
    task.cancel()
    await asyncio.wait({task})


@pytest.mark.parametrize("operation", OPERATIONS, ids=["transaction", "write", "read"])
async def test_the_connection_is_usable_wherever_a_caller_was_cancelled(
    database_url: str, operation: Operation
) -> None:
    """From before the first connection on: whatever step the cancellation hits, no caller waits for ever."""
    for number in range(CANCELLATIONS):
        await open_database(database_url)
        for later in range(5):
            await cancelled_after((5 * number + later) / 20_000, operation(uuid4().hex))
            async with asyncio.timeout(10):
                await create_account(f"after-{number}-{later}")
        await close_database()


async def register(name: str) -> None:
    await registrations.insert(new_registration(email=name), RegistrationLimits(1_000, 1_000), NOW)


async def write_many(name: str) -> None:
    await execute_many("UPDATE account SET name = ? WHERE id = ?", [(name, uuid4()), (name, uuid4())])


EVERY = [*OPERATIONS, register, write_many]


@pytest.mark.parametrize("operation", EVERY, ids=["transaction", "write", "read", "upsert", "many"])
async def test_whatever_step_a_caller_is_cancelled_at_what_is_written_next_is_committed(
    database: str, operation: Operation
) -> None:
    for step in count():
        was_cancelled = await is_cancelled_at(step, operation(uuid4().hex))
        async with asyncio.timeout(30):
            await create_account(f"after-{step}")
        # Reads use another connection, so they see only committed rows.
        assert await accounts.user_id_exists(f"after-{step}")
        if not was_cancelled:
            break
    assert step > 0
