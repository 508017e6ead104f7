"""``cloudkeep mv`` and ``cloudkeep cp`` on a real server."""

from collections.abc import Awaitable, Callable

import pytest

from cloudkeep.client.drive.changes import make_folders
from cloudkeep.client.drive.drive import FAIL, KEEP_BOTH, REPLACE, Drive
from cloudkeep.client.drive.moving import NothingChanged, copy, move
from cloudkeep.client.errors import ItemFailed
from tests.cloudkeep.client.drive.conftest import paths, put
from tests.support.server import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_sources_move_into_a_folder(drive: Drive) -> None:
    await make_folders(drive, ["/a/x", "/b", "/to"], with_parents=True)
    assert await move(drive, ["/a", "/b"], "/to", FAIL) == 0
    assert await paths(drive) == ["/to", "/to/a", "/to/b", "/to/a/x"]


@pytest.mark.parametrize("place_all", [move, copy])
async def test_the_root_is_named_if_it_is_a_source(drive: Drive, place_all: Callable[..., Awaitable[int]]) -> None:
    await make_folders(drive, ["/to"], with_parents=True)
    with pytest.raises(ItemFailed, match=r"^/: the root of the drive"):
        await place_all(drive, ["/"], "/to", FAIL)


async def test_an_item_is_renamed_also_in_case_alone(drive: Drive) -> None:
    await make_folders(drive, ["/a"], with_parents=False)
    await move(drive, ["/a"], "/b", FAIL)
    assert await paths(drive) == ["/b"]
    await move(drive, ["/b"], "/B", FAIL)
    assert await paths(drive) == ["/B"]


async def test_an_item_moves_to_a_new_name_even_if_its_own_is_taken_there(drive: Drive) -> None:
    await make_folders(drive, ["/a", "/to/a"], with_parents=True)
    await move(drive, ["/a"], "/to/b", FAIL)
    assert await paths(drive) == ["/to", "/to/a", "/to/b"]


async def test_copies_get_a_new_name_or_a_number(drive: Drive) -> None:
    await make_folders(drive, ["/a/x"], with_parents=True)
    await copy(drive, ["/a"], "/b", FAIL)
    await copy(drive, ["/a"], "/", KEEP_BOTH)
    assert await paths(drive) == ["/a", "/a (2)", "/b", "/a/x", "/a (2)/x", "/b/x"]


async def test_a_file_becomes_a_version_of_the_one_that_it_replaces(drive: Drive, owner: Api) -> None:
    await put(owner, drive, "/new.txt", b"new")
    old = await put(owner, drive, "/to/old.txt", b"old content")
    with pytest.raises(ItemFailed, match=r"^/to/old\.txt: exists already"):
        await move(drive, ["/new.txt"], "/to/old.txt", FAIL)
    await move(drive, ["/new.txt"], "/to/old.txt", REPLACE)
    assert await paths(drive) == ["/to", "/to/old.txt"]
    found = await drive.find("/to/old.txt")
    assert (found.id, found.size) == (old.id, 3)


async def test_nothing_is_moved_if_one_source_does_not_exist(drive: Drive) -> None:
    await make_folders(drive, ["/a", "/to"], with_parents=False)
    with pytest.raises(NothingChanged):
        await move(drive, ["/a", "/missing"], "/to", FAIL)
    assert await paths(drive) == ["/a", "/to"]


@pytest.mark.parametrize(
    ("sources", "target", "problem"),
    [
        (["/a", "/b"], "/missing", r"^/missing: there is no such folder"),
        (["/a"], "/missing/", r"^/missing/: there is no such folder"),
        (["/a"], "/missing/b", r"^/missing: there is no such file or folder"),
        (["/a"], "/a", r"^/a: "),
        (["/b"], "/to", r"^/to: "),
    ],
)
async def test_a_target_that_cannot_be_used_is_named(
    drive: Drive, sources: list[str], target: str, problem: str
) -> None:
    await make_folders(drive, ["/a", "/b", "/to/b"], with_parents=True)
    before = await paths(drive)
    with pytest.raises(ItemFailed, match=problem):
        await move(drive, sources, target, FAIL)
    assert await paths(drive) == before
