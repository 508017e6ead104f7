"""The rules for new passwords."""

import asyncio
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.accounts.passwords import password_rules
from services.accounts.passwords.password_rules import Owner, PasswordRules
from services.core import validation
from services.core.errors import InvalidInput, TemporarilyUnavailable
from storage.accounts.breached_passwords import BreachedPasswords

ADA = Owner("ada.lovelace", "Ada King", "countess@analytical-engine.example.org")
RULES = PasswordRules()

GOOD = {
    "unrelated words": "correct horse battery",
    "ten random characters": "x7#Kq9!bVz",
    "random digits": "83920174655",
    "a word of the user ID in another word": "canada maple syrup",
    "a name with enough letters besides": "lovelace likes looms",
    "four Chinese characters": "\u6b63\u786e\u7684\u9a6c",
    "more than 72 characters, where zxcvbn would fail": "many words " * 30,
    "digits around a short word that is no name": "1234 blue 5678",
}

BAD = {
    "a word of zxcvbn's lists": ("qwertyuiop", "most common"),
    "one in capitals": ("Password123", "most common"),
    "a long word": ("Manchester", "most common"),
    "one character, repeated": ("1111111111", "different characters"),
    "three characters, repeated": ("abcabcabcabc", "different characters"),
    "the user ID": ("ada.lovelace", "too little added"),
    "the user ID in capitals without its dot": ("ADALOVELACE", "too little added"),
    "the user ID reversed": ("ecalevol.ada", "too little added"),
    "the user ID between digits": ("1815ada.lovelace1852", "too little added"),
    "a part of the user ID with digits and symbols": ("lovelace!!1815", "too little added"),
    "a part of the user ID, twice": ("lovelacelovelace", "too little added"),
    "the user name": ("Ada King 1815", "too little added"),
    "the words of the user name in another order": ("king-ada-king-ada", "too little added"),
    "the address": ("countess@analytical-engine.example.org", "too little added"),
    "its local part with three letters": ("countess-xyz", "too little added"),
    "its domain": ("analytical-engine.example.org", "too little added"),
    "its domain without the last label": ("analyticalengine.example", "too little added"),
}


@pytest.mark.parametrize("password", GOOD.values(), ids=GOOD)
async def test_a_good_password_is_accepted(password: str) -> None:
    await RULES.require_good(validation.new_password(password), ADA)


@pytest.mark.parametrize(("password", "rule"), BAD.values(), ids=BAD)
async def test_a_bad_password_is_refused_by_the_rule_that_it_breaks(password: str, rule: str) -> None:
    with pytest.raises(InvalidInput, match=rule) as refusal:
        await RULES.require_good(validation.new_password(password), ADA, "newPassword")
    assert refusal.value.field == "newPassword"
    assert password not in str(refusal.value)


@pytest.mark.parametrize("password", ["", "123456789", "x" * 1_025, "\u00e9" * 513, "\u6b63\u786e\u7684"])
def test_a_new_password_has_10_to_1024_bytes(password: str) -> None:
    with pytest.raises(InvalidInput, match="A password has"):
        validation.new_password(password)


@pytest.mark.parametrize("password", ["x" * 10, "x" * 1_024, "\u00e9" * 512, "\uff41" * 10])
def test_the_shortest_and_the_longest_new_password_are_accepted(password: str) -> None:
    assert len(validation.new_password(password).encode()) in (10, 1_024)


@pytest.mark.parametrize("password", ["", "x", "12345678", "\u6b63" * 1_024])
def test_a_sign_in_accepts_every_password_that_an_older_account_may_have(password: str) -> None:
    assert validation.password(password) == password


async def test_a_password_of_the_file_of_breached_ones_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "breached.txt"
    file.write_text(f"{hashlib.sha1(b'stolen from a shop').hexdigest().upper()}:3\n")
    rules = PasswordRules(BreachedPasswords(file))
    await rules.require_good("not stolen from a shop", ADA)
    with pytest.raises(InvalidInput, match="stolen from other services"):
        await rules.require_good("stolen from a shop", ADA)


@pytest.fixture
def hanging_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file on a disk that does not answer: a named pipe without a writer."""
    monkeypatch.setattr(password_rules, "SEARCH_SECONDS", 0.2)
    path = tmp_path / "pipe"
    os.mkfifo(path)
    yield path
    os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))


async def test_while_the_file_cannot_be_read_the_caller_may_try_again_later(
    tmp_path: Path, hanging_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for path in (tmp_path / "missing", tmp_path, hanging_file):
        with pytest.raises(TemporarilyUnavailable):
            await PasswordRules(BreachedPasswords(path)).require_good("correct horse battery", ADA)
    assert caplog.text.count("the file of breached passwords") == 3


async def test_a_file_that_hangs_keeps_no_thread_that_others_need(hanging_file: Path) -> None:
    rules = PasswordRules(BreachedPasswords(hanging_file))
    searches = [rules.require_good("correct horse battery", ADA) for _ in range(50)]
    await asyncio.gather(*searches, return_exceptions=True)
    assert await asyncio.wait_for(asyncio.to_thread(lambda: True), 60)
