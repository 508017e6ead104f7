"""Tokens that people copy: each is different, and a mistake is recognised without a query."""

import pytest

from services.core import checked_tokens
from services.core.checked_tokens import ALPHABET, digest, is_well_formed, new

PREFIX = "cki_"
#: A token that was made once: its checksum must stay the same in every version.
MADE_ONCE = "ckp_0123456789abcdefghijABCDEFGHIJ1hnufb"


def test_a_token_has_its_prefix_and_no_other() -> None:
    token = new(PREFIX)
    assert token.startswith(PREFIX)
    assert is_well_formed(PREFIX, token)
    assert not is_well_formed("ckp_", token)


def test_the_checksum_of_a_text_never_changes() -> None:
    assert is_well_formed("ckp_", MADE_ONCE)


def test_tokens_differ_and_so_do_their_hashes() -> None:
    tokens = {new(PREFIX) for _ in range(100)}
    assert len({digest(token) for token in tokens}) == len(tokens) == 100


def test_every_mistake_in_one_character_is_recognised() -> None:
    token = new(PREFIX)
    for at in range(len(token)):
        for other in ALPHABET:
            mistyped = token[:at] + other + token[at + 1 :]
            assert is_well_formed(PREFIX, mistyped) is (mistyped == token)


@pytest.mark.parametrize("text", ["", "cki_", "cki_" + "0" * 36, "\ud800" * 40, "\u0660" * 40, "x" * 10_000_000])
def test_another_text_is_not_well_formed_and_harmless(text: str) -> None:
    assert not is_well_formed(PREFIX, text)
    assert len(digest(text)) == 64


def test_two_characters_in_the_wrong_order_are_recognised() -> None:
    assert not is_well_formed("ckp_", MADE_ONCE.replace("45", "54"))


def test_a_text_that_was_cut_or_continued_is_not_well_formed() -> None:
    token = new(PREFIX)
    assert not is_well_formed(PREFIX, token[:-1])
    assert not is_well_formed(PREFIX, token + "0")
    assert len(token) == len(PREFIX) + checked_tokens.SECRET_CHARACTERS + checked_tokens.CHECKSUM_CHARACTERS
