"""Codes as people type, paste and dictate them."""

import pytest

from services.core import validation
from services.core.errors import InvalidInput

CODES = {
    "as it is in the mail": "123456",
    "with a space": "123 456",
    "with a dash": "123-456",
    "with an en dash and spaces": "123 \u2013 456",
    "with a minus": "123\u2212456",
    "with a non-breaking hyphen": "123\u2011456",
    "with the dash of a Japanese keyboard": "123\u30fc456",
    "with the dash of a Japanese keyboard, half width": "123\uff70456",
    "with the dash of a Chinese keyboard": "123\uff0d456",
    "with a space after each digit": " 1 2 3 4 5 6 ",
    "with a non-breaking space": "123\u00a0456",
    "with an ideographic space": "123\u3000456",
    "with line ends": "\r\n123456\n",
    "after a zero width space": "\u200b123456",
    "after a byte order mark": "\ufeff123456",
    "with a word joiner and a soft hyphen": "123\u2060\u00ad456",
    "between marks of direction": "\u200e123456\u202c",
    "in full width": "\uff11\uff12\uff13\uff14\uff15\uff16",
    "in Arabic digits": "\u0661\u0662\u0663\u0664\u0665\u0666",
    "in Persian digits": "\u06f1\u06f2\u06f3\u06f4\u06f5\u06f6",
    "in Devanagari digits": "\u0967\u0968\u0969\u096a\u096b\u096c",
    "in mathematical digits": "\U0001d7cf\U0001d7d0\U0001d7d1\U0001d7d2\U0001d7d3\U0001d7d4",
    "as keycaps": "".join(f"{digit}\ufe0f\u20e3" for digit in "123456"),
    "in two scripts": "123\u0664\u0665\u0666",
}


@pytest.mark.parametrize("typed", CODES.values(), ids=CODES)
def test_a_code_is_read(typed: str) -> None:
    assert validation.otp(typed) == "123456"


def test_zeros_at_the_beginning_stay() -> None:
    assert validation.otp("000 007") == "000007"


@pytest.mark.parametrize(
    "typed",
    [
        *("", " ", "12345", "1234567", "12345a", "123.456", "+123456", "\u4e00" * 6, "1e5000", "\u2460" * 7, "\ud800"),
        *("1" + "\u0301" * 100_000, "1" * 1_000, "123456" + " " * 200),
    ],
)
def test_any_other_text_is_no_code(typed: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        validation.otp(typed)
    assert refusal.value.field == "otp"
