"""Which language a mail is written in."""

import pytest

from services.mail.languages import candidates, is_tag


@pytest.mark.parametrize(
    ("locale", "default", "expected"),
    [
        ("de-AT", "fr", ["de-at", "de", "fr", "en"]),
        ("de", "en", ["de", "en", "en"]),
        (None, "pt-BR", ["pt-br", "pt", "en"]),
        ("zh-Hant-TW", "en", ["zh-hant-tw", "zh-hant", "zh", "en", "en"]),
        ("de-x-private", "en", ["de-x-private", "de", "en", "en"]),
        ("../../etc/passwd", "en", ["en", "en"]),
        ("de_DE", "en", ["en", "en"]),
        ("", "en", ["en", "en"]),
        ("d" * 10_000, "en", ["en", "en"]),
    ],
)
def test_the_best_language_comes_first(locale: str | None, default: str, expected: list[str]) -> None:
    assert list(candidates(locale, default)) == expected


@pytest.mark.parametrize("text", ["", "1", "-", "de-", "de--AT", "de/AT", "de.AT", "..", "de AT", "de\n", "dé"])
def test_what_is_no_tag_is_not_taken_for_one(text: str) -> None:
    assert not is_tag(text)
