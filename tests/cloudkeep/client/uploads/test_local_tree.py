"""The folders and files in a local folder."""

import os
from pathlib import Path

import pytest

from cloudkeep.client.uploads.local_tree import local_name, read_tree


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with files, an empty folder, links and a named pipe."""
    (folder := tmp_path / "photos").mkdir()
    (folder / "b.txt").write_bytes(b"12345")
    (folder / "2024/empty").mkdir(parents=True)
    (folder / "2024/a.txt").write_bytes(b"")
    (folder / "link").symlink_to(folder / "b.txt")
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe")
    return folder


def test_folders_come_before_their_items_and_links_and_special_files_are_skipped(folder: Path) -> None:
    tree = read_tree(folder)
    found = [(item.relative, item.is_folder) for item in tree.items]
    assert sorted(found) == [("2024", True), ("2024/a.txt", False), ("2024/empty", True), ("b.txt", False)]
    assert found.index(("2024", True)) < found.index(("2024/a.txt", False))
    assert tree.skipped == {
        "link": "is a symbolic link",
        "loop": "is a symbolic link",
        "pipe": "is not a regular file",
    }
    assert tree.failed == {}


def test_an_item_knows_its_parent_and_name(folder: Path) -> None:
    items = {item.relative: item for item in read_tree(folder).items}
    assert (items["2024/a.txt"].parent, items["2024/a.txt"].name) == ("2024", "a.txt")
    assert (items["b.txt"].parent, items["b.txt"].name) == ("", "b.txt")


def test_the_part_of_a_download_is_skipped(folder: Path) -> None:
    (folder / ".cloudkeep-0-0.part").write_bytes(b"1")
    assert read_tree(folder).skipped[".cloudkeep-0-0.part"] == "is the part of a download"


def test_a_name_that_is_not_utf_8_fails(folder: Path) -> None:
    (folder / os.fsdecode(b"caf\xe9")).write_bytes(b"1")
    assert read_tree(folder).failed == {os.fsdecode(b"caf\xe9"): "its name is not valid UTF-8"}


def test_a_folder_that_cannot_be_read_fails(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def scandir(path: Path) -> object:
        if path.name == "2024":
            raise PermissionError(13, "Permission denied")
        return real(path)

    real = os.scandir
    monkeypatch.setattr(os, "scandir", scandir)
    tree = read_tree(folder)
    assert tree.failed == {"2024": "cannot be read: Permission denied"}
    assert [item.relative for item in tree.items] == ["2024", "b.txt"]


def test_a_relative_path_has_the_name_of_its_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder / "2024")
    assert [local_name(Path(path)) for path in (".", "..", "/")] == ["2024", "photos", ""]
