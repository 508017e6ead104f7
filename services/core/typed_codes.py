"""Codes as people type them: with spaces, dashes, digits of other scripts, and invisible characters from a mail."""

import unicodedata

from services.core.errors import InvalidInput

OTP_DIGITS = 6
#: The longest code, as typed, that is processed at all.
MAX_TYPED_CHARACTERS = 100
#: Spaces, line ends, invisible characters, dashes, and marks, such as those that make a keycap of a digit.
IGNORED_CATEGORIES = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf", "Pd", "Mn", "Me"})
#: What looks like a dash and is not in the category: minus, hyphen bullet, and the long vowel mark of Japanese, which
#: is what a Japanese keyboard types.
MORE_DASHES = frozenset("\u2212\u2043\u30fc")


def otp(value: str, field: str = "otp") -> str:
    """The six ASCII digits of a code. Raises :class:`InvalidInput` for a text that is no code.

    Such a text is not compared with the code, so it is not counted as an attempt.
    """
    refusal = InvalidInput(f"A code has {OTP_DIGITS} digits.", field=field)
    if len(value) > MAX_TYPED_CHARACTERS:
        raise refusal
    typed = (c for c in unicodedata.normalize("NFKC", value) if not _is_ignored(c))
    digits = [unicodedata.decimal(c, None) for c in typed]
    if len(digits) != OTP_DIGITS or None in digits:
        raise refusal
    return "".join(map(str, digits))


def _is_ignored(character: str) -> bool:
    return unicodedata.category(character) in IGNORED_CATEGORIES or character in MORE_DASHES
