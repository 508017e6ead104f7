"""Whole numbers in the texts of clients."""

import pytest

from services.core.decimals import parse_decimal


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("007", 7), ("999", 999)])
def test_digits_are_a_number(text: str, number: int) -> None:
    assert parse_decimal(text, 3) == number


@pytest.mark.parametrize("text", ["", "1000", "-1", "+1", " 1", "1_0", "1.0", "\u0661", "\u00b2", "x"])
def test_any_other_text_is_none(text: str) -> None:
    assert parse_decimal(text, 3) is None
