"""Entries of zip files: what a row keeps is read as it was written, and hashes to the same tag."""

import zlib

import pytest

from services.drive.zips.entries import EncodedEntries, ZipEntry, compressed, decode, etag_of, lines_of

FILE = ZipEntry('Grüße "📼"/a\nb.txt', 2**40, 2**32 - 1, -5, "key")
FOLDER = ZipEntry("Grüße/", 0, 0, 1_700_000_000, None)
ENTRIES = [FOLDER, FILE]


def stored(entries: list[ZipEntry]) -> EncodedEntries:
    return decode(compressed(lines_of(entries)))


def tag(entries: list[ZipEntry]) -> str:
    return etag_of(lines_of(entries))


def test_entries_are_read_as_they_were_written() -> None:
    assert list(stored(ENTRIES)) == ENTRIES
    assert list(stored(ENTRIES)[1:]) == [FILE]
    assert list(stored([])) == []


@pytest.mark.parametrize(
    "change", [{"name": "b"}, {"size": 1}, {"crc32": 1}, {"modified_at": 1}, {"key": "other"}], ids=str
)
def test_the_tag_depends_on_everything_in_an_entry(change: dict[str, object]) -> None:
    entry = ZipEntry("a", 0, 0, 0, "key")
    assert tag([entry]) != tag([ZipEntry(**{**vars(entry), **change})])


def test_the_tag_depends_on_the_order() -> None:
    assert tag(ENTRIES) != tag(ENTRIES[::-1])
    assert tag(ENTRIES) == tag(list(ENTRIES))


def test_a_list_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="not a list"):
        decode(zlib.compress(b"0"))
