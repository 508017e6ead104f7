"""Paths and IDs of items, as users write them."""

import pytest

from cloudkeep.client.drive.paths import folded, is_id, joined, normalized, split
from cloudkeep.client.errors import UsageError

ID = "folder_01arz3ndektsv4rrffq69g5fav"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", "/"),
        ("Videos", "/Videos"),
        ("/Videos/", "/Videos"),
        ("//Videos///a.mov", "/Videos/a.mov"),
        ("/Videos/./a.mov", "/Videos/a.mov"),
        ("/Videos/../a.mov", "/a.mov"),
        ("/../../a.mov", "/a.mov"),
        ("/a\nb", "/a\nb"),
    ],
)
def test_a_path_is_normalized(path: str, expected: str) -> None:
    assert normalized(path) == expected


def test_an_empty_path_is_not_the_root() -> None:
    with pytest.raises(UsageError, match="a path is empty"):
        normalized("")


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (ID, True),
        (ID.replace("folder", "file"), True),
        (f"/{ID}", False),
        (ID.replace("folder", "version"), False),
        (ID.upper(), False),
        (f"{ID}0", False),
        (ID.replace("_0", "_8"), False),
        ("/Videos", False),
    ],
)
def test_an_id_is_told_from_a_path(place: str, expected: bool) -> None:
    assert is_id(place) is expected


@pytest.mark.parametrize(
    ("path", "expected"), [("/a/b/c", ("/a/b", "c")), ("/a", ("/", "a")), ("/", ("/", "")), ("a/", ("/", "a"))]
)
def test_a_path_is_split_into_folder_and_name(path: str, expected: tuple[str, str]) -> None:
    assert split(path) == expected


def test_names_are_joined_to_the_root_and_to_folders() -> None:
    assert (joined("/", "a"), joined("/a", "b")) == ("/a", "/a/b")


def test_names_are_compared_without_case_and_in_nfc() -> None:
    assert folded("E\N{COMBINING ACUTE ACCENT}cole") == folded("\N{LATIN SMALL LETTER E WITH ACUTE}COLE")
    assert folded("Ecole") != folded("École")
