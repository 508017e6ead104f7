"""What an administrator does with accounts."""

import asyncio

import pytest

from storage.accounts import administration
from storage.accounts.administration import LastAdministrator
from storage.accounts.models import Account, Session
from tests.storage.rows import LATER, NOW, new_account, session_of

pytestmark = pytest.mark.usefixtures("database")


async def _administrator(name: str) -> Account:
    account = await new_account(name)
    await administration.promote(account.id)
    return account


async def test_disabling_ends_the_sessions_of_this_account_alone() -> None:
    ada, bob = await new_account("ada"), await new_account("bob")
    for account in (ada, ada, bob):
        await Session.bulk_create([session_of(account)])
    assert await administration.disable(ada.id, NOW)
    assert not await administration.disable(ada.id, LATER)
    assert (await Account.get(id=ada.id)).disabled_at == NOW
    assert [session.account_id for session in await Session.all()] == [bob.id]


async def test_an_account_can_be_enabled_again() -> None:
    ada = await new_account("ada")
    assert not await administration.enable(ada.id)
    await administration.disable(ada.id, NOW)
    assert await administration.enable(ada.id)
    assert (await Account.get(id=ada.id)).disabled_at is None


async def test_the_last_administrator_cannot_be_demoted() -> None:
    ada, bob = await _administrator("ada"), await _administrator("bob")
    assert await administration.demote(bob.id)
    assert not await administration.demote(bob.id)
    with pytest.raises(LastAdministrator):
        await administration.demote(ada.id)
    assert (await Account.get(id=ada.id)).is_admin


async def test_a_disabled_administrator_does_not_count() -> None:
    ada, bob = await _administrator("ada"), await _administrator("bob")
    await administration.disable(bob.id, NOW)
    with pytest.raises(LastAdministrator):
        await administration.demote(ada.id)


async def test_of_two_last_administrators_who_are_demoted_at_once_one_stays() -> None:
    accounts = [await _administrator("ada"), await _administrator("bob")]
    results = await asyncio.gather(*(administration.demote(account.id) for account in accounts), return_exceptions=True)
    assert sorted(map(str, map(type, results))) == sorted(map(str, (bool, LastAdministrator)))
    assert await Account.filter(is_admin=True).count() == 1


async def test_the_last_sign_in_is_the_newest_session() -> None:
    ada, bob = await new_account("ada"), await new_account("bob")
    for _ in range(2):
        await Session.bulk_create([session_of(ada)])
    newest = await Session.filter(account_id=ada.id).order_by("-created_at").first()
    assert newest
    assert await administration.last_sign_ins() == {ada.id: newest.created_at}
    assert [account.id for account in await administration.find_all()] == [ada.id, bob.id]
