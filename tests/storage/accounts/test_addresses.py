"""An address is taken while an account has it, and while a change of address can be undone."""

from datetime import timedelta

import pytest

from storage.accounts import addresses
from storage.accounts.models import Account, EmailChange
from tests.storage.rows import EMAIL, LATER, NOW, new_account

pytestmark = pytest.mark.usefixtures("database")

OLD = "old@example.org"


async def change_address(account: Account) -> None:
    """Store a confirmed change from the old address, which can be undone until ``LATER``."""
    await EmailChange.create(
        account=account, new_email=account.email, old_email=OLD, otp_hash="-", expires_at=NOW, undo_until=LATER
    )


async def test_the_address_of_an_account_is_taken() -> None:
    await new_account("ada")
    assert await addresses.is_taken(EMAIL, NOW)
    assert not await addresses.is_taken("bob@example.org", NOW)


async def test_the_address_before_a_change_is_taken_until_the_change_cannot_be_undone() -> None:
    await change_address(await new_account("ada"))
    assert await addresses.is_taken(OLD, LATER - timedelta(seconds=1))
    assert not await addresses.is_taken(OLD, LATER)


async def test_an_address_is_not_taken_for_the_account_that_has_or_reserves_it() -> None:
    ada, bob = await new_account("ada"), await new_account("bob")
    await change_address(ada)
    for email in (EMAIL, OLD):
        assert not await addresses.is_taken(email, NOW, except_account=ada.id)
        assert await addresses.is_taken(email, NOW, except_account=bob.id)
