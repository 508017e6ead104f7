"""Sizes and times as operators write them."""

import re

import pytest

from cloudkeep.settings.units import (
    DurationBetween,
    SizeBetween,
    format_duration,
    format_size,
    parse_duration,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1024", 1024),
        ("7B", 7),
        ("10GB", 10 * 10**9),
        ("10gb", 10 * 10**9),
        ("500GiB", 500 * 2**30),
        (" 1.5 gib ", 3 * 2**29),
        ("1.1KB", 1100),
        ("8PiB", 2**53),
        *((text, None) for text in ("", "10G", "1.5", "-1", "1e3", "1_000", "1 apple", "1GB x", "8Gbit", "\uff11GB")),
    ],
)
def test_a_size_has_a_decimal_or_a_binary_unit_or_counts_bytes(text: str, size: int | None) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("1.5", 1.5),
        ("90s", 90),
        ("100ms", 0.1),
        ("15m", 900),
        ("15 min", 900),
        ("6H", 21_600),
        ("7d", 604_800),
        ("2w", 1_209_600),
        ("1h30m", 5_400),
        ("1h 30m 5s", 5_405),
        *((text, None) for text in ("", "soon", "6 hours", "1h30", "-1s", "nan", "inf", "1e3", "P1D", "1:30")),
    ],
)
def test_a_time_has_units_or_counts_seconds(text: str, seconds: float | None) -> None:
    parsed = parse_duration(text)
    assert (None if parsed is None else float(parsed)) == seconds


@pytest.mark.parametrize("size", [0, 1, 1000, 1024, 3 * 2**20, 2**53])
def test_a_size_in_a_message_can_be_typed_back(size: int) -> None:
    assert parse_size(format_size(size)) == size


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (0.1, "0.1s"), (90, "90s"), (3600, "1h"), (315_360_000, "3650d")]
)
def test_a_time_in_a_message_can_be_typed_back(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
    assert float(parse_duration(text) or 0) == seconds


def test_numbers_from_code_have_the_same_bounds() -> None:
    assert (SizeBetween(1, 10)(10), DurationBetween(0.1, 10)(1)) == (10, 1.0)
    with pytest.raises(ValueError, match=re.escape("between 1B and 10B")):
        SizeBetween(1, 10)(11)
    with pytest.raises(ValueError, match=re.escape("between 0.1s and 10s")):
        DurationBetween(0.1, 10)(float("nan"))
