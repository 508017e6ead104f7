"""The text of API tokens."""

import re

import pytest

from services.accounts.api_tokens import token_text
from services.accounts.api_tokens.token_text import ALPHABET

#: A token that was made once: its checksum must stay the same in every version.
TOKEN = "ckp_0123456789abcdefghijABCDEFGHIJ"


def test_a_token_has_a_prefix_30_random_characters_and_a_checksum_of_6() -> None:
    token = token_text.new_token()
    assert re.fullmatch(r"ckp_[0-9A-Za-z]{36}", token)
    assert len(token) == 40
    assert token_text.is_well_formed(token)


def test_no_two_tokens_are_equal() -> None:
    assert len({token_text.new_token() for _ in range(1_000)}) == 1_000


def test_the_checksum_of_a_text_never_changes() -> None:
    assert token_text.is_well_formed(f"{TOKEN}1HNUFB")
    assert not token_text.is_well_formed(f"{TOKEN}1HNUFC")


@pytest.mark.parametrize("position", range(40))
def test_a_token_with_another_character_anywhere_is_not_well_formed(position: int) -> None:
    token = token_text.new_token()
    for character in ALPHABET:
        if character != token[position]:
            changed = token[:position] + character + token[position + 1 :]
            assert not token_text.is_well_formed(changed)


@pytest.mark.parametrize(
    "change",
    [
        lambda token: "",
        lambda token: "ckp_",
        lambda token: token[:-1],
        lambda token: token + "0",
        lambda token: token * 1_000_000,
        lambda token: token.replace("ckp_", "ckr_"),
        lambda token: token[:20] + token[21] + token[20] + token[22:] if token[20] != token[21] else "",
        lambda token: token[:10] + "é" + token[11:],
        lambda token: token[:10] + "\udcff" + token[11:],
        lambda token: f" {token[1:]}",
    ],
)
def test_a_token_that_is_cut_or_mistyped_is_not_well_formed(change: object) -> None:
    assert callable(change)
    assert not token_text.is_well_formed(change(token_text.new_token()))


def test_a_mistyped_token_is_still_recognised_as_an_api_token() -> None:
    assert token_text.looks_like_one(token_text.new_token()[:-3])
    assert not token_text.looks_like_one("eyJhbGciOiJIUzI1NiJ9.e30.x")


def test_the_hash_and_the_last_characters_do_not_show_the_token() -> None:
    token = token_text.new_token()
    assert re.fullmatch(r"[0-9a-f]{64}", token_text.digest(token))
    assert token.endswith(token_text.last_characters(token))
    assert len(token_text.last_characters(token)) == 4
