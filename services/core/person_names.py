"""The rule for the names of people: what is stored can be seen, and shows what it consists of.

Names are shown to others, so one must not look like an empty or another name by characters without ink (Unicode
Technical Report 36, section 2; RFC 5892, appendix A, for the two joiners).
"""

import unicodedata
from itertools import groupby

#: Zero width non-joiner and joiner, which some scripts and emoji need.
JOINERS = frozenset("\u200c\u200d")
VARIATION_SELECTORS = frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
#: Marks without ink: the grapheme joiner, two vowels of Khmer that are only for sorting, and selectors of Mongolian.
INVISIBLE_MARKS = frozenset("\u034f\u17b4\u17b5\u180b\u180c\u180d\u180f")
#: Unicode Standard Annex 15, section 13, allows 30 marks in a row; no name needs more than this.
MARKS_IN_A_ROW = 4
#: The combining class of the signs that join letters of Indic scripts.
VIRAMA = 9


def is_honest(name: str) -> bool:
    """Whether every character of a name in form NFC can be seen, or is needed where it stands.

    Control characters, bidirectional controls and letters without ink are not checked here.
    """
    if unicodedata.category(name[0]).startswith("M"):
        return False
    return _has_few_marks(name) and all(_is_honest_at(name, at) for at in range(len(name)))


def _is_honest_at(name: str, at: int) -> bool:
    character = name[at]
    if character in JOINERS:
        return 0 < at < len(name) - 1 and _joins(name[at - 1], name[at + 1])
    if character in VARIATION_SELECTORS:
        # Ideographs and emoji have variants.
        return unicodedata.category(name[at - 1]) in ("Lo", "So")
    return unicodedata.category(character) != "Cf" and character not in INVISIBLE_MARKS


def _joins(before: str, after: str) -> bool:
    """Whether a joiner between these two has an effect: in Arabic and Indic scripts, and in emoji."""
    if unicodedata.combining(before) == VIRAMA:
        return True
    if unicodedata.bidirectional(after) == "AL":
        return unicodedata.bidirectional(before) in ("AL", "NSM")
    is_emoji = unicodedata.category(before) in ("So", "Sk") or before in VARIATION_SELECTORS
    return is_emoji and unicodedata.category(after) == "So"


def _has_few_marks(name: str) -> bool:
    runs = groupby(name, lambda character: unicodedata.category(character).startswith("M"))
    return all(not is_marks or len(list(marks)) <= MARKS_IN_A_ROW for is_marks, marks in runs)
