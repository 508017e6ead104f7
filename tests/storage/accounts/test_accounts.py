"""Rows of accounts, registrations and sessions: single-use items are used once."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from storage.accounts import accounts
from storage.accounts.models import Account, Registration, Session
from storage.errors import Duplicate, LimitReached
from tests.storage.rows import LATER, NOW, new_account, run_together

pytestmark = pytest.mark.usefixtures("database")

EMAIL = "ada@example.org"
#: Registers the same few people again and again, beside another process that does the same.
REGISTRAR = """
from datetime import UTC, datetime
from storage.accounts import accounts
async def main(name):
    for number in range(150):
        await accounts.save_registration(
            email=f"{number % 3}@example.org", user_id=name, name=name, password_hash="hash", otp_hash="otp",
            expires_at=datetime.now(UTC),
        )
"""


async def register(**more: Any) -> Registration:
    given = {"user_id": "ada", "name": "Ada", "password_hash": "hash", "otp_hash": "otp", "expires_at": LATER}
    await accounts.save_registration(email=EMAIL, **{**given, **more})
    return await Registration.get(email=EMAIL)


async def new_session(expires_at: Any = LATER) -> Session:
    account = await new_account()
    return await accounts.open_session(uuid4(), account.id, "first", expires_at)


# Registrations


async def test_a_registration_is_stored() -> None:
    found = await register()
    assert (found.user_id, found.name, found.password_hash) == ("ada", "Ada", "hash")
    assert (found.otp_hash, found.attempts, found.expires_at) == ("otp", 0, LATER)


async def test_a_registration_replaces_the_older_one_for_its_address() -> None:
    await register()
    await accounts.count_attempt(EMAIL, 5)
    found = await register(user_id="countess", otp_hash="new", expires_at=LATER + timedelta(days=1))
    assert (found.user_id, found.otp_hash, found.attempts) == ("countess", "new", 0)
    assert found.expires_at == LATER + timedelta(days=1)
    assert await Registration.all().count() == 1


async def test_the_last_of_many_registrations_at_once_stays_whole() -> None:
    people = [f"person-{number}" for number in range(10)]
    await asyncio.gather(*(register(user_id=person, otp_hash=person) for person in people))
    found = await Registration.get(email=EMAIL)
    assert found.user_id == found.otp_hash
    assert await Registration.all().count() == 1


async def test_processes_may_register_the_same_people(database: str) -> None:
    await run_together(database, REGISTRAR, ("one",), ("other",))
    assert await Registration.all().count() == 3


async def test_a_registration_that_is_cancelled_leaves_the_database_usable() -> None:
    for number in range(50):
        task = asyncio.create_task(register())
        await asyncio.sleep(number / 20_000)
        task.cancel()
        await asyncio.wait({task})
        async with asyncio.timeout(10):
            assert await accounts.count_attempt("nobody@example.org", 5) is None


# One-time passwords


async def test_guesses_are_counted_and_limited() -> None:
    await register()
    attempts = [await accounts.count_attempt(EMAIL, 3) for _ in range(5)]
    assert [found.attempts if found else None for found in attempts] == [1, 2, 3, None, None]


async def test_of_many_guesses_at_once_no_more_than_the_limit_count() -> None:
    await register()
    attempts = await asyncio.gather(*(accounts.count_attempt(EMAIL, 5) for _ in range(20)))
    assert len([found for found in attempts if found]) == 5


async def test_no_attempt_counts_at_a_missing_registration() -> None:
    assert await accounts.count_attempt(EMAIL, 5) is None


# Accounts


async def test_a_registration_becomes_an_account() -> None:
    account = await accounts.complete_registration(await register())
    found = (await accounts.find_many([account.id]))[account.id]
    assert (found.user_id, found.name, found.email, found.password_hash) == ("ada", "Ada", EMAIL, "hash")
    assert await Registration.all().count() == 0


async def test_a_registration_is_completed_once() -> None:
    registration = await register()
    results = await asyncio.gather(
        *(accounts.complete_registration(registration) for _ in range(10)), return_exceptions=True
    )
    assert [type(result) for result in results].count(Duplicate) == 9
    assert await Account.all().count() == 1


async def test_a_registration_that_was_replaced_is_not_completed() -> None:
    old = await register()
    await register(otp_hash="new")
    with pytest.raises(Duplicate):
        await accounts.complete_registration(old)
    assert await Account.all().count() == 0


async def test_a_user_id_that_was_taken_meanwhile_is_refused_and_the_registration_stays() -> None:
    registration = await register()
    await new_account("ada")
    with pytest.raises(Duplicate):
        await accounts.complete_registration(registration)
    assert await Registration.filter(email=EMAIL).exists()


async def test_an_address_that_was_taken_meanwhile_is_refused() -> None:
    registration = await register()
    await Account.create(user_id="other", name="Other", email=EMAIL, password_hash="hash")
    with pytest.raises(Duplicate):
        await accounts.complete_registration(registration)


async def test_accounts_are_found_by_what_is_unique() -> None:
    account = await new_account("ada")
    assert await accounts.user_id_exists("ada")
    assert not await accounts.user_id_exists("Ada")
    assert await accounts.email_exists(EMAIL)
    assert not await accounts.email_exists("ada")
    found = await accounts.find_by_user_id("ada")
    assert found
    assert found.id == account.id
    assert await accounts.find_by_user_id("nobody") is None
    assert await accounts.find_many([uuid4()]) == {}


# Sessions


async def test_a_session_is_found_with_its_account() -> None:
    session = await new_session()
    found = await accounts.find_session(session.id)
    assert found
    assert (found.account.id, found.refresh_hash, found.expires_at) == (session.account_id, "first", LATER)
    assert found.rotated_at is None
    assert await accounts.find_session(uuid4()) is None


async def test_a_refresh_token_is_swapped_for_the_next() -> None:
    session = await new_session()
    assert await accounts.rotate_session(session.id, "first", "second", NOW, LATER + timedelta(days=1))
    found = await Session.get(id=session.id)
    assert (found.refresh_hash, found.rotated_at, found.expires_at) == ("second", NOW, LATER + timedelta(days=1))


async def test_a_refresh_token_is_swapped_once_and_its_moment_is_the_one_that_is_kept() -> None:
    session = await new_session()
    moments = [NOW + timedelta(seconds=number) for number in range(10)]
    swaps = [accounts.rotate_session(session.id, "first", str(moment), moment, LATER) for moment in moments]
    results = await asyncio.gather(*swaps)
    assert results.count(True) == 1
    found = await Session.get(id=session.id)
    first = moments[results.index(True)]
    assert (found.refresh_hash, found.rotated_at) == (str(first), first)


async def test_the_token_of_another_session_swaps_nothing() -> None:
    one, other = await new_session(), await new_session()
    await accounts.rotate_session(other.id, "first", "second", NOW, LATER)
    assert not await accounts.rotate_session(one.id, "second", "third", NOW, LATER)


async def test_a_closed_session_is_gone() -> None:
    session, other = await new_session(), await new_session()
    await accounts.close_session(session.id)
    await accounts.close_session(session.id)
    assert await accounts.find_session(session.id) is None
    assert not await accounts.rotate_session(session.id, "first", "second", NOW, LATER)
    assert await accounts.find_session(other.id)


@pytest.mark.parametrize("limit", [1, 3])
async def test_one_session_too_many_closes_those_that_were_idle_for_longest(limit: int) -> None:
    ada = await new_account()
    opened = [await accounts.open_session(uuid4(), ada.id, "x", LATER + timedelta(hours=hour)) for hour in range(5)]
    other = await new_session()
    await accounts.rotate_session(opened[0].id, "x", "y", NOW, LATER + timedelta(days=9))
    last = await accounts.open_session(uuid4(), ada.id, "x", LATER + timedelta(days=10), limit)
    newest = [last.id, opened[0].id, opened[4].id][:limit]
    assert {row.id for row in await Session.filter(account=ada)} == set(newest)
    assert await accounts.find_session(other.id)


#: Registers ten people from one network, of which there may be 7.
SURPLUS = """
from datetime import UTC, datetime, timedelta
from storage.accounts import accounts
from storage.errors import LimitReached
async def main(name):
    moment, stored = datetime.now(UTC), 0
    for number in range(10):
        try:
            await accounts.save_registration(
                email=f"{name}{number}@example.org", user_id=name, name=name, password_hash="hash", otp_hash="otp",
                expires_at=moment + timedelta(hours=1), network="192.0.2.1",
                limits=accounts.RegistrationLimits(100, 7), now=moment,
            )
            stored += 1
        except LimitReached:
            pass
    print(stored)
"""
#: Opens ten sessions of an account that may have three.
SIGN_INS = """
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4
from storage.accounts import accounts
async def main(account_id):
    for _ in range(10):
        await accounts.open_session(uuid4(), UUID(account_id), "x", datetime.now(UTC) + timedelta(days=1), 3)
    print("done")
"""


async def test_processes_that_register_at_once_stay_within_the_limit(database: str) -> None:
    counts = await run_together(database, SURPLUS, ("ada",), ("bob",))
    assert sum(map(int, counts)) == await Registration.all().count() == 7


async def test_processes_that_sign_in_at_once_stay_within_the_limit(database: str) -> None:
    ada = await new_account()
    await run_together(database, SIGN_INS, *[(str(ada.id),)] * 2)
    assert await Session.all().count() == 3


async def test_registrations_are_limited_in_total_and_of_a_network_and_expired_ones_do_not_count() -> None:
    async def save(email: str, network: str, total: int = 4, of_network: int = 2, expires_at: Any = LATER) -> bool:
        limits = accounts.RegistrationLimits(total, of_network)
        more = {"user_id": "a", "name": "a", "password_hash": "h", "otp_hash": "o", "expires_at": expires_at}
        try:
            await accounts.save_registration(email=email, network=network, limits=limits, now=NOW, **more)
        except LimitReached:
            return False
        return True

    assert await save("expired", "one", expires_at=NOW - timedelta(seconds=1))
    assert [await save(email, "one") for email in ("a", "b", "c")] == [True, True, False]
    assert [await save(email, "two") for email in ("d", "e", "f")] == [True, True, False]
    assert [await save("g", "three"), await save("g", "three", total=5)] == [False, True]
    # The newer registration of an address replaces the older one.
    assert [await save("a", "one", total=5), await save("a", "two", total=5)] == [True, False]


async def test_what_has_expired_is_purged() -> None:
    await register(expires_at=NOW - timedelta(microseconds=1))
    late, alive = await new_session(NOW - timedelta(microseconds=1)), await new_session(NOW)
    await accounts.purge_expired(NOW)
    assert await Registration.all().count() == 0
    assert await accounts.find_session(late.id) is None
    assert await accounts.find_session(alive.id)
    assert await Account.all().count() == 2
