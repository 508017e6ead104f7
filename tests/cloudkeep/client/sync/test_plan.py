"""What a sync has to do."""

import os
from pathlib import Path

import pytest

from cloudkeep.client.drive.items import RemoteItem
from cloudkeep.client.sync.plan import Comparison, Plan
from cloudkeep.client.uploads.local_tree import LocalItem, read_tree


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The local folder."""
    (folder := tmp_path / "local").mkdir()
    return folder


def remote(relative: str, content: bytes | None = None) -> tuple[str, RemoteItem]:
    """An item of the drive. Its SHA-256 is its content as text."""
    name = relative.rpartition("/")[2]
    is_folder = content is None
    size, sha256 = (None, None) if content is None else (len(content), content.hex())
    item = RemoteItem(f"id of {relative}", name, is_folder, f"/to/{relative}", "", size=size, sha256=sha256)
    return relative, item


async def hash_of(item: LocalItem) -> str:
    """The content of the file, as the SHA-256 of the items of this test."""
    return item.path.read_bytes().hex()


async def plan(folder: Path, *items: tuple[str, RemoteItem], delete: bool = False) -> Plan:
    """The plan for this folder and these items of the drive."""
    return await Comparison(dict(items), hash_of, with_delete=delete).plan(read_tree(folder))


def paths(items: list[RemoteItem]) -> list[str]:
    """The paths of items."""
    return [item.path for item in items]


async def test_new_and_changed_files_are_uploaded_and_equal_ones_are_not(folder: Path) -> None:
    (folder / "a/b").mkdir(parents=True)
    for name, content in {"same": b"1", "a/changed": b"22", "a/resized": b"333", "a/b/new": b"4"}.items():
        (folder / name).write_bytes(content)
    known = [remote("same", b"1"), remote("a"), remote("a/changed", b"11"), remote("a/resized", b"1")]
    found = await plan(folder, *known)
    uploads = {upload.item.relative: upload.replaces.path if upload.replaces else None for upload in found.uploads}
    assert uploads == {"a/changed": "/to/a/changed", "a/resized": "/to/a/resized", "a/b/new": None}
    assert [item.relative for item in found.folders] == ["a/b"]
    assert (found.unchanged, found.renames, found.trash_first, found.trash_last, found.problems) == (1, [], [], [], {})


async def test_what_is_gone_is_only_trashed_with_delete_and_only_the_topmost_item(folder: Path) -> None:
    (folder / "kept").mkdir()
    items = [remote("kept"), remote("kept/gone", b"1"), remote("gone"), remote("gone/a"), remote("gone/a/b", b"1")]
    assert (await plan(folder, *items)).trash_last == []
    assert paths((await plan(folder, *items, delete=True)).trash_last) == ["/to/kept/gone", "/to/gone"]


async def test_what_is_skipped_here_is_not_gone(folder: Path) -> None:
    (folder / "link").symlink_to("elsewhere")
    items = [remote("link"), remote("link/a", b"1")]
    found = await plan(folder, *items, delete=True)
    assert paths(found.trash_last) == []


async def test_nothing_is_gone_if_something_could_not_be_read(folder: Path) -> None:
    (folder / os.fsdecode(b"\xff")).write_bytes(b"1")
    assert (await plan(folder, remote("gone", b"1"), delete=True)).trash_last == []


async def test_another_case_or_form_of_a_name_is_renamed(folder: Path) -> None:
    (folder / "Photos").mkdir()
    (folder / "Photos/E\N{COMBINING ACUTE ACCENT}").write_bytes(b"1")
    found = await plan(folder, remote("photos"), remote("photos/\N{LATIN SMALL LETTER E WITH ACUTE}", b"1"))
    assert [(item.path, name) for item, name in found.renames] == [
        ("/to/photos", "Photos"),
        ("/to/photos/é", "\N{LATIN CAPITAL LETTER E WITH ACUTE}"),
    ]
    assert (found.uploads, found.folders, found.unchanged) == ([], [], 1)


async def test_the_second_of_two_names_that_differ_in_case_is_a_problem_with_all_below_it(folder: Path) -> None:
    for name in ("A", "a"):
        (folder / name).mkdir()
        (folder / name / "file").write_bytes(b"1")
    found = await plan(folder)
    assert [upload.item.relative for upload in found.uploads] == ["A/file"]
    assert list(found.problems) == ["a"]


async def test_a_file_in_the_place_of_a_folder_is_a_problem_without_delete(folder: Path) -> None:
    (folder / "thing").write_bytes(b"1")
    items = [remote("thing"), remote("thing/inside", b"1")]
    found = await plan(folder, *items)
    assert (list(found.problems), found.uploads) == (["thing"], [])
    found = await plan(folder, *items, delete=True)
    assert paths(found.trash_first) == ["/to/thing"]
    assert [upload.item.relative for upload in found.uploads] == ["thing"]
    assert found.trash_last == []


async def test_a_folder_in_the_place_of_a_file_blocks_what_is_below_it(folder: Path) -> None:
    (folder / "thing/deep").mkdir(parents=True)
    (folder / "thing/deep/file").write_bytes(b"1")
    found = await plan(folder, remote("thing", b"1"))
    assert (list(found.problems), found.uploads, found.folders) == (["thing"], [], [])
