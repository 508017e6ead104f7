"""Rows of accounts."""

from uuid import uuid4

import pytest

from storage.accounts import accounts
from tests.storage.rows import new_account

pytestmark = pytest.mark.usefixtures("database")


async def test_accounts_are_found_by_what_is_unique() -> None:
    account = await new_account("ada")
    assert await accounts.user_id_exists("ada")
    assert not await accounts.user_id_exists("Ada")
    found = await accounts.find_by_user_id("ada")
    assert found
    assert found.id == account.id
    assert await accounts.find_by_user_id("nobody") is None
    assert await accounts.find_many([uuid4()]) == {}
