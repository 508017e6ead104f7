"""The storage that every account uses."""

import pytest

from storage.uploads import usage
from storage.uploads.usage_of_all import used_bytes
from tests.storage.rows import new_account
from tests.storage.uploads.test_usage import new_blob, new_file, new_rendition

pytestmark = pytest.mark.usefixtures("database")


async def test_it_is_for_each_account_what_its_owner_sees() -> None:
    ada, bob, carol = [await new_account(name) for name in ("ada", "bob", "carol")]
    shared, small = await new_blob(ada, 1000), await new_blob(bob, 10)
    files = [await new_file(ada, shared), await new_file(ada, shared), await new_file(bob, small)]
    await new_rendition(ada, files[0], 10)
    found = await used_bytes()
    assert found == {ada.id: 1010, bob.id: 10}
    for account in (ada, bob, carol):
        assert (await usage.measure(account.id, None)).used == found.get(account.id, 0)
