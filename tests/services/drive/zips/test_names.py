"""Names in zip files stay inside the folder into which they are extracted, and do not overwrite each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.drive.zips.names import FolderNames, safe_name
from storage.drive.names import folded


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("clip.mp4", "clip.mp4"),
        (".hidden", ".hidden"),
        ("..", "__"),
        (".", "_"),
        (". .", "___"),
        ("/etc/passwd", "_etc_passwd"),
        ("..\\..\\a", ".._.._a"),
        ("C:\\a", "C__a"),
        ("a:stream", "a_stream"),
        ("a\0b\nc", "a_b_c"),
    ],
)
def test_no_name_leaves_its_folder(name: str, expected: str) -> None:
    assert safe_name(name) == expected


@given(st.lists(st.sampled_from(["a", "A", "a (2)", "..", "__", "ä.txt", "Ä.txt", "a.tar.gz"]), max_size=30))
def test_names_of_one_folder_differ_also_without_case(names: list[str]) -> None:
    folder = FolderNames()
    taken = [folder.take("", name) for name in names]
    assert len({folded(name) for name in taken}) == len(names)


def test_equal_names_are_numbered_and_other_folders_do_not_matter() -> None:
    names = FolderNames()
    assert [names.take("a/", "clip.mp4") for _ in range(3)] == ["clip.mp4", "clip (2).mp4", "clip (3).mp4"]
    assert names.take("b/", "clip.mp4") == "clip.mp4"
