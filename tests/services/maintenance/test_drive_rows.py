"""Rows of drives that contradict each other are found and repaired."""

from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from services.core.clock import now
from services.maintenance.drive_rows import DriveRows
from services.maintenance.findings import Code
from storage.accounts.models import Account
from storage.drive.models import Blob, FileKind, Item
from storage.events.models import Event, EventKind
from storage.search import entries
from tests.storage.rows import new_account
from tests.storage.stored_files import add_rendition, add_version, new_file, new_folder, used_bytes

pytestmark = pytest.mark.usefixtures("database")


async def found(*, mend: bool = False) -> list[Code]:
    return [finding.code async for finding in DriveRows(mend=mend).examine()]


async def repaired(code: Code) -> bool:
    """Whether this is found until it is repaired, and then nothing."""
    return (await found(), await found(mend=True), await found()) == ([code], [code], [])


async def last_event(item: Item) -> EventKind:
    """The last event of the account, which is one of this item."""
    event = await Event.filter(account_id=item.account_id).order_by("-seq").first()
    assert event
    assert event.item_id == item.id
    return EventKind(event.kind)


async def account_with_file() -> tuple[UUID, Item]:
    account = await new_account()
    version = await new_file(account.id)
    await add_rendition(version)
    await add_version(version.item_id)
    return account.id, await Item.get(id=version.item_id)


async def test_nothing_is_found_in_sound_rows() -> None:
    await account_with_file()
    assert await found(mend=True) == []


async def test_used_bytes_are_summed_up_again() -> None:
    account_id, _ = await account_with_file()
    await Account.filter(id=account_id).update(original_bytes=1, derived_bytes=0)
    assert await repaired(Code.USAGE)
    assert await used_bytes(account_id) == (20, 3)


async def test_a_file_gets_its_newest_version_back() -> None:
    _, item = await account_with_file()
    await Item.filter(id=item.id).update(version_id=uuid7(), size=1, file_kind=FileKind.IMAGE)
    assert await repaired(Code.ITEM_VERSION)
    mended = await Item.get(id=item.id)
    assert (mended.version_id, mended.size, mended.file_kind) == (item.version_id, 10, FileKind.VIDEO)
    assert await last_event(item) is EventKind.UPDATED


async def test_a_lost_item_is_put_into_the_root_under_a_free_name() -> None:
    account_id, _ = await account_with_file()
    folder = await new_folder(account_id)
    lost = await new_file(account_id, "file", folder.id)
    await Item.filter(id=lost.item_id).update(parent_id=None)
    assert await repaired(Code.ITEM_LOST)
    item = await Item.get(id=lost.item_id)
    assert (item.parent_id, item.name) == (account_id, "file (2)")
    assert await last_event(item) is EventKind.MOVED


async def test_a_lost_item_is_found_by_its_new_name() -> None:
    account_id, _ = await account_with_file()
    lost = await new_file(account_id, "file", (await new_folder(account_id)).id)
    await Item.filter(id=lost.item_id).update(parent_id=None)
    assert await repaired(Code.ITEM_LOST)
    (entry,) = (await entries.find(account_id, ["(2)"])).entries
    assert entry.item_id == lost.item_id


async def test_the_bytes_of_a_file_are_not_deleted_by_a_wrong_mark() -> None:
    await account_with_file()
    await Blob.filter(size=10).update(released_at=now())
    assert set(await found(mend=True)) == {Code.BLOB_RELEASED}
    assert await found() == []


async def test_bytes_that_no_file_uses_are_released() -> None:
    account_id, _ = await account_with_file()
    await Blob.create(account_id=account_id, key="unused", size=5, sha256="0" * 64)
    assert await repaired(Code.BLOB_UNUSED)
    assert (await Blob.get(key="unused")).released_at
