"""How many items an account may have."""

from dataclasses import replace
from uuid import UUID

import pytest

from services.core.counters import Counters
from services.drive import item_allowance
from services.drive.errors import TooManyItems
from services.drive.file_versions import FileVersions
from services.drive.item_allowance import ItemAllowance
from services.drive.item_changes import ItemChanges
from services.uploads.init.new_upload import UploadPolicy
from services.uploads.uploads import Uploads
from storage.drive.models import Item
from storage.drive.tree.placing import ConflictPolicy
from tests.services.conftest import LIFETIME, MAX_FILE_SIZE, Bench, a_file
from tests.storage.stored_files import add_version, new_file

FAIL, KEEP_BOTH = ConflictPolicy.FAIL, ConflictPolicy.KEEP_BOTH


async def full(account_id: UUID, most: int = 4) -> ItemChanges:
    """The changes of an account that has as many items as it may have."""
    service = ItemChanges(ItemAllowance(most))
    for number in range(most):
        await service.create_folder(account_id, account_id, f"folder {number}", FAIL)
    return service


async def test_folders_and_copies_are_refused_beyond_the_limit(database: str, ada: UUID, bob: UUID) -> None:
    service = await full(ada)
    folder = await Item.filter(account_id=ada, parent_id=ada).first()
    assert folder
    with pytest.raises(TooManyItems, match="4 items"):
        await service.create_folder(ada, ada, "one more", FAIL)
    with pytest.raises(TooManyItems) as refused:
        await service.copy(ada, [folder.id], ada, KEEP_BOTH)
    assert refused.value.field == "itemIds"
    await service.create_folder(bob, bob, "of another account", FAIL)


async def test_changes_that_add_nothing_are_allowed_at_the_limit(database: str, ada: UUID) -> None:
    service = await full(ada)
    folder = await Item.filter(account_id=ada, parent_id=ada).first()
    assert folder
    await service.rename(folder, "new name", FAIL)
    await service.trash(ada, [folder.id])
    await service.restore(ada, [folder.id])


async def test_what_was_deleted_makes_room(database: str, ada: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    service = await full(ada)
    with pytest.raises(TooManyItems):
        await service.create_folder(ada, ada, "one more", FAIL)
    # As a job does, after the change that has the event.
    await Item.filter(account_id=ada, name="folder 0").delete()
    monkeypatch.setattr(item_allowance, "COUNT_AGAIN", -1.0)
    await service.create_folder(ada, ada, "one more", FAIL)


async def test_other_processes_count_as_well(database: str, ada: UUID) -> None:
    here, elsewhere = await full(ada, most=6), ItemChanges(ItemAllowance(6))
    await Item.filter(account_id=ada, name="folder 0").delete()
    await elsewhere.create_folder(ada, ada, "one more", FAIL)
    with pytest.raises(TooManyItems):
        await here.create_folder(ada, ada, "too many", FAIL)


async def test_versions_count_as_well(database: str, ada: UUID) -> None:
    first, service = await new_file(ada), FileVersions(allowance=ItemAllowance(3))
    second = await add_version(first.item_id)
    file = await Item.get(id=first.item_id)
    for version in (first, second):
        await service.restore(file, version.id)
    with pytest.raises(TooManyItems):
        await service.restore(file, first.id)
    await FileVersions(allowance=ItemAllowance(30)).restore(file, second.id)


async def test_uploads_are_refused_beyond_the_limit_and_found_again(bench: Bench, ada: UUID) -> None:
    policy, allowance = UploadPolicy(MAX_FILE_SIZE, LIFETIME), ItemAllowance(4)
    uploads = Uploads(bench.store, bench.progress, bench.notifications, policy, allowance=allowance)
    same = replace(a_file(), idempotency_key="key")
    started = await uploads.init(ada, same)
    await full(ada)
    with pytest.raises(TooManyItems):
        await uploads.init(ada, a_file())
    assert (await uploads.init(ada, same)).id == started.id


async def test_each_upload_beyond_the_limit_is_counted(bench: Bench, ada: UUID) -> None:
    counters, policy = Counters(), UploadPolicy(MAX_FILE_SIZE, LIFETIME)
    uploads = Uploads(bench.store, bench.progress, bench.notifications, policy, counters, ItemAllowance(0))
    await uploads.init_all(ada, [a_file()] * 3)
    assert counters.uploads_refused == {"TOO_MANY_ITEMS": 3}
