"""An invitation is used once, before it expires, and by its address if it has one."""

import asyncio
from datetime import timedelta

import pytest

from storage.accounts import expired, invitations
from storage.accounts.expired import SHOWN_AFTER_EXPIRY
from storage.accounts.models import Invitation
from tests.storage.rows import EMAIL, LATER, NOW, new_account

pytestmark = pytest.mark.usefixtures("database")


async def invite(**more: object) -> Invitation:
    return await invitations.insert(Invitation(**{"token_hash": "hash", "expires_at": LATER, **more}))


async def test_an_invitation_is_found_by_the_hash_of_its_token() -> None:
    stored = await invite(quota=5, makes_admin=True)
    found = await invitations.find_usable("hash", EMAIL, NOW)
    assert found
    assert (found.id, found.quota, found.makes_admin) == (stored.id, 5, True)
    assert await invitations.find_usable("other", EMAIL, NOW) is None


async def test_an_invitation_for_an_address_is_used_by_no_other() -> None:
    row = await invite(email=EMAIL)
    assert await invitations.find_usable("hash", "bob@example.org", NOW) is None
    assert await invitations.use(row.id, "bob@example.org", NOW) is None
    assert await invitations.use(row.id, EMAIL, NOW)


async def test_an_invitation_that_has_expired_is_not_used() -> None:
    row = await invite(expires_at=NOW)
    assert await invitations.find_usable("hash", EMAIL, NOW) is None
    assert await invitations.use(row.id, EMAIL, NOW) is None


async def test_an_invitation_is_used_once() -> None:
    row = await invite()
    used = await asyncio.gather(*(invitations.use(row.id, EMAIL, NOW) for _ in range(10)))
    assert sum(found is not None for found in used) == 1
    assert await invitations.find_usable("hash", EMAIL, NOW) is None


async def test_invitations_are_listed_with_the_accounts_that_used_them() -> None:
    row, ada = await invite(), await new_account("ada")
    await invitations.set_account(row.id, ada.id)
    (found,) = await invitations.find_all()
    assert found.account
    assert found.account.user_id == "ada"


async def test_an_invitation_is_purged_some_time_after_it_has_expired() -> None:
    await invite(expires_at=NOW)
    await expired.purge(NOW + SHOWN_AFTER_EXPIRY)
    assert await Invitation.all().count() == 1
    await expired.purge(NOW + SHOWN_AFTER_EXPIRY + timedelta(seconds=1))
    assert await Invitation.all().count() == 0


async def test_an_invitation_is_deleted_unless_it_was_used() -> None:
    used, unused = await invite(), await invite(token_hash="other")
    await invitations.use(used.id, EMAIL, NOW)
    assert [await invitations.delete(row.id) for row in (used, unused, unused)] == [False, True, False]
