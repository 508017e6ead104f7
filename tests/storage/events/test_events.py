"""The log of events: numbers without gaps, in the order of commits, on both databases."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest

from storage.accounts import accounts
from storage.database.connection import atomically, close_database, open_database
from storage.database.engine import PoolSize
from storage.events import events
from storage.events.events import NewEvent, record
from storage.events.models import Event, EventKind
from tests.storage.rows import NOW, new_account, run_together

DAY = timedelta(days=1)
WRITERS = 3
CHANGES = 16
#: Another process with writers of its own.
SCRIPT = """
from uuid import UUID
from tests.storage.events.test_events import write_all
async def main(account_id):
    await write_all(UUID(account_id))
"""


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[str]:
    """A pool that lets all writers and the reader work at the same time, where the database can."""
    await open_database(database_url, PoolSize(WRITERS + 1, WRITERS + 1))
    yield database_url
    await close_database()


def created(count: int = 1) -> list[NewEvent]:
    return [NewEvent(EventKind.CREATED, uuid4(), {"name": 'ä "', "kind": "FILE"}) for _ in range(count)]


async def add(account_id: UUID, new: list[NewEvent], at: datetime = NOW) -> int:
    async def work() -> int:
        await accounts.lock(account_id)
        return await record(account_id, new, at)

    return await atomically(work)


class Undone(Exception):
    """Rolls a transaction back."""


async def write_all(account_id: UUID) -> None:
    """Many transactions of several writers, of which some are rolled back, and some end long after their events."""

    async def change(number: int) -> None:
        await accounts.lock(account_id)
        await record(account_id, created(1 + number % 3), NOW)
        await asyncio.sleep(random.uniform(0, 0.003))
        if number % 5 == 0:
            raise Undone

    async def writer() -> None:
        for number in range(CHANGES):
            with suppress(Undone):
                await atomically(partial(change, number))

    await asyncio.gather(*(writer() for _ in range(WRITERS)))


async def numbers(account_id: UUID, seq: int = 0, limit: int = 10_000) -> list[int]:
    return [event.seq for event in await events.since(account_id, seq, limit)]


async def test_events_have_the_order_and_the_facts_with_which_they_were_stored(database: str) -> None:
    account = await new_account()
    new = created(3)
    assert await add(account.id, new) == 3
    assert await add(account.id, created()) == 4
    found = await events.since(account.id, 1, 3)
    assert [event.seq for event in found] == [1, 2, 3]
    assert [(event.kind, event.item_id, event.facts, event.at) for event in found] == [
        (EventKind.CREATED, one.item_id, one.facts, NOW) for one in new
    ]


async def test_a_transaction_without_an_event_takes_no_number(database: str) -> None:
    account = await new_account()
    assert await add(account.id, []) == 0
    assert await add(account.id, created()) == 1
    assert await events.newest_numbers([account.id, uuid4()]) == {account.id: 1}


async def test_accounts_count_their_events_apart(database: str) -> None:
    ada, bob = await new_account(), await new_account()
    await add(ada.id, created(2))
    await add(bob.id, created())
    assert (await numbers(ada.id), await numbers(bob.id)) == ([1, 2], [1])
    assert await events.newest_numbers([ada.id, bob.id]) == {ada.id: 2, bob.id: 1}


async def test_the_newest_event_is_that_of_the_account(database: str) -> None:
    ada, bob = await new_account(), await new_account()
    assert await events.newest(ada.id) is None
    await add(ada.id, created(2))
    await add(bob.id, created(3))
    newest = await events.newest(ada.id)
    assert newest
    assert (newest.account_id, newest.seq) == (ada.id, 2)


async def test_no_reader_misses_an_event_of_parallel_writers_in_two_processes(pool: str) -> None:
    """A reader who has seen a number finds all smaller ones, at any moment: their transactions committed before."""
    account = await new_account()
    writing = asyncio.create_task(run_together(pool, SCRIPT, (str(account.id),)))
    here = asyncio.create_task(write_all(account.id))
    seen: list[int] = []
    polls = 0
    while not (writing.done() and here.done()):
        seen += await numbers(account.id, len(seen) + 1, 7)
        assert seen == list(range(1, len(seen) + 1))
        polls += 1
        await asyncio.sleep(0)
    await writing
    await here
    seen += await numbers(account.id, len(seen) + 1)
    stored = sum(1 + number % 3 for number in range(CHANGES) if number % 5) * 2 * WRITERS
    assert seen == list(range(1, stored + 1))
    assert polls > 10


async def test_a_purge_deletes_old_events_but_never_the_newest_of_an_account(database: str) -> None:
    ada, bob = await new_account(), await new_account()
    await add(ada.id, created(3), NOW - 2 * DAY)
    await add(bob.id, created(2), NOW - 2 * DAY)
    await add(bob.id, created(2))
    assert await events.purge(NOW - DAY) == 4
    assert (await numbers(ada.id), await numbers(bob.id)) == ([3], [3, 4])
    assert await events.purge(NOW - DAY) == 0


async def test_a_purge_deletes_a_batch_at_a_time(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "BATCH", 2)
    account = await new_account()
    await add(account.id, created(4), NOW - 2 * DAY)
    assert [await events.purge(NOW) for _ in range(3)] == [2, 1, 0]
    assert await Event.all().count() == 1


async def test_those_who_listen_are_called_after_a_commit_and_not_after_a_rollback(database: str) -> None:
    account, undone = await new_account(), await new_account()
    called: list[tuple[UUID, bool]] = []
    in_transaction = False

    async def change(account_id: UUID, *, fails: bool = False) -> None:
        nonlocal in_transaction
        in_transaction = True
        await accounts.lock(account_id)
        await record(account_id, created(), NOW)
        in_transaction = False
        if fails:
            raise Undone

    with events.listening(lambda account_id: called.append((account_id, in_transaction))):
        await atomically(partial(change, account.id))
        with suppress(Undone):
            await atomically(partial(change, undone.id, fails=True))
        assert called == [(account.id, False)]
    await atomically(partial(change, account.id))
    assert called == [(account.id, False)]
