"""Rows of sessions: a refresh token is swapped once, and the number of sessions is limited."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from storage.accounts import expired, sessions
from storage.accounts.models import Account, Session
from storage.database.connection import atomically
from tests.storage.rows import LATER, NOW, new_account, run_together, session_of

pytestmark = pytest.mark.usefixtures("database")


async def new_session(expires_at: datetime = LATER) -> Session:
    return await inserted(session_of(await new_account(), expires_at))


async def inserted(row: Session) -> Session:
    await sessions.insert(row)
    return row


async def test_a_session_is_found_with_its_account() -> None:
    session = await new_session()
    found = await sessions.find(session.id)
    assert found
    assert (found.account.id, found.refresh_hash, found.expires_at) == (session.account_id, "first", LATER)
    assert found.rotated_at is None
    assert await sessions.find(uuid4()) is None


async def test_a_refresh_token_is_swapped_for_the_next() -> None:
    session = await new_session()
    assert await sessions.rotate(session.id, "first", "second", NOW, LATER + timedelta(days=1))
    found = await Session.get(id=session.id)
    assert (found.refresh_hash, found.rotated_at, found.expires_at) == ("second", NOW, LATER + timedelta(days=1))


async def test_a_refresh_token_is_swapped_once_and_its_moment_is_the_one_that_is_kept() -> None:
    session = await new_session()
    moments = [NOW + timedelta(seconds=number) for number in range(10)]
    swaps = [sessions.rotate(session.id, "first", str(moment), moment, LATER) for moment in moments]
    results = await asyncio.gather(*swaps)
    assert results.count(True) == 1
    found = await Session.get(id=session.id)
    first = moments[results.index(True)]
    assert (found.refresh_hash, found.rotated_at) == (str(first), first)


async def test_the_token_of_another_session_swaps_nothing() -> None:
    one, other = await new_session(), await new_session()
    await sessions.rotate(other.id, "first", "second", NOW, LATER)
    assert not await sessions.rotate(one.id, "second", "third", NOW, LATER)


async def test_a_closed_session_is_gone() -> None:
    session, other = await new_session(), await new_session()
    await sessions.close(session.id)
    await sessions.close(session.id)
    assert await sessions.find(session.id) is None
    assert not await sessions.rotate(session.id, "first", "second", NOW, LATER)
    assert await sessions.find(other.id)


@pytest.mark.parametrize("limit", [1, 3])
async def test_one_session_too_many_closes_those_that_were_idle_for_longest(limit: int) -> None:
    ada = await new_account()
    opened = [await inserted(session_of(ada, LATER + timedelta(hours=hour))) for hour in range(5)]
    other = await new_session()
    await sessions.rotate(opened[0].id, "first", "second", NOW, LATER + timedelta(days=9))
    last = session_of(ada, LATER + timedelta(days=10))
    closed = await sessions.insert(last, limit)
    newest = [last.id, opened[0].id, opened[4].id][:limit]
    assert {row.id for row in await Session.filter(account=ada)} == set(newest)
    assert set(closed) == {row.id for row in opened} - set(newest)
    assert await sessions.find(other.id)


#: Opens ten sessions of an account that may have three.
SIGN_INS = """
from datetime import UTC, datetime, timedelta
from uuid import UUID
from storage.accounts import sessions
from storage.accounts.models import Account
from storage.database.connection import atomically
from tests.storage.rows import session_of
async def main(account_id):
    account = await Account.get(id=UUID(account_id))
    for _ in range(10):
        await sessions.insert(session_of(account, datetime.now(UTC) + timedelta(days=1)), 3)
    print("done")
"""


async def test_processes_that_sign_in_at_once_stay_within_the_limit(database: str) -> None:
    ada = await new_account()
    await run_together(database, SIGN_INS, *[(str(ada.id),)] * 2)
    assert await Session.all().count() == 3


async def test_what_has_expired_is_purged() -> None:
    late, alive = await new_session(NOW - timedelta(microseconds=1)), await new_session(NOW)
    await expired.purge(NOW)
    assert await sessions.find(late.id) is None
    assert await sessions.find(alive.id)
    assert await Account.all().count() == 2


async def test_every_session_of_an_account_is_closed_but_the_one_to_keep() -> None:
    ada, other = await new_account(), await new_session()
    opened = [await inserted(session_of(ada)) for _ in range(4)]
    closed = await sessions.close_all(ada.id, kept=opened[1].id)
    assert set(closed) == {row.id for row in opened} - {opened[1].id}
    assert {row.id for row in await Session.all()} == {opened[1].id, other.id}
    assert await sessions.close_all(ada.id) == [opened[1].id]
    assert await sessions.find(other.id)


async def test_sessions_stay_open_if_the_change_that_closes_them_is_undone() -> None:
    session = await new_session()

    async def change() -> None:
        await sessions.close_all(session.account_id)
        raise ValueError("undone")

    with pytest.raises(ValueError, match="undone"):
        await atomically(change)
    assert await sessions.find(session.id)


async def test_a_sign_in_with_the_old_password_does_not_outlive_a_change_of_it() -> None:
    for number in range(10):
        ada = await new_account(f"ada{number}")

        async def change(ada: Account = ada, at: datetime = NOW + timedelta(hours=number)) -> None:
            await Account.filter(id=ada.id).update(password_changed_at=at)
            await sessions.close_all(ada.id)

        async def sign_in(ada: Account = ada) -> None:
            with suppress(sessions.AccountChanged):
                await sessions.insert(session_of(ada), account=ada)

        await asyncio.gather(sign_in(), atomically(change), sign_in(), sign_in())
        assert await Session.filter(account_id=ada.id).count() == 0


async def test_open_sessions_are_those_that_have_not_reached_any_of_their_limits() -> None:
    second = timedelta(seconds=1)
    idle, ended, old = await new_session(NOW - second), await new_session(), await new_session()
    alive, disabled = await new_session(), await new_session()
    await Session.filter(id=ended.id).update(ends_at=NOW - second)
    await Session.filter(id=old.id).update(created_at=NOW - timedelta(days=180) - second)
    await Session.filter(id__in=[alive.id, disabled.id]).update(ends_at=NOW)
    await Account.filter(id=disabled.account_id).update(disabled_at=NOW)
    keys = [row.id for row in (idle, ended, old, alive, disabled)]
    assert await sessions.find_open([*keys, uuid4()], NOW, NOW - timedelta(days=180)) == {alive.id}
    assert await sessions.find_open([], NOW, NOW) == set()
