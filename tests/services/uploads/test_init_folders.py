"""Uploads into folders: created once, with the conflict policy of their client."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.core.errors import AlreadyExists, ErrorCode, ExpectedError, InvalidInput, NotFound
from services.drive.errors import TooManyItems
from services.uploads.errors import IdempotencyConflict
from services.uploads.types import NewUpload
from storage.drive import items
from storage.drive.models import Item, ItemKind
from storage.drive.tree import changes, destinations, trash
from storage.drive.tree.chains import MAX_DEPTH
from storage.drive.tree.placing import ConflictPolicy
from storage.events.models import Event
from storage.uploads.models import Upload, UploadStatus
from tests.services.conftest import Bench, a_file
from tests.services.uploads.test_init_owned_file import OWNED, give
from tests.storage.rows import NOW

KEEP_BOTH, REPLACE, FAIL = ConflictPolicy.KEEP_BOTH, ConflictPolicy.REPLACE, ConflictPolicy.FAIL


async def new_folder(account_id: UUID, name: str = "folder", parent_id: UUID | None = None) -> UUID:
    await items.ensure_root(account_id, NOW)
    return (await changes.create_folder(account_id, parent_id or account_id, name, FAIL, NOW)).id


async def folder_of(upload: Upload) -> str:
    """The path of the folder of an upload, without the root."""
    names, folder_id = [], upload.parent_id
    while folder_id and folder_id != upload.account_id:
        folder = await Item.get(id=folder_id)
        names.append(folder.name)
        folder_id = folder.parent_id
    return "/".join(reversed(names))


def into(path: str, parent_id: UUID | None = None, **more: Any) -> NewUpload:
    return replace(a_file(), relative_path=path, parent_id=parent_id, **more)


async def test_missing_folders_of_a_path_are_created_with_events(bench: Bench, ada: UUID) -> None:
    upload = await bench.uploads.init(ada, into("photos/2026"))
    assert await folder_of(upload) == "photos/2026"
    events = await Event.all().order_by("seq")
    assert [(event.kind, event.facts["name"]) for event in events] == [("CREATED", "photos"), ("CREATED", "2026")]


async def test_folders_are_created_once_however_many_files_race(bench: Bench, ada: UUID) -> None:
    uploads = await asyncio.gather(*(bench.uploads.init(ada, into(path)) for path in ["a/b", "A/B", "a/c"] * 4))
    assert len({upload.parent_id for upload in uploads}) == 2
    assert sorted([item.name.lower() for item in await Item.filter(kind=ItemKind.FOLDER).exclude(id=ada)]) == [*"abc"]


async def test_a_path_begins_at_its_parent(bench: Bench, ada: UUID) -> None:
    parent = await new_folder(ada)
    assert await folder_of(await bench.uploads.init(ada, into("sub", parent))) == "folder/sub"
    assert (await bench.uploads.init(ada, into("", parent))).parent_id == parent


@pytest.mark.parametrize("path", ["/", "a//b", "a/", "../a", ".", "a\n", "/".join("a" * (MAX_DEPTH + 1))])
async def test_a_path_that_is_none_is_refused(bench: Bench, ada: UUID, path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await bench.uploads.init(ada, into(path))
    assert refused.value.field == "relativePath"


async def test_a_call_creates_a_bounded_number_of_folders(
    bench: Bench, ada: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(destinations, "MOST_CREATED", 4)
    paths = ["a/b", "a/B/c", "d/e", "d", "a"]
    outcomes = await bench.uploads.init_all(ada, [into(path) for path in paths])
    assert [isinstance(outcome, Upload) for outcome in outcomes] == [True, True, False, True, True]
    refused = outcomes[2]
    assert isinstance(refused, TooManyItems)
    assert refused.field == "relativePath"
    # In the next call it has its turn.
    assert await folder_of(await bench.uploads.init(ada, into("d/e"))) == "d/e"


async def test_folders_are_not_nested_too_deeply(bench: Bench, ada: UUID) -> None:
    deep = await bench.uploads.init(ada, into("/".join("a" * MAX_DEPTH)))
    with pytest.raises(ExpectedError, match="nested"):
        await bench.uploads.init(ada, into("b", deep.parent_id))


async def test_a_folder_that_is_missing_or_foreign_or_in_the_trash_takes_no_upload(
    bench: Bench, ada: UUID, bob: UUID
) -> None:
    for folder_id in (uuid4(), await new_folder(bob)):
        with pytest.raises(NotFound) as refused:
            await bench.uploads.init(ada, into("", folder_id))
        assert refused.value.field == "parentId"
    trashed = await new_folder(ada)
    await trash.trash(ada, [trashed], NOW)
    with pytest.raises(ExpectedError) as in_trash:
        await bench.uploads.init(ada, into("sub", trashed))
    assert in_trash.value.code is ErrorCode.IN_TRASH


async def test_a_refused_upload_leaves_no_folder_and_no_bytes(bench: Bench, ada: UUID, tmp_path: Path) -> None:
    await give(bench, ada, tmp_path)
    with pytest.raises(AlreadyExists):
        await bench.uploads.init(ada, into("first.mp4/sub"))
    assert await Item.filter(kind=ItemKind.FOLDER).count() == 1
    assert list((tmp_path / "blobs" / "staging").iterdir()) == []


async def test_fail_is_decided_at_the_start(bench: Bench, ada: UUID, tmp_path: Path) -> None:
    await give(bench, ada, tmp_path)
    with pytest.raises(AlreadyExists) as refused:
        await bench.uploads.init(ada, into("", file_name="FIRST.mp4", conflict=FAIL))
    assert refused.value.field == "fileName"
    assert (await bench.uploads.init(ada, into("sub", file_name="first.mp4", conflict=FAIL))).conflict == "FAIL"


async def test_a_folder_cannot_be_replaced_by_a_file(bench: Bench, ada: UUID) -> None:
    await new_folder(ada, "name")
    with pytest.raises(AlreadyExists):
        await bench.uploads.init(ada, into("", file_name="name", conflict=REPLACE))


async def test_the_same_file_into_another_folder_is_another_upload(bench: Bench, ada: UUID) -> None:
    asked = replace(a_file(), sha256="a" * 64)
    paths = ["", "x", "X", "y"]
    uploads = [await bench.uploads.init(ada, replace(asked, relative_path=path)) for path in paths]
    assert len({upload.id for upload in uploads}) == 3
    assert uploads[1].id == uploads[2].id
    replacing = await bench.uploads.init(ada, replace(asked, relative_path="x", conflict=REPLACE))
    assert replacing.id != uploads[1].id


async def test_a_key_belongs_to_one_folder(bench: Bench, ada: UUID) -> None:
    asked = into("x", idempotency_key="key")
    first = await bench.uploads.init(ada, asked)
    assert (await bench.uploads.init(ada, asked)).id == first.id
    await new_folder(ada, "y")
    with pytest.raises(IdempotencyConflict):
        await bench.uploads.init(ada, replace(asked, relative_path="y"))
    assert first.parent_id
    await changes.rename(ada, first.parent_id, "z", FAIL, NOW)
    assert (await bench.uploads.init(ada, asked)).id == first.id


async def test_a_key_belongs_to_one_folder_of_a_call(bench: Bench, ada: UUID) -> None:
    parent = await new_folder(ada)
    places: list[dict[str, Any]] = [{"path": "x"}, {"path": "X"}, {"path": "y"}, {"path": "x", "parent_id": parent}]
    found = await bench.uploads.init_all(ada, [into(**place, idempotency_key="key") for place in places])
    assert [type(each) for each in found] == [Upload, Upload, IdempotencyConflict, IdempotencyConflict]


async def test_the_folder_of_many_known_files_is_looked_up_once(
    bench: Bench, ada: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [into("x", file_name=f"{number}.bin", sha256="a" * 64) for number in range(3)]
    first = await bench.uploads.init_all(ada, asked)
    looked_up = []

    async def noting(account_id: UUID, destination: destinations.Destination) -> UUID | None:
        looked_up.append(destination)
        return await destinations.find_existing(account_id, destination)

    monkeypatch.setattr("services.uploads.init.known_uploads.find_existing", noting)
    again = await bench.uploads.init_all(ada, asked)
    assert [type(each) for each in first] == [Upload] * 3
    assert again == first
    assert len(looked_up) == 1


async def test_a_key_whose_file_was_deleted_starts_another_upload(bench: Bench, ada: UUID, tmp_path: Path) -> None:
    await give(bench, ada, tmp_path)
    asked = replace(OWNED, idempotency_key="key")
    first = await bench.uploads.init(ada, asked)
    await Upload.filter(id=first.id).update(version_id=None)
    second = await bench.uploads.init(ada, asked)
    assert (second.id == first.id, second.status) == (False, UploadStatus.READY)


@pytest.mark.parametrize("change", ["trashed", "moved", "replaced"])
async def test_a_key_whose_file_is_no_longer_where_it_was_sent_starts_another_upload(
    bench: Bench, ada: UUID, tmp_path: Path, change: str
) -> None:
    await give(bench, ada, tmp_path)
    folder = await new_folder(ada)
    asked = replace(OWNED, idempotency_key="key", parent_id=await new_folder(ada, "in", folder), conflict=KEEP_BOTH)
    first = await bench.uploads.init(ada, asked)
    assert (await bench.uploads.init(ada, asked)).id == first.id
    item = await Item.get(version_id=first.version_id)
    match change:
        case "trashed":
            await trash.trash(ada, [item.id], NOW)
        case "moved":
            await changes.move(ada, [item.id], folder, FAIL, NOW)
        case "replaced":
            await Item.filter(id=item.id).update(version_id=uuid4())
    second = await bench.uploads.init(ada, asked)
    assert (second.id == first.id, second.status) == (False, UploadStatus.READY)
    assert (await bench.uploads.init(ada, asked)).id == second.id


async def test_an_owned_file_comes_into_its_folder_at_once(bench: Bench, ada: UUID, tmp_path: Path) -> None:
    version = await give(bench, ada, tmp_path)
    upload = await bench.uploads.init(ada, replace(OWNED, relative_path="sub"))
    item = await Item.get(version_id=upload.version_id)
    assert (upload.status, item.parent_id, item.name) == (UploadStatus.READY, upload.parent_id, "again.mp4")
    same = replace(OWNED, file_name="first.mp4", conflict=REPLACE)
    assert (await bench.uploads.init(ada, same)).version_id == version.id
    assert await Item.filter(kind=ItemKind.FILE).count() == 2


# Several at once


async def test_of_several_uploads_each_is_started_or_refused_by_itself(bench: Bench, ada: UUID, tmp_path: Path) -> None:
    await give(bench, ada, tmp_path)
    requests = [
        into("sub"),
        into("sub", file_name="bad/name"),
        into("", uuid4()),
        into("", file_name="first.mp4", conflict=FAIL),
        replace(OWNED, relative_path="sub"),
        into("sub", size=2**60),
    ]
    found = await bench.uploads.init_all(ada, requests)
    codes = [each.code.value if isinstance(each, ExpectedError) else each.status.value for each in found]
    assert codes == ["RECEIVING", "INVALID_INPUT", "NOT_FOUND", "ALREADY_EXISTS", "READY", "TOO_LARGE"]
    assert await Upload.all().count() == 2


async def test_equal_requests_of_one_call_are_one_upload(bench: Bench, ada: UUID) -> None:
    keyed, hashed = replace(a_file(), idempotency_key="key"), replace(a_file(), sha256="a" * 64)
    found = await bench.uploads.init_all(ada, [keyed, hashed, keyed, hashed, replace(keyed, size=1), a_file()])
    assert isinstance(found[4], IdempotencyConflict)
    ids = [each.id for each in found if isinstance(each, Upload)]
    assert (ids[0], ids[1]) == (ids[2], ids[3])
    assert len(set(ids)) == 3


# Empty files


async def test_an_empty_file_is_ready_at_once_and_shares_one_blob(bench: Bench, ada: UUID) -> None:
    asked = replace(a_file(0), mime_type="text/plain")
    found = await bench.uploads.init_all(ada, [replace(asked, file_name=f"{number}.txt") for number in range(3)])
    found.append(await bench.uploads.init(ada, asked))
    assert [each.status for each in found if isinstance(each, Upload)] == [UploadStatus.READY] * 4
    files = await Item.filter(kind=ItemKind.FILE).order_by("id")
    assert [(item.size, item.name) for item in files] == [(0, "0.txt"), (0, "1.txt"), (0, "2.txt"), (0, "file.bin")]
    assert len([blob async for blob in bench.store.blobs()]) == 1
    content = await bench.downloads.version(files[0].version_id)  # type: ignore[arg-type]
    assert [block async for block in bench.downloads.read(content, 0, 0)] == []


async def test_an_empty_file_that_is_refused_leaves_nothing(bench: Bench, ada: UUID) -> None:
    await new_folder(ada, "name")
    with pytest.raises(AlreadyExists):
        await bench.uploads.init(ada, replace(a_file(0), file_name="name", conflict=FAIL))
    assert [blob async for blob in bench.store.blobs()] == []


async def test_an_empty_file_has_one_digest(bench: Bench, ada: UUID) -> None:
    with pytest.raises(InvalidInput) as refused:
        await bench.uploads.init(ada, replace(a_file(0), sha256="a" * 64))
    assert refused.value.field == "sha256"
