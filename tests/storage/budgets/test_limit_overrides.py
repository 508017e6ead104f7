"""Rows of grants."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from tortoise.exceptions import BaseORMException

from storage.accounts.models import Account
from storage.budgets import limit_overrides
from storage.budgets.models import NO_LIMIT, Grant, GrantKind

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
async def ada(database: str) -> UUID:
    return await an_account("ada")


async def an_account(name: str) -> UUID:
    return (await Account.create(user_id=name, name=name, email=f"{name}@example.org", password_hash="-")).id


async def test_what_was_granted_is_found_by_account(ada: UUID) -> None:
    await limit_overrides.change(ada, {GrantKind.POINTS: (2**53, 0.25)}, NOW)
    await limit_overrides.change(ada, {GrantKind.SUBSCRIPTIONS: (7, None)}, NOW)
    bob = await an_account("bob")
    assert sorted(await limit_overrides.find_many([bob, ada, uuid4()])) == [
        (ada, GrantKind.POINTS, 2**53, 0.25),
        (ada, GrantKind.SUBSCRIPTIONS, 7, None),
    ]


async def test_the_quota_of_an_account_is_the_granted_one_or_the_default(ada: UUID) -> None:
    assert [await limit_overrides.quota_of(ada, default) for default in (5, None)] == [5, None]
    await limit_overrides.change(ada, {GrantKind.QUOTA: (2**53, None), GrantKind.SUBSCRIPTIONS: (7, None)}, NOW)
    assert [await limit_overrides.quota_of(ada, default) for default in (5, None)] == [2**53, 2**53]
    await limit_overrides.change(ada, {GrantKind.QUOTA: (NO_LIMIT, None)}, NOW)
    assert await limit_overrides.quota_of(ada, 5) is None
    assert await limit_overrides.quota_of(await an_account("bob"), 5) == 5


async def test_a_grant_replaces_the_older_one_of_its_kind(ada: UUID) -> None:
    for capacity in (1, 2):
        await limit_overrides.change(ada, {GrantKind.INGEST: (capacity, capacity)}, NOW + timedelta(days=capacity))
    (row,) = await limit_overrides.find_all()
    assert (row.capacity, row.refill, row.updated_at) == (2, 2.0, NOW + timedelta(days=2))


async def test_only_the_kinds_that_are_named_are_taken_away(ada: UUID) -> None:
    await limit_overrides.change(ada, dict.fromkeys(GrantKind, (1, None)), NOW)
    await limit_overrides.change(ada, {GrantKind.POINTS: None, GrantKind.INGEST: None}, NOW)
    assert {row.kind for row in await limit_overrides.find_all(ada)} == {GrantKind.SUBSCRIPTIONS, GrantKind.QUOTA}


async def test_all_kinds_are_changed_or_none(ada: UUID) -> None:
    await limit_overrides.change(ada, {GrantKind.POINTS: (1, 1), GrantKind.SUBSCRIPTIONS: (1, None)}, NOW)
    too_large = 2**70
    changes = {GrantKind.POINTS: (2, 2), GrantKind.SUBSCRIPTIONS: None, GrantKind.INGEST: (too_large, 1)}
    with pytest.raises((OverflowError, BaseORMException)):
        await limit_overrides.change(ada, changes, NOW)
    rows = await limit_overrides.find_all(ada)
    assert [(row.kind, row.capacity) for row in rows] == [(GrantKind.POINTS, 1), (GrantKind.SUBSCRIPTIONS, 1)]


async def test_as_many_accounts_are_looked_up_at_once_as_is_said(ada: UUID) -> None:
    await limit_overrides.change(ada, {GrantKind.POINTS: (1, 1)}, NOW)
    wanted = [*(uuid4() for _ in range(limit_overrides.BATCH - 1)), ada]
    assert [row.account_id for row in await limit_overrides.find_many(wanted)] == [ada]


async def test_grants_go_with_their_account(ada: UUID) -> None:
    await limit_overrides.change(ada, {GrantKind.POINTS: (1, 1)}, NOW)
    await Account.filter(id=ada).delete()
    assert await Grant.all().count() == 0
