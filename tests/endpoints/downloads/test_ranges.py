"""Byte ranges and entity tags, case by case."""

import pytest

from endpoints.downloads.ranges import ByteRange, Unsatisfiable, matches, parse_range

SIZE = 100
WHOLE = None

RANGES = {
    "bytes=0-9": ByteRange(0, 10),
    "bytes=0-0": ByteRange(0, 1),
    "bytes=99-99": ByteRange(99, 1),
    "bytes=10-": ByteRange(10, 90),
    "bytes=0-": ByteRange(0, 100),
    "bytes=-10": ByteRange(90, 10),
    "bytes=-100": ByteRange(0, 100),
    "bytes=-1000": ByteRange(0, 100),
    "bytes=90-1000": ByteRange(90, 10),
    f"bytes=0-{'9' * 18}": ByteRange(0, 100),
    " bytes=0-9 ": ByteRange(0, 10),
    "BYTES=0-9": ByteRange(0, 10),
    "Bytes=-10": ByteRange(90, 10),
    "byte\u017f=0-9": WHOLE,
    "": WHOLE,
    "bytes=": WHOLE,
    "bytes=-": WHOLE,
    "bytes=9-0": WHOLE,
    "bytes=1000-0": WHOLE,
    "bytes=0-9,20-29": WHOLE,
    "bytes=0-9,": WHOLE,
    "bytes=a-b": WHOLE,
    "bytes=--1": WHOLE,
    "bytes=0x0-0x9": WHOLE,
    "bytes=+1-2": WHOLE,
    "bytes=\u0660-\u0669": WHOLE,
    f"bytes=0-{'9' * 5_000}": WHOLE,
    "items=0-9": WHOLE,
    "0-9": WHOLE,
}


@pytest.mark.parametrize(("header", "expected"), RANGES.items(), ids=lambda value: str(value)[:30])
def test_a_range_is_the_part_that_was_asked_for(header: str, expected: ByteRange | None) -> None:
    assert parse_range(header, SIZE) == expected


def test_no_range_is_the_whole() -> None:
    assert parse_range(None, SIZE) is WHOLE


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-100", "bytes=100-200", f"bytes={'9' * 18}-", "bytes=-0"])
def test_a_range_behind_the_end_cannot_be_satisfied(header: str) -> None:
    with pytest.raises(Unsatisfiable):
        parse_range(header, SIZE)


def test_a_content_range_counts_from_zero_and_includes_its_end() -> None:
    assert ByteRange(10, 5).content_range(100) == "bytes 10-14/100"


@pytest.mark.parametrize("header", ['"a"', 'W/"a"', '"b", "a"', '"b",W/"a"', "*", ' "a" '])
def test_an_entity_tag_matches_where_it_is_named(header: str) -> None:
    assert matches(header, '"a"')


@pytest.mark.parametrize("header", [None, "", '"b"', "a", '"A"', 'w/"a"', '"a', "**"])
def test_an_entity_tag_does_not_match_where_it_is_not_named(header: str | None) -> None:
    assert not matches(header, '"a"')
