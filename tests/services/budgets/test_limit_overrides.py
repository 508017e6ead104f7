"""The cache of limit overrides, with the real database."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.budgets.limit_overrides import LimitOverrides
from services.budgets.limits import Limit
from services.core.clock import now
from storage.budgets import limit_overrides
from storage.budgets.models import GrantKind
from storage.database.connection import close_database, open_database

POINTS, INGEST, SUBSCRIPTIONS, _ = GrantKind
#: A cache lifetime that ends at once.
FORGETFUL = 0.0


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[UUID]]:
    """The accounts of each query."""
    seen: list[Sequence[UUID]] = []
    real = limit_overrides.find_many

    async def watched(account_ids: Sequence[UUID]) -> Any:
        seen.append(account_ids)
        return await real(account_ids)

    monkeypatch.setattr(limit_overrides, "find_many", watched)
    return seen


async def test_an_account_has_what_it_was_granted(ada: UUID) -> None:
    await limit_overrides.change(ada, {POINTS: (50_000, 2_500.5)}, now())
    await limit_overrides.change(ada, {SUBSCRIPTIONS: (0, None)}, now())
    overrides = LimitOverrides()
    assert await overrides.limits_of(ada) == {"account": Limit(50_000, 2_500.5)}
    assert await overrides.subscriptions_of(ada) == 0


async def test_every_kind_of_bucket_is_granted_by_its_layer(ada: UUID) -> None:
    await limit_overrides.change(ada, {POINTS: (1, 0.25)}, now())
    await limit_overrides.change(ada, {INGEST: (2**40, 2**30)}, now())
    overrides = LimitOverrides()
    assert await overrides.limits_of(ada) == {"account": Limit(1, 0.25), "ingest": Limit(2**40, 2**30)}
    assert await overrides.subscriptions_of(ada) is None


async def test_a_number_of_subscriptions_is_no_bucket(ada: UUID) -> None:
    await limit_overrides.change(ada, {SUBSCRIPTIONS: (5, None)}, now())
    assert await LimitOverrides().limits_of(ada) is None


async def test_an_answer_is_asked_for_once(ada: UUID, bob: UUID, queries: list[Sequence[UUID]]) -> None:
    await limit_overrides.change(ada, {POINTS: (1, 1)}, now())
    overrides = LimitOverrides()
    for _ in range(3):
        assert await overrides.limits_of(ada) is not None
        assert await overrides.limits_of(bob) is None
    assert queries == [[ada], [bob]]


async def test_a_change_is_seen_when_the_answer_has_lived(ada: UUID) -> None:
    overrides, other = LimitOverrides(), LimitOverrides(life=FORGETFUL)
    await asyncio.gather(overrides.limits_of(ada), other.limits_of(ada))
    await limit_overrides.change(ada, {POINTS: (1, 1)}, now())
    assert await overrides.limits_of(ada) is None
    assert await other.limits_of(ada) == {"account": Limit(1, 1)}


async def test_many_who_wait_share_one_query(ada: UUID, bob: UUID, queries: list[Sequence[UUID]]) -> None:
    await limit_overrides.change(ada, {SUBSCRIPTIONS: (1, None)}, now())
    overrides = LimitOverrides()
    answers = await asyncio.gather(*(overrides.subscriptions_of(one) for _ in range(50) for one in (ada, bob)))
    assert queries == [[ada, bob]]
    assert answers == [1, None] * 50


async def test_more_than_fit_into_a_query_are_all_answered(ada: UUID, queries: list[Sequence[UUID]]) -> None:
    await limit_overrides.change(ada, {SUBSCRIPTIONS: (1, None)}, now())
    wanted = [*(uuid4() for _ in range(limit_overrides.BATCH)), ada]
    assert (await asyncio.gather(*map(LimitOverrides().subscriptions_of, wanted)))[-1] == 1
    assert [len(query) for query in queries] == [limit_overrides.BATCH, 1]


async def test_one_who_gives_up_does_not_take_the_others_answer(ada: UUID) -> None:
    overrides = LimitOverrides()
    impatient, patient = (asyncio.create_task(overrides.limits_of(ada)) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient is None
    assert impatient.cancelled()


async def test_no_more_accounts_are_known_than_is_allowed(database: str, queries: list[Sequence[UUID]]) -> None:
    overrides, accounts = LimitOverrides(max_entries=10), [uuid4() for _ in range(30)]
    await asyncio.gather(*map(overrides.limits_of, accounts))
    await asyncio.gather(*map(overrides.limits_of, accounts[-10:]))
    assert len(queries) == 1
    await overrides.limits_of(accounts[0])
    assert len(queries) == 2


async def test_without_the_database_the_settings_hold_and_what_was_known(
    ada: UUID, bob: UUID, database: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.budgets.limit_overrides.RETRY_SECONDS", 0.0)
    await limit_overrides.change(ada, {POINTS: (1, 1)}, now())
    overrides = LimitOverrides(life=FORGETFUL)
    await overrides.limits_of(ada)
    await close_database()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert await overrides.limits_of(ada) == {"account": Limit(1, 1)}
            assert await overrides.limits_of(bob) is None
    assert [record.name for record in caplog.records] == ["cloudkeep.grants"]
    await open_database(database)
    await limit_overrides.change(bob, {POINTS: (2, 2)}, now())
    assert await overrides.limits_of(bob) == {"account": Limit(2, 2)}


async def test_a_database_that_is_away_is_not_asked_for_every_reservation(
    ada: UUID, queries: list[Sequence[UUID]]
) -> None:
    await close_database()
    overrides = LimitOverrides()
    for _ in range(3):
        assert await overrides.limits_of(ada) is None
    assert len(queries) == 1
