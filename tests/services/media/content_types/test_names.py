"""Tests of the table of extensions."""

import pytest

from services.core.validation import MIME_TYPE
from services.media.content_types import names
from services.media.content_types.names import by_name, extension_of

TYPES = sorted(set(names._TYPES.values()) | set(names._TYPES_OF_TEXT.values()))


def test_every_type_of_the_table_is_one_that_can_be_stored() -> None:
    """In lower case, and short enough for its column."""
    assert all(MIME_TYPE.fullmatch(each) and len(each) <= 127 for each in TYPES)


def test_every_extension_is_in_the_table_once() -> None:
    """A second type would silently replace the first one."""
    extensions = " ".join(names._EXTENSIONS.values()).split()
    assert len(extensions) == len(set(extensions))
    assert all(each == each.lower() for each in extensions)


@pytest.mark.parametrize(
    ("name", "extension"),
    [("a.MP4", "mp4"), ("a.b.c", "c"), (".profile", ""), ("..x", ""), ("a.", ""), ("", ""), ("a. mp4", " mp4")],
)
def test_the_extension_is_what_comes_after_the_last_dot(name: str, extension: str) -> None:
    """A name that begins with a dot has none."""
    assert extension_of(name) == extension


def test_an_unknown_extension_has_no_type() -> None:
    """The caller decides then."""
    assert by_name("a.unknown") is None
