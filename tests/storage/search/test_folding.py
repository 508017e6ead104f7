"""Folding of texts for searches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.search.folding import fold, words_of


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Café", "cafe"),
        ("Cafe\u0301", "cafe"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("İstanbul", "istanbul"),
        ("oﬃce", "office"),
        ("\uff21\uff22\uff23", "abc"),
        ("Ёлка", "елка"),
        ("東京 2026", "東京 2026"),
        ("한국", "한국"),
        ("🎬 100%_\\", "🎬 100%_\\"),
    ],
)
def test_case_accents_and_forms_of_a_character_do_not_matter(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_the_words_of_a_query_are_folded_and_different() -> None:
    assert words_of("  Été\u00a0 clip\tété ") == ["clip", "ete"]


def test_a_word_inside_another_one_is_left_out() -> None:
    assert words_of("mp4 clip.mp4 lip") == ["clip.mp4"]


@pytest.mark.parametrize("query", ["", " \t\n", "\u0301"])
def test_a_query_without_a_visible_character_has_no_words(query: str) -> None:
    assert words_of(query) == []
