"""Names of files that are made from other files."""

import pytest

from storage.drive.names import MAX_NAME_BYTES, derived


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("clip.mov", "clip.small.mp4"),
        ("clip", "clip.small.mp4"),
        (".clip", ".clip.small.mp4"),
        ("clip.tar.gz", "clip.tar.small.mp4"),
    ],
)
def test_the_ending_takes_the_place_of_the_extension(name: str, expected: str) -> None:
    """A name that has none, or that begins with a dot, stays whole."""
    assert derived(name, ".small.mp4") == expected


@pytest.mark.parametrize("stem", ["a" * 251, "é" * 125, "📼" * 62 + "abc", "a" * 239 + " " * 12])
def test_a_derived_name_is_short_enough_for_a_file_system(stem: str) -> None:
    """It is cut between characters, and never ends with a space before its ending."""
    name = derived(f"{stem}.mov", ".compressed.mp4")
    assert len(name.encode()) <= MAX_NAME_BYTES
    assert name.endswith(".compressed.mp4")
    assert name.removesuffix(".compressed.mp4") == name.removesuffix(".compressed.mp4").rstrip()
    assert stem.startswith(name.removesuffix(".compressed.mp4"))
