"""Names of people: which can be told apart by what a reader sees."""

import pytest

from services.core import validation
from services.core.errors import InvalidInput

NAMES = {
    "Latin with accents": "Ngô Thị Ánh Nguyệt",
    "Persian with a non-joiner": "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627",
    "Arabic with vowel signs": "\u0645\u064f\u062d\u064e\u0645\u064e\u0651\u062f",
    "Sinhala with a joiner": "\u0da0\u0db1\u0dca\u200d\u0daf\u0dca\u200d\u0dbb",
    "Hindi": "\u0932\u0915\u094d\u0937\u094d\u092e\u0940",
    "Hebrew with points": "\u05d3\u05b8\u05bc\u05d5\u05b4\u05d3",
    "Thai": "\u0e2a\u0e21\u0e0a\u0e32\u0e22",
    "Japanese with a variant of a character": "\u8fbb\U000e0100\u672c",
    "Hungarian with initials and a dash": "Dr. Kov\u00e1cs-Nagy J.",
    "Irish with an apostrophe": "Se\u00e1n O\u2019Brien",
    "an emoji of several": "Ada \U0001f469\u200d\U0001f4bb",
    "an emoji with a skin tone and a variant": "\U0001f469\U0001f3fd\u200d\u2764\ufe0f\u200d\U0001f468",
}

DISHONEST = {
    "a zero width space inside": "A\u200bda",
    "a joiner between Latin letters": "A\u200dda",
    "a non-joiner between Latin letters": "A\u200cda",
    "a joiner at the end": "Ada\u200d",
    "a joiner at the beginning": "\u200dAda",
    "a word joiner": "Ada\u2060",
    "a byte order mark": "\ufeffAda",
    "a soft hyphen": "A\u00adda",
    "a mark of direction": "Ada\u200e",
    "an override of direction": "Ada \u202egnp",
    "an isolate": "\u2066Ada\u2069",
    "invisible tags": "Ada\U000e0041",
    "a Hangul filler": "Ada\u3164",
    "an empty Braille pattern": "Ada \u2800",
    "a grapheme joiner": "A\u034fda",
    "a variation selector after a letter": "A\ufe0fda",
    "a vowel without ink": "\u1780\u17b5",
    "only a mark": "\u0301",
    "only marks and spaces": "\u0301 \u0302",
    "a mark at the beginning": "\u0301Ada",
    "a heap of marks": "A" + "\u0316\u0317\u0318\u0319\u031c" + "da",
    "a line end": "Ada\nAdmin",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_of_any_script_is_accepted_as_it_is(name: str) -> None:
    assert validation.person_name(name) == name


@pytest.mark.parametrize("name", DISHONEST.values(), ids=DISHONEST)
def test_a_name_is_refused_if_it_has(name: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        validation.person_name(name)
    assert refusal.value.field == "userName"


@pytest.mark.parametrize("typed", ["Ada  Lovelace", "\u3000Ada\u00a0Lovelace ", "Ada\u2003\u2009Lovelace"])
def test_words_are_separated_by_one_space_of_the_usual_kind(typed: str) -> None:
    assert validation.person_name(typed) == "Ada Lovelace"
