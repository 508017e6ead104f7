"""Folds texts for searches, so that case, accents and the forms of a character do not matter."""

import unicodedata


def fold(text: str) -> str:
    """The text for comparison by searches.

    ``Ä`` becomes ``a``, ``ß`` becomes ``ss``, and the ligature ``ﬃ`` becomes ``ffi``. Python does it for
    both databases, because their own functions differ from each other.
    """
    # Casefolding may make characters that can be decomposed again: İ becomes i and a combining dot.
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", "".join(c for c in decomposed if not unicodedata.combining(c)))


def words_of(query: str) -> list[str]:
    """The different folded words of a query, the longest first. A word that is a part of another one is left out."""
    words = sorted(set(fold(query).split()), key=lambda word: (-len(word), word))
    return [word for place, word in enumerate(words) if not any(word in longer for longer in words[:place])]
