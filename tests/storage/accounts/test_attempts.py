"""Attempts are limited for each address and hour, exactly and in every process, and are counted in advance."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from storage.accounts import attempts
from storage.accounts.attempts import WINDOW, AttemptKind, Refused
from storage.accounts.models import Attempt
from tests.storage.rows import NOW, run_together

pytestmark = pytest.mark.usefixtures("database")

SECOND = timedelta(seconds=1)


async def count(
    moment: datetime = NOW,
    *,
    kind: AttemptKind = AttemptKind.MAIL,
    subject: str = "ada",
    limit: int = 3,
    always: bool = False,
) -> UUID | Refused:
    return await attempts.count(kind, subject, limit, moment, always=always)


async def test_the_attempt_after_the_limit_is_refused_until_the_oldest_is_an_hour_old() -> None:
    for seconds in range(3):
        assert isinstance(await count(NOW + seconds * SECOND), UUID)
    assert await count(NOW + 5 * SECOND) == Refused(until=NOW + WINDOW)
    assert isinstance(await count(NOW + WINDOW), UUID)
    assert await count(NOW + WINDOW) == Refused(until=NOW + SECOND + WINDOW)


async def test_a_refused_attempt_does_not_prolong_the_wait() -> None:
    for _ in range(20):
        await count()
    assert await Attempt.all().count() == 3


async def test_each_address_and_each_kind_has_its_own_count() -> None:
    for _ in range(3):
        await count()
    assert isinstance(await count(subject="bob"), UUID)
    assert isinstance(await count(kind=AttemptKind.OTP), UUID)


async def test_an_attempt_that_is_always_allowed_counts_all_the_same() -> None:
    for _ in range(4):
        assert isinstance(await count(always=True), UUID)
    assert isinstance(await count(), Refused)


async def test_an_attempt_that_was_removed_does_not_count() -> None:
    first, *_ = [await count() for _ in range(3)]
    assert isinstance(first, UUID)
    await attempts.remove(first)
    assert isinstance(await count(), UUID)
    assert isinstance(await count(), Refused)


async def test_attempts_of_a_clock_that_was_far_ahead_refuse_nothing() -> None:
    for _ in range(3):
        await count(NOW + timedelta(days=365))
    assert isinstance(await count(), UUID)


async def test_of_many_attempts_at_once_the_limit_succeeds() -> None:
    results = await asyncio.gather(*(count(limit=5) for _ in range(20)))
    assert sum(isinstance(result, UUID) for result in results) == 5


#: Counts ten attempts, of which the hour has room for 7.
TEN = """
from datetime import UTC, datetime
from uuid import UUID
from storage.accounts import attempts
async def main(name):
    moment = datetime.now(UTC)
    found = [await attempts.count(attempts.AttemptKind.OTP, "ada", 7, moment) for _ in range(10)]
    print(sum(isinstance(one, UUID) for one in found))
"""


async def test_processes_that_count_at_once_stay_within_the_limit(database: str) -> None:
    counts = await run_together(database, TEN, ("one",), ("two",))
    assert sum(map(int, counts)) == 7


async def test_attempts_that_no_longer_count_are_purged() -> None:
    await count(NOW - WINDOW)
    await count(NOW + WINDOW)
    await count(NOW)
    await attempts.purge(NOW)
    assert [row.at for row in await Attempt.all()] == [NOW]
