"""The next version of a file."""

from datetime import UTC, datetime, timedelta

import pytest

from storage.drive import items, versions
from storage.drive.models import FileKind, FileVersion, Item
from storage.drive.versions import Content
from tests.storage.rows import new_account, new_version
from tests.storage.stored_files import counted_blob

pytestmark = pytest.mark.usefixtures("database")
LATER = datetime(2026, 1, 1, tzinfo=UTC)


async def test_a_new_version_becomes_the_current_one_and_the_old_one_stays() -> None:
    account = await new_account()
    first = await new_version(account.id, await counted_blob(account.id), "file", "video/mp4")
    item = await Item.get(id=first.item_id)
    second = await versions.add(item, Content(await counted_blob(account.id, 7), "image/png", None), LATER)
    found = await items.find(item.id)
    assert found
    assert (found.version_id, found.size, found.file_kind) == (second.id, 7, FileKind.IMAGE)
    assert found.updated_at == LATER
    numbers = await FileVersion.filter(item_id=item.id).order_by("number").values_list("id", "number")
    assert list(numbers) == [(first.id, 1), (second.id, 2)]


async def test_versions_are_never_numbered_again() -> None:
    account = await new_account()
    first = await new_version(account.id, await counted_blob(account.id), "file", "video/mp4")
    item = await Item.get(id=first.item_id)
    second = await versions.add(item, Content(await counted_blob(account.id), "video/mp4", None), LATER)
    await FileVersion.filter(id=first.id).delete()
    third = await versions.add(item, Content(await counted_blob(account.id), "video/mp4", None), LATER + timedelta(1))
    assert (second.number, third.number) == (2, 3)
