"""``cloudkeep mkdir``, ``rm`` and ``restore`` on a real server."""

import unicodedata

import pytest

from cloudkeep.client.drive.changes import make_folders, remove, restore
from cloudkeep.client.drive.drive import Drive
from tests.cloudkeep.client.drive.conftest import paths, put
from tests.support.server import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")
Capture = pytest.CaptureFixture[str]


async def test_folders_are_created_below_folders_that_exist(drive: Drive) -> None:
    assert await make_folders(drive, ["/a", "a/b"], with_parents=False) == 0
    assert await paths(drive) == ["/a", "/a/b"]


@pytest.mark.parametrize(
    ("place", "problem"),
    [
        ("/a", "/a: exists already"),
        ("/A", "/A: exists already"),
        ("/missing/b", "/missing: there is no such file or folder"),
        ("/", "/: exists already"),
        ("/x\x1b[2J", "/x\\x1b[2J: A name may not contain control characters"),
    ],
)
async def test_a_folder_that_cannot_be_created_is_named(
    drive: Drive, place: str, problem: str, capsys: Capture
) -> None:
    await make_folders(drive, ["/a"], with_parents=False)
    assert await make_folders(drive, [place, "/other"], with_parents=False) == 1
    assert capsys.readouterr().err.splitlines() == [f"cloudkeep: {problem}"]
    assert await paths(drive) == ["/a", "/other"]


async def test_with_parents_the_folders_above_are_created_and_it_can_be_repeated(drive: Drive) -> None:
    for _ in range(2):
        assert await make_folders(drive, ["/a/b/c", "/a/b"], with_parents=True) == 0
    assert await paths(drive) == ["/a", "/a/b", "/a/b/c"]


async def test_removed_items_are_restored_by_path_or_id(drive: Drive, capsys: Capture) -> None:
    await make_folders(drive, ["/a/b", "/c"], with_parents=True)
    kept = await drive.find("/c")
    assert await remove(drive, ["/a", kept.id], permanently=False) == 0
    assert await paths(drive) == []
    assert await restore(drive, ["/a", kept.id]) == 0
    assert await paths(drive) == ["/a", "/c", "/a/b"]
    assert sorted(capsys.readouterr().out.splitlines()) == ["/a", "/c"]


async def test_what_does_not_exist_is_named_and_the_rest_is_removed(drive: Drive, capsys: Capture) -> None:
    await make_folders(drive, ["/a"], with_parents=False)
    assert await remove(drive, ["/missing\n", "/a", "/"], permanently=False) == 1
    assert capsys.readouterr().err.splitlines() == [
        "cloudkeep: /missing\\n: there is no such file or folder",
        "cloudkeep: /: the root of the drive cannot be removed",
    ]
    assert await paths(drive) == []


async def test_a_path_that_is_in_the_trash_twice_is_restored_by_id(drive: Drive, capsys: Capture) -> None:
    for _ in range(2):
        await make_folders(drive, ["/a"], with_parents=False)
        await remove(drive, ["/a"], permanently=False)
    assert await restore(drive, ["/a"]) == 1
    error = capsys.readouterr().err
    ids = [item.id async for item in drive.trash()]
    assert "/a: is in the trash several times; name one by its ID: " in error
    assert [item_id in error for item_id in ids] == [True, True]
    assert await restore(drive, ids) == 0
    assert sorted(await paths(drive)) == ["/a", "/a (2)"]


@pytest.mark.parametrize("place", ["/TOP/É", unicodedata.normalize("NFD", "/top/é"), "/top/é"])
async def test_a_path_names_an_item_of_the_trash_by_any_spelling_of_the_drive(drive: Drive, place: str) -> None:
    await make_folders(drive, ["/top/é"], with_parents=True)
    await remove(drive, ["/top/é"], permanently=False)
    assert await restore(drive, [place]) == 0
    assert await paths(drive) == ["/top", "/top/é"]


async def test_a_path_that_is_named_by_two_spellings_is_restored_once(drive: Drive, capsys: Capture) -> None:
    await make_folders(drive, ["/a"], with_parents=False)
    await remove(drive, ["/a"], permanently=False)
    assert await restore(drive, ["/a", "/A"]) == 0
    assert capsys.readouterr().out == "/a\n"


async def test_what_is_not_in_the_trash_is_named(drive: Drive, capsys: Capture) -> None:
    assert await restore(drive, ["/a"]) == 1
    assert capsys.readouterr().err == "cloudkeep: /a: is not in the trash\n"


async def test_what_is_deleted_permanently_is_not_in_the_trash(drive: Drive, owner: Api) -> None:
    await put(owner, drive, "/a/b.txt", b"1")
    assert await remove(drive, ["/a"], permanently=True) == 0
    assert await paths(drive) == []
    assert [item async for item in drive.trash()] == []


async def test_many_items_are_removed_in_batches(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloudkeep.client.drive.changes.PAGE_SIZE", 2)
    places = [f"/{number}" for number in range(5)]
    await make_folders(drive, places, with_parents=False)
    assert await remove(drive, places, permanently=False) == 0
    assert await paths(drive) == []
