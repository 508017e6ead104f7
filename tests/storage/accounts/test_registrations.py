"""Rows of registrations: each is completed once, and their number is limited."""

import asyncio
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from storage.accounts import accounts, expired, registrations
from storage.accounts.models import Account, Registration
from storage.accounts.registrations import RegistrationLimits, RegistrationUsed
from storage.errors import Duplicate, LimitReached
from tests.storage.rows import EMAIL, LATER, NOW, new_account, new_registration, run_together

pytestmark = pytest.mark.usefixtures("database")

LIMITS = RegistrationLimits(1_000, 1_000)


async def register(**more: object) -> Registration:
    row = new_registration(**more)
    await registrations.insert(row, LIMITS, NOW)
    return await Registration.get(id=row.id)


async def test_a_registration_is_stored() -> None:
    found = await register()
    assert (found.user_id, found.name, found.password_hash) == ("ada", "Ada", "hash")
    assert (found.otp_hash, found.attempts, found.expires_at) == ("otp", 0, LATER)


async def test_several_registrations_wait_for_one_address_each_with_its_own_guesses() -> None:
    first, second = await register(), await register(user_id="countess", otp_hash="new")
    await registrations.count_attempt(first.id, 5)
    found = await registrations.count_attempt(second.id, 5)
    assert found
    assert (found.user_id, found.otp_hash, found.attempts) == ("countess", "new", 1)
    assert await Registration.filter(email=EMAIL).count() == 2


async def test_a_registration_that_is_cancelled_leaves_the_database_usable() -> None:
    for number in range(50):
        task = asyncio.create_task(register())
        await asyncio.sleep(number / 20_000)
        task.cancel()
        await asyncio.wait({task})
        async with asyncio.timeout(10):
            assert await registrations.count_attempt(uuid4(), 5) is None


async def test_guesses_are_counted_and_limited() -> None:
    row = await register()
    attempts = [await registrations.count_attempt(row.id, 3) for _ in range(5)]
    assert [found.attempts if found else None for found in attempts] == [1, 2, 3, None, None]


async def test_of_many_guesses_at_once_no_more_than_the_limit_count() -> None:
    row = await register()
    attempts = await asyncio.gather(*(registrations.count_attempt(row.id, 5) for _ in range(20)))
    assert len([found for found in attempts if found]) == 5


async def test_a_guess_that_was_right_is_taken_back_and_a_count_is_never_below_zero() -> None:
    row = await register()
    await registrations.count_attempt(row.id, 5)
    for _ in range(2):
        await registrations.take_back_attempt(row.id)
    assert (await Registration.get(id=row.id)).attempts == 0


async def test_a_new_code_replaces_the_one_before_and_leaves_the_guesses_counted() -> None:
    row = await register()
    await registrations.count_attempt(row.id, 5)
    assert await registrations.replace_code(row.id, "newer", LATER + timedelta(hours=1))
    found = await Registration.get(id=row.id)
    assert (found.otp_hash, found.attempts, found.expires_at) == ("newer", 1, LATER + timedelta(hours=1))
    assert not await registrations.replace_code(uuid4(), "newer", LATER)


async def test_a_registration_waits_until_it_has_expired_or_has_no_guess_left() -> None:
    row = await register()
    assert await registrations.find_waiting(row.id, 1, LATER)
    assert await registrations.find_waiting(row.id, 1, LATER + timedelta(seconds=1)) is None
    await registrations.count_attempt(row.id, 1)
    assert await registrations.find_waiting(row.id, 1, LATER) is None


async def test_no_attempt_counts_at_a_missing_registration() -> None:
    assert await registrations.count_attempt(uuid4(), 5) is None


async def test_a_registration_becomes_an_account() -> None:
    account = await registrations.complete(await register(), NOW)
    found = (await accounts.find_many([account.id]))[account.id]
    assert (found.user_id, found.name, found.email, found.password_hash) == ("ada", "Ada", EMAIL, "hash")
    assert await Registration.all().count() == 0


async def test_a_registration_is_completed_once() -> None:
    registration = await register()
    results = await asyncio.gather(
        *(registrations.complete(registration, NOW) for _ in range(10)), return_exceptions=True
    )
    assert [type(result) for result in results].count(RegistrationUsed) == 9
    assert await Account.all().count() == 1


async def test_a_user_id_that_was_taken_meanwhile_is_refused_and_the_registration_stays() -> None:
    registration = await register()
    await new_account("ada")
    with pytest.raises(Duplicate):
        await registrations.complete(registration, NOW)
    assert await Registration.filter(email=EMAIL).exists()


async def test_an_address_that_was_taken_meanwhile_is_refused() -> None:
    registration = await register()
    await Account.create(user_id="other", name="Other", email=EMAIL, password_hash="hash")
    with pytest.raises(Duplicate):
        await registrations.complete(registration, NOW)


#: Registers ten people from one network, of which there may be 7.
SURPLUS = """
from datetime import UTC, datetime, timedelta
from storage.accounts import registrations
from storage.errors import LimitReached
from tests.storage.rows import new_registration
async def main(name):
    moment, stored = datetime.now(UTC), 0
    for number in range(10):
        row = new_registration(email=f"{name}{number}@example.org", expires_at=moment + timedelta(hours=1))
        try:
            await registrations.insert(row, registrations.RegistrationLimits(100, 7), moment)
            stored += 1
        except LimitReached:
            pass
    print(stored)
"""


async def test_processes_that_register_at_once_stay_within_the_limit(database: str) -> None:
    counts = await run_together(database, SURPLUS, ("ada",), ("bob",))
    assert sum(map(int, counts)) == await Registration.all().count() == 7


async def test_registrations_are_limited_in_total_and_of_a_network_and_expired_ones_do_not_count() -> None:
    async def fits(network: str, total: int = 4, of_network: int = 2, expires_at: datetime = LATER) -> bool:
        try:
            row = new_registration(network=network, expires_at=expires_at)
            await registrations.insert(row, RegistrationLimits(total, of_network), NOW)
        except LimitReached:
            return False
        return True

    assert await fits("one", expires_at=NOW - timedelta(seconds=1))
    assert [await fits("one") for _ in range(3)] == [True, True, False]
    assert [await fits("two") for _ in range(3)] == [True, True, False]
    assert [await fits("three"), await fits("three", total=5)] == [False, True]


async def test_what_has_expired_is_purged() -> None:
    await register(expires_at=NOW - timedelta(microseconds=1))
    alive = await register(expires_at=NOW)
    await expired.purge(NOW)
    assert [row.id for row in await Registration.all()] == [alive.id]
